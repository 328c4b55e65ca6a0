// What a first visit sees. In one column it stands where the ring will be, and is as high: nothing moves when that takes its place.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { ChooseJob } from './ChooseJob.tsx';

interface Props {
  readonly lab: Lab;
}

export const Greeting = ({ lab }: Props): JSX.Element => (
  <section class="panel greeting">
    <Welcome lab={lab} Heading="h2" />
  </section>
);

/** Within the ranks' panel its title is one below the panel's. */
export const Welcome = ({ lab, Heading }: Props & { readonly Heading: 'h2' | 'h3' }): JSX.Element => (
  <div class="welcome">
    <Heading>{words.welcome.title}</Heading>
    <p>{words.welcome.body(lab.room.value.job.steps)}</p>
    <ChooseJob lab={lab} />
  </div>
);

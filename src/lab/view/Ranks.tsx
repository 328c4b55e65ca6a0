// The ranks as cards in the order in which they came, this tab's with their kill buttons; and what a first visit sees in their place.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { isFirstVisit } from '../model/first-visit.ts';
import { volunteerLink } from '../volunteer/volunteer-link.ts';
import { ChooseJob } from './ChooseJob.tsx';
import { copyLink } from './copy-link.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';
import { RankCard } from './RankCard.tsx';

/** With fewer ranks than this, there is a free place to offer. */
const FEW = 4;

export function Ranks({ lab }: { readonly lab: Lab }): JSX.Element {
  const { ranks: all, job } = lab.room.value;
  const isStarting = lab.busy.value.has('start-four');
  // While four are awaited, who has no place in the ring yet has none here: mostly they come into it one after the other.
  const ranks = lab.inPlace(isStarting ? all.filter(({ rank }) => rank !== undefined) : all);
  // At once as many places as there will be: nothing below moves when the ranks come into them.
  const coming = isStarting ? Math.max(0, FEW - ranks.length) : 0;
  return (
    <Panel name="ranks" title={words.ranks.title} aside={<Invite lab={lab} />}>
      <ul class="cards">
        {ranks.map((rank) => (
          <RankCard key={rank.member} lab={lab} rank={rank} microBatches={job.microBatches} />
        ))}
        {ranks.length === 0 && coming === 0 && lab.opening.value > 0 && (
          <li class="card placeholder" aria-hidden="true" />
        )}
        {Array.from({ length: coming }, (_, i) => (
          <li key={`place ${ranks.length + i}`} class="card placeholder muted">
            {words.welcome.starting}
          </li>
        ))}
        {isFirstVisit(lab) && <Welcome lab={lab} />}
        {!isFirstVisit(lab) && coming === 0 && ranks.length > 0 && ranks.length < FEW && (
          <AddHere lab={lab} />
        )}
        {ranks.length === 0 && lab.opening.value === 0 && <Empty lab={lab} />}
      </ul>
    </Panel>
  );
}

/** Copies the link that a host gives to volunteers. */
const Invite = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <button
    type="button"
    class="button small ghost"
    title={words.ranks.inviteMeans}
    onClick={() => void copyLink(lab, volunteerLink(lab.link, location.href), words.ranks.invited)}
  >
    <Icon name="link" />
    {words.ranks.invite}
  </button>
);

/** The free place beside a few ranks. */
const AddHere = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <li class="add-here">
    <button type="button" onClick={() => void lab.addRank().catch(() => undefined)}>
      <Icon name="plus" />
      {lab.opening.value > 0 ? words.actions.opening(lab.opening.value) : words.ranks.addHere}
    </button>
  </li>
);

function Welcome({ lab }: { readonly lab: Lab }): JSX.Element {
  return (
    <li class="welcome">
      <h3>{words.welcome.title}</h3>
      <p>{words.welcome.body(lab.room.value.job.steps)}</p>
      <ChooseJob lab={lab} />
    </li>
  );
}

const Empty = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <li class="welcome">
    <h3>{words.ranks.emptyTitle}</h3>
    <p>{words.ranks.emptyBody}</p>
    <button type="button" class="button primary" onClick={() => void lab.addRank().catch(() => undefined)}>
      <Icon name="plus" />
      {words.actions.addRank}
    </button>
  </li>
);

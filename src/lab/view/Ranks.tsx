// The ranks as cards in the order in which they came, this tab's with their kill buttons; and what a first visit sees in their place.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { isFirstVisit } from '../model/first-visit.ts';
import { volunteerLink } from '../volunteer/volunteer-link.ts';
import { copyLink } from './copy-link.ts';
import { Welcome } from './Greeting.tsx';
import { Icon } from './icons.tsx';
import { isNarrow } from './narrow.ts';
import { Panel } from './Panel.tsx';
import { RankCard } from './RankCard.tsx';

/** With fewer ranks than this, there is a free place to offer. */
const FEW = 4;

export function Ranks({ lab }: { readonly lab: Lab }): JSX.Element {
  const { ranks: all, job } = lab.room.value;
  const isStarting = lab.busy.value.has('start-four');
  // While four are awaited, who has no place in the ring yet has none here: mostly they come into it one after the other.
  const ranks = lab.inPlace(isStarting ? all.filter(({ rank }) => rank !== undefined) : all);
  const greets = isFirstVisit(lab);
  // As many places as there will be: nothing below moves when the ranks come into them.
  const isWaiting = isStarting || (greets && isNarrow.value && ranks.length > 0);
  const coming = isWaiting ? Math.max(0, FEW - ranks.length) : 0;
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
            {isStarting ? words.welcome.starting : words.welcome.place}
          </li>
        ))}
        {greets && !isNarrow.value && (
          <li class="welcome-place">
            <Welcome lab={lab} Heading="h3" />
          </li>
        )}
        {!greets && coming === 0 && ranks.length > 0 && ranks.length < FEW && <AddHere lab={lab} />}
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

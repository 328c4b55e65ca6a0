// A rank, named the same way everywhere: its colour, with its number on it, and the first digits of its member id.

import type { JSX } from 'preact';
import type { MemberId } from '../../ports/ids.ts';
import type { Lab } from '../model/lab.ts';
import { colourOf, isRinged } from '../../trace/looks.ts';
import { shortId } from '../format.ts';

/** Styles for whatever wears a rank's colour: `--rank` and, on it, `--rank-ink`; and its ring, where it has one. */
export const rankStyle = (slot: number): Record<string, string> => {
  const colour = colourOf(slot);
  return {
    '--rank': `var(--rank-${colour})`,
    '--rank-ink': `var(--rank-ink-${colour})`,
    ...(isRinged(slot) && {
      '--rank-ring': `var(--rank-ink-${colour})`,
      '--rank-dot-ring': `inset 0 0 0 1.5px var(--rank-${colour}), inset 0 0 0 3px var(--rank-ink-${colour})`,
    }),
  };
};

interface Props {
  readonly lab: Lab;
  readonly member: MemberId;
}

/** The disc alone. */
export function RankDot({ lab, member }: Props): JSX.Element {
  const view = lab.room.value.ranks.find((rank) => rank.member === member);
  const number = view?.activity === 'gone' ? undefined : view?.rank;
  return (
    <span class="rank-dot" style={rankStyle(lab.slot(member))} title={shortId(member)}>
      <span aria-hidden="true">{number ?? '·'}</span>
      <span class="sr-only">{shortId(member)}</span>
    </span>
  );
}

/** The name within a sentence. */
export const RankName = ({ lab, member }: Props): JSX.Element => (
  <span class="rank-name" style={rankStyle(lab.slot(member))}>
    {shortId(member)}
  </span>
);

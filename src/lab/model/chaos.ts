// Chaos in the lab: the faults that a seed draws strike the ranks of this page, and those that it took away come back.

import { followChaos } from '../../faults/chaos.ts';
import type { Chaos } from '../../faults/chaos.ts';
import type { Lab } from './lab.ts';

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 250;

type Struck = Pick<Lab, 'locals' | 'inject' | 'removeRank' | 'addRank'> & {
  readonly room: {
    readonly value: Pick<Lab['room']['value'], 'running'> & {
      readonly ranks: readonly Pick<Lab['room']['value']['ranks'][number], 'member' | 'rank'>[];
    };
  };
};

/** One look: strikes what has come due. `ms`: since the chaos began. */
export function chaosOf(lab: Struck, chaos: Chaos): (ms: number) => void {
  const cursor = followChaos(chaos);
  return (ms) => {
    const { ranks, running } = lab.room.value;
    if (!running) return;
    const members = ranks.filter(({ rank }) => rank !== undefined);
    for (const { rank, fault } of cursor.due({ step: 0, ms, ranks: members.length })) {
      const member = members.find((view) => view.rank === rank)?.member;
      // Other pages' ranks are theirs to strike.
      if (member === undefined || !lab.locals.value.some((local) => local.member === member)) continue;
      if (fault.kind === 'kill' || fault.kind === 'close') {
        lab.removeRank(member, fault.kind === 'close');
        // A rank that does not open has said why in a banner.
        lab.addRank().catch(() => undefined);
      } else if (fault.kind !== 'lose-gpu-process') {
        void lab.inject(member, fault);
      }
    }
  };
}

export function keepChaos(lab: Lab, chaos: Chaos): void {
  const look = chaosOf(lab, chaos);
  const startedAt = performance.now();
  setInterval(() => {
    look(performance.now() - startedAt);
  }, LOOK_EVERY_MS);
}

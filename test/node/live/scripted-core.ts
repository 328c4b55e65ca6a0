// A core that does what the test says: it remembers the events it is given and returns the effects prepared for them.

import type { Core } from '../../../src/live/host-ports.ts';
import type { Effect, Event } from '../../../src/protocol/effects.ts';
import type { SeatId, MemberId } from '../../../src/ports/ids.ts';
import { createRank } from '../../../src/protocol/rank.ts';
import { viewRank } from '../../../src/protocol/view.ts';

export interface ScriptedCore extends Core {
  readonly events: Event[];
  /** Effects for the next event of that kind. */
  on(kind: Event['kind'], ...effects: Effect[]): void;
  kinds(): readonly Event['kind'][];
}

export function scriptedCore(member: MemberId, seat: SeatId): ScriptedCore {
  const events: Event[] = [];
  const prepared: { kind: Event['kind']; effects: Effect[] }[] = [];
  const state = createRank({ member, seat });
  return {
    events,
    on(kind, ...effects) {
      prepared.push({ kind, effects });
    },
    kinds: () => events.map(({ kind }) => kind),
    step(event) {
      events.push(event);
      const index = prepared.findIndex(({ kind }) => kind === event.kind);
      return prepared.splice(index, index < 0 ? 0 : 1)[0]?.effects ?? [];
    },
    view: (now) => viewRank(state, now),
  };
}

// The lost-time ledger of a run as one rank can tell it: what it saw itself, on top of what came with the state that it goes on from.

import { keepLedger } from '../trace/ledger.ts';
import type { Ledger } from '../trace/ledger.ts';
import type { TraceRecord } from '../trace/events.ts';

export interface TimeBook {
  observe(record: TraceRecord): void;
  /** A state came with this ledger: from now on it counts instead of what this rank saw before. */
  adopt(ledger: Ledger): void;
  ledger(): Ledger;
}

export function createTimeBook(): TimeBook {
  const keeper = keepLedger();
  /** What came with the state, and what this rank had seen by then. */
  let base: { readonly brought: Ledger; readonly seen: Ledger } | undefined;
  return {
    observe: (record) => {
      keeper.observe(record);
    },
    adopt(brought) {
      base = { brought, seen: keeper.ledger() };
    },
    ledger() {
      const own = keeper.ledger();
      if (base === undefined) return own;
      const { brought, seen } = base;
      const sum = (account: keyof Ledger): number =>
        // A step in hand may move from one account to another when it is thrown away.
        Math.max(0, brought[account] + own[account] - seen[account]);
      return {
        compute: sum('compute'),
        exposedCommunication: sum('exposedCommunication'),
        straggler: sum('straggler'),
        detect: sum('detect'),
        abort: sum('abort'),
        regroup: sum('regroup'),
        heal: sum('heal'),
        redo: sum('redo'),
        checkpoint: sum('checkpoint'),
        idle: sum('idle'),
      };
    },
  };
}

// The lost-time ledger: where every millisecond of every rank went, from the events that the ranks log.

import type { MemberId } from '../ports/ids.ts';
import type { Phase, TraceRecord } from './events.ts';

/** Rank-milliseconds. They add up to the time from each rank's first event to its last. */
export interface Ledger {
  /** Gradients and updates that counted. */
  readonly compute: number;
  /** All-reduce that nothing overlapped. */
  readonly exposedCommunication: number;
  /** Starting, waiting to be taken in, or waiting for a quorum. */
  readonly wait: number;
  /** In an all-reduce that was aborted: from the last progress until the room was sure. */
  readonly detect: number;
  readonly regroup: number;
  readonly heal: number;
  /** Computing what an abort then threw away. */
  readonly redo: number;
  /** Saving that held the training up; checkpoints behind the training cost nothing here. */
  readonly checkpoint: number;
  /** Paused, done or stopped. */
  readonly idle: number;
}

type Account = keyof Ledger;
type Sums = Record<Account, number>;

const noSums = (): Sums => ({
  compute: 0,
  exposedCommunication: 0,
  wait: 0,
  detect: 0,
  regroup: 0,
  heal: 0,
  redo: 0,
  checkpoint: 0,
  idle: 0,
});

const ACCOUNTS: Readonly<Record<Phase, Account>> = {
  starting: 'wait',
  joining: 'wait',
  stuck: 'wait',
  regrouping: 'regroup',
  healing: 'heal',
  idle: 'idle',
  done: 'idle',
  stopped: 'idle',
  computing: 'compute',
  applying: 'compute',
  reducing: 'exposedCommunication',
};

interface RankAccount {
  phase: Phase;
  since: number;
  /** Spent on the step in hand, which may yet be thrown away. */
  computing: number;
  reducing: number;
}

export interface LedgerKeeper {
  observe(record: TraceRecord): void;
  /** The ledger up to `now`; ranks whose log has ended count until their last event. */
  ledger(): Ledger;
}

export function keepLedger(): LedgerKeeper {
  const sums = noSums();
  const ranks = new Map<MemberId, RankAccount>();

  /** Books the time since the last event of this rank. */
  function book(rank: RankAccount, now: number): void {
    const spent = Math.max(0, now - rank.since);
    rank.since = now;
    if (rank.phase === 'computing') rank.computing += spent;
    else if (rank.phase === 'reducing') rank.reducing += spent;
    else sums[ACCOUNTS[rank.phase]] += spent;
  }

  function settle(rank: RankAccount, computing: Account, reducing: Account): void {
    sums[computing] += rank.computing;
    sums[reducing] += rank.reducing;
    rank.computing = 0;
    rank.reducing = 0;
  }

  return {
    observe({ member, at, event }) {
      let rank = ranks.get(member);
      if (rank === undefined) {
        rank = { phase: 'starting', since: at, computing: 0, reducing: 0 };
        ranks.set(member, rank);
      }
      book(rank, at);
      if (event.kind === 'phase') rank.phase = event.phase;
      else if (event.kind === 'committed') settle(rank, 'compute', 'exposedCommunication');
      else if (event.kind === 'aborted' || event.kind === 'left') settle(rank, 'redo', 'detect');
    },
    ledger() {
      const open = { ...sums };
      for (const rank of ranks.values()) {
        open.compute += rank.computing;
        open.exposedCommunication += rank.reducing;
      }
      for (const account of Object.keys(open) as Account[])
        open[account] = Math.round(open[account] * 1000) / 1000;
      return open;
    },
  };
}

/** Compute over all: the part of the ranks' time that went into gradients and updates that counted, 0 to 1. */
export function goodput(ledger: Ledger): number {
  const all = Object.values(ledger).reduce((sum: number, ms: number) => sum + ms, 0);
  return all === 0 ? 0 : Math.round((ledger.compute / all) * 10_000) / 10_000;
}

/** The ledger of a whole log.
 *
 * @public
 */
export function ledgerOf(records: readonly TraceRecord[]): Ledger {
  const keeper = keepLedger();
  for (const record of records) keeper.observe(record);
  return keeper.ledger();
}

// The lost-time ledger: where every millisecond of every rank went, from the events that the ranks log.

import type { MemberId } from '../ports/ids.ts';
import type { Phase, TraceRecord } from './events.ts';

/** Rank-milliseconds. They add up to the time from each rank's first event to its last. */
export interface Ledger {
  /** Gradients and updates that counted. */
  readonly compute: number;
  /** All-reduce that nothing overlapped, from the last rank's contribution on. */
  readonly exposedCommunication: number;
  /** In an all-reduce to which not all have contributed. Shows in merged logs only: one rank's log does not tell of others. */
  readonly straggler: number;
  /** In an all-reduce that was aborted: until somebody was suspected, or to its end where nobody was. */
  readonly detect: number;
  /** From the suspicion until the all-reduce was given up. */
  readonly abort: number;
  readonly regroup: number;
  readonly heal: number;
  /** Computing what an abort then threw away. */
  readonly redo: number;
  /** Copying a state to be saved while the step waited for it. What else a save takes is behind the training, and costs nothing here. */
  readonly checkpoint: number;
  /** Starting, waiting to be taken in or for a quorum; paused, done or stopped. */
  readonly idle: number;
}

type Account = keyof Ledger;
type Sums = Record<Account, number>;

const noSums = (): Sums => ({
  compute: 0,
  exposedCommunication: 0,
  straggler: 0,
  detect: 0,
  abort: 0,
  regroup: 0,
  heal: 0,
  redo: 0,
  checkpoint: 0,
  idle: 0,
});

const ACCOUNTS: Readonly<Record<Phase, Account>> = {
  starting: 'idle',
  joining: 'idle',
  stuck: 'idle',
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
  /** Booked since the phase began: what a save has held up is taken out of it. */
  inPhase: number;
  /** Spent on the step in hand, which may yet be thrown away. */
  computing: number;
  reducing: number;
  /** When the all-reduce in hand began, and when somebody was first suspected in it. */
  reducingSince: number | undefined;
  suspectedAt: number | undefined;
  /** The all-reduce that it contributed to last. */
  round: string | undefined;
}

/** Rounds whose last contribution is remembered. One is in hand at a time, and logs of several ranks interleave by little. */
const MAX_ROUNDS = 256;

export interface LedgerKeeper {
  observe(record: TraceRecord): void;
  /** The ledger up to `now`; ranks whose log has ended count until their last event. */
  ledger(): Ledger;
}

export function keepLedger(): LedgerKeeper {
  const sums = noSums();
  const ranks = new Map<MemberId, RankAccount>();
  /** When the last rank contributed, by round. */
  const lastContributions = new Map<string, number>();

  /** Books the time since the last event of this rank. */
  function book(rank: RankAccount, now: number): void {
    const spent = Math.max(0, now - rank.since);
    rank.since = now;
    rank.inPhase += spent;
    if (rank.phase === 'computing') rank.computing += spent;
    else if (rank.phase === 'reducing') rank.reducing += spent;
    else sums[ACCOUNTS[rank.phase]] += spent;
  }

  function settle(
    rank: RankAccount,
    computing: Account,
    reducing: Account,
    before: Account,
    until: number,
  ): void {
    const since = rank.reducingSince ?? until;
    const early = Math.min(rank.reducing, Math.max(0, until - since));
    sums[computing] += rank.computing;
    sums[before] += early;
    sums[reducing] += rank.reducing - early;
    rank.computing = 0;
    rank.reducing = 0;
    rank.reducingSince = undefined;
    rank.suspectedAt = undefined;
  }

  /** The engine made a copy to be saved while this rank wanted it for its step. While it waits for others, it loses nothing by that. */
  function heldUp(rank: RankAccount, ms: number): void {
    if (rank.phase !== 'computing' && rank.phase !== 'applying') return;
    // What was computed before the last commit is booked already.
    const open = rank.phase === 'computing' ? Math.min(rank.computing, rank.inPhase) : rank.inPhase;
    const held = Math.min(Math.max(0, ms), open);
    rank.inPhase -= held;
    if (rank.phase === 'computing') rank.computing -= held;
    else sums.compute -= held;
    sums.checkpoint += held;
  }

  function contributed(rank: RankAccount, round: string, at: number): void {
    rank.round = round;
    const known = lastContributions.get(round);
    lastContributions.delete(round);
    lastContributions.set(round, Math.max(at, known ?? at));
    const [oldest] = lastContributions.keys();
    if (lastContributions.size > MAX_ROUNDS && oldest !== undefined) lastContributions.delete(oldest);
  }

  return {
    observe({ member, at, event }) {
      let rank = ranks.get(member);
      if (rank === undefined) {
        rank = {
          phase: 'starting',
          since: at,
          inPhase: 0,
          computing: 0,
          reducing: 0,
          reducingSince: undefined,
          suspectedAt: undefined,
          round: undefined,
        };
        ranks.set(member, rank);
      }
      book(rank, at);
      if (event.kind === 'phase') {
        rank.phase = event.phase;
        rank.inPhase = 0;
        if (event.phase === 'reducing') rank.reducingSince ??= at;
      } else if (event.kind === 'contributed') {
        const { generation, step, attempt } = event;
        contributed(rank, `${generation.incarnation}/${generation.number}/${step}/${attempt}`, at);
      } else if (event.kind === 'heldUp') {
        heldUp(rank, event.ms);
      } else if (event.kind === 'suspected') {
        rank.suspectedAt ??= at;
      } else if (event.kind === 'committed') {
        const last = rank.round === undefined ? undefined : lastContributions.get(rank.round);
        settle(rank, 'compute', 'exposedCommunication', 'straggler', last ?? rank.reducingSince ?? at);
      } else if (event.kind === 'aborted' || event.kind === 'left') {
        settle(rank, 'redo', 'abort', 'detect', rank.suspectedAt ?? at);
      }
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
  const all = (Object.keys(ledger) as Account[]).reduce((sum, account) => sum + ledger[account], 0);
  return all === 0 ? 0 : Math.round((ledger.compute / all) * 10_000) / 10_000;
}

/** The ledger of a whole log. */
export function ledgerOf(records: readonly TraceRecord[]): Ledger {
  const keeper = keepLedger();
  for (const record of records) keeper.observe(record);
  return keeper.ledger();
}

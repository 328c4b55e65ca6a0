// What the merged logs say about the faults of a soak: how soon each was noticed, how soon training went on, what it cost, and
// who was put out without cause. Pure: records in, findings out.

import { checkLogs, type Violation } from '../../invariants/check.ts';
import type { MemberId, StateHash } from '../../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../trace/events.ts';
import type { Disturbance, Recovery } from '../room/analysis.ts';
import { findRepeats } from '../room/repeats.ts';

/** One row for each kind of fault. Times in milliseconds; null where no fault of the kind was noticed. */
export interface FaultRow {
  readonly kind: string;
  readonly count: number;
  /** From the fault to the first record, on any rank, that shows that it was noticed. */
  readonly detectP50: number | null;
  readonly detectP99: number | null;
  /** From there to the next step that is committed. */
  readonly recoverP50: number | null;
  readonly recoverP99: number | null;
  /** Committed steps that were executed again between this fault and the next, although somebody who had them lived on. */
  readonly lostSteps: number;
}

/** Times in milliseconds; null where there was none. */
export interface Durations {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

const durationsOf = (values: readonly number[]): Durations => ({
  count: values.length,
  p50: percentile(values, 50),
  p99: percentile(values, 99),
});

/**
 * Broken invariants, without what a bit that was flipped in a state on purpose explains: until that rank has healed or is out, ranks find
 * that their states differ and say so, as they should.
 */
export function findViolations(
  records: readonly TraceRecord[],
  reference: readonly StateHash[],
): readonly Violation[] {
  const flipped = new Set<MemberId>();
  const explained = new Set<TraceRecord>();
  for (const record of records) {
    const { member, event } = record;
    if (event.kind === 'faultInjected' && event.fault === 'flip-bit' && !event.detail.includes('"gradient"'))
      flipped.add(member);
    else if (event.kind === 'healed') flipped.delete(member);
    else if (event.kind === 'installed') {
      for (const struck of flipped) if (!event.members.includes(struck)) flipped.delete(struck);
    } else if (event.kind === 'violated' && event.invariant === 1 && flipped.size > 0) explained.add(record);
  }
  return checkLogs(records, { reference }).filter(({ record }) => !explained.has(record));
}

/** From the first proposal of a generation that lacks somebody to its being installed on all of its members. */
export const measureRegroups = (recoveries: readonly Recovery[]): Durations =>
  durationsOf(recoveries.flatMap(({ regroupMs }) => regroupMs ?? []));

/** From a rank's being behind to its having the state. */
export function measureHeals(records: readonly TraceRecord[]): Durations {
  const since = new Map<MemberId, number>();
  const times: number[] = [];
  for (const { member, at, event } of records) {
    if (event.kind === 'phase') {
      if (event.phase === 'healing') since.set(member, since.get(member) ?? at);
      else since.delete(member);
    }
    const from = since.get(member);
    if (event.kind !== 'healed' || from === undefined) continue;
    times.push(at - from);
    since.delete(member);
  }
  return durationsOf(times);
}

/** A fault that has not shown this long after it ended never will, in milliseconds. */
const SHOWS_WITHIN_MS = 10_000;
/** Jank and short breaks of a link are no reason to put anybody out, in milliseconds. */
const JANK_MS = 1000;

/** `records` in order of time. */
export function measureFaults(
  records: readonly TraceRecord[],
  disturbances: readonly Disturbance[],
): readonly FaultRow[] {
  const inOrder = disturbances.toSorted((a, b) => a.at - b.at);
  const committed = newestCommitted(records);
  const repeats = new Map<Disturbance, Set<number>>();
  for (const { step, at } of findRepeats(records.filter(countsForTheRoom(records)))) {
    const cause = inOrder.findLast((item) => item.at <= at);
    if (cause !== undefined) repeats.set(cause, (repeats.get(cause) ?? new Set()).add(step));
  }
  const kinds = [...new Set(inOrder.map(({ cause }) => cause))].sort();
  return kinds.map((kind) => {
    const ones = inOrder.filter(({ cause }) => cause === kind);
    const times = ones.flatMap((item) => timesOf(records, committed, item, inOrder) ?? []);
    const detect = times.map((time) => time.detect);
    const recover = times.flatMap((time) => time.recover ?? []);
    return {
      kind,
      count: ones.length,
      detectP50: percentile(detect, 50),
      detectP99: percentile(detect, 99),
      recoverP50: percentile(recover, 50),
      recoverP99: percentile(recover, 99),
      lostSteps: ones.reduce((sum, item) => sum + (repeats.get(item)?.size ?? 0), 0),
    };
  });
}

/**
 * A page that finds nobody in time founds a line of its own, and trains in it until it meets the others and dissolves: what it does
 * again meanwhile costs the room nothing.
 */
function countsForTheRoom(records: readonly TraceRecord[]): (record: TraceRecord) => boolean {
  let newest = -1;
  let line: string | undefined;
  for (const { event } of records) {
    if (event.kind !== 'committed' || event.step < newest) continue;
    newest = event.step;
    line = event.generation.incarnation;
  }
  return ({ event }) => event.kind !== 'applied' || event.generation.incarnation === line;
}

/** For each record, the most updates that were known to be committed by then. */
function newestCommitted(records: readonly TraceRecord[]): readonly number[] {
  let newest = 0;
  return records.map(({ event }) => {
    if (event.kind === 'committed') newest = Math.max(newest, event.step);
    return newest;
  });
}

interface Times {
  readonly detect: number;
  readonly recover: number | undefined;
}

function timesOf(
  records: readonly TraceRecord[],
  committed: readonly number[],
  { at, until = at, members }: Disturbance,
  disturbances: readonly Disturbance[],
): Times | undefined {
  const later = disturbances.filter((other) => other.at > at);
  const last = until + SHOWS_WITHIN_MS;
  for (let i = firstSince(records, at); i < records.length; i++) {
    const record = records[i];
    if (record === undefined || record.at > last) return undefined;
    if (!shows(record, members) || isOfLater(record, members, later)) continue;
    const had = committed[i] ?? 0;
    for (let j = i + 1; j < records.length; j++) {
      if ((committed[j] ?? 0) <= had) continue;
      return { detect: record.at - at, recover: (records[j]?.at ?? record.at) - record.at };
    }
    return { detect: record.at - at, recover: undefined };
  }
  return undefined;
}

function firstSince(records: readonly TraceRecord[], at: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether this record shows that something is wrong with one of these members. */
function shows({ member, event }: TraceRecord, members: readonly MemberId[]): boolean {
  const own = members.includes(member);
  if (event.kind === 'suspected' || event.kind === 'linkDown') return own || members.includes(event.peer);
  if (event.kind === 'rejected') return own || members.includes(event.from);
  if (event.kind === 'resent') return own || members.includes(event.to);
  if (event.kind === 'promised' || event.kind === 'voted') return own && !event.stored;
  // What the injector itself says of a fault begins with the fault's name.
  if (event.kind === 'engine') return own && !event.detail.startsWith('fault-');
  return own && OWN_TROUBLE.has(event.kind);
}

/**
 * Whether a fault that struck later may be what a record shows. Once there is one, only that somebody is taken for gone tells the two
 * apart, and only where neither end of it has been struck again.
 */
function isOfLater(
  { member, at, event }: TraceRecord,
  members: readonly MemberId[],
  later: readonly Disturbance[],
): boolean {
  const others = later.filter((other) => other.at <= at).map((other) => other.members);
  if (others.length === 0) return false;
  if (event.kind !== 'suspected' && event.kind !== 'linkDown') return true;
  const ends = [member, event.peer];
  return !members.includes(event.peer) || others.some((struck) => ends.some((end) => struck.includes(end)));
}

const OWN_TROUBLE: ReadonlySet<TraceEvent['kind']> = new Set([
  'aborted',
  'left',
  'checkpointFailed',
  'checkpointSkipped',
]);

/** Nearest rank: the least value that at least so many per cent do not exceed. To a tenth of a millisecond. */
function percentile(values: readonly number[], per: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((per / 100) * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 10) / 10;
}

/** One sentence for each member that a generation took leave of although nothing had happened to it that justifies it. */
export function findFalseEvictions(
  recoveries: readonly Recovery[],
  disturbances: readonly Disturbance[],
): readonly string[] {
  return recoveries.flatMap((recovery) =>
    recovery.lost
      .filter((member) => !disturbances.some((item) => explains(item, member, recovery)))
      .map(
        (member) =>
          `Generation ${recovery.generation.number} took leave of ${member.slice(0, 4)} (${recovery.evidence ?? 'no evidence'}), to whom nothing had happened.`,
      ),
  );
}

/** Samples that the room left out although no fault made one bad: one sentence for each. From that step on the state is another. */
export function findFalseBlame(
  records: readonly TraceRecord[],
  disturbances: readonly Disturbance[],
): readonly string[] {
  if (disturbances.some(({ cause }) => cause === 'bad-sample')) return [];
  const steps = new Map<number, number>();
  for (const { event } of records)
    if (event.kind === 'quarantined')
      for (const row of event.rows) if (!steps.has(row)) steps.set(row, event.step);
  return [...steps].map(
    ([row, step]) => `Sample ${row} was left out from step ${step} on, although nothing had made it bad.`,
  );
}

function explains(item: Disturbance, member: MemberId, recovery: Recovery): boolean {
  if (!item.members.includes(member) || item.at > recovery.installedAt) return false;
  const { at, until = at } = item;
  switch (item.cause) {
    case 'kill':
    case 'close':
      return true;
    case 'delay':
    case 'jitter':
    case 'repeat-late':
    case 'refuse-gpu':
    case 'oversize-buffer':
    case 'bad-sample':
    case 'clock-drift':
    case 'hide':
    case 'lose-signalling':
    case 'limit-storage':
    case 'loader-throws':
      // They slow a rank down or make it work again, and no more.
      return false;
    case 'reset-link':
    case 'fill-queue':
    // Whoever has lost its engine gives its place up.
    case 'lose-device':
    case 'lose-gpu-process':
      return recovery.firstInstalledAt <= until + SHOWS_WITHIN_MS;
    default:
      return until - at >= JANK_MS && recovery.firstInstalledAt <= until + SHOWS_WITHIN_MS;
  }
}

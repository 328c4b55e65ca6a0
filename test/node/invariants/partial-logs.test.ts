/** What a checker may hold against anybody where the log is not whole: a dead tab has taken its newest records along. */
import { expect, test } from 'vitest';
import { checkLogs, createChecker } from '../../../src/invariants/check.ts';
import type { IncarnationId, MemberId, SeatId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';

const A = 'a'.repeat(32) as MemberId;
const B = 'b'.repeat(32) as MemberId;
const incarnation = `00000000-${'1'.repeat(32)}` as IncarnationId;
const hash = (text: string) => text.padEnd(32, '0') as StateHash;

const installed = (number: number): TraceEvent => ({
  kind: 'installed',
  generation: { incarnation, number },
  base: number === 0 ? undefined : { incarnation, number: number - 1 },
  members: [A, B],
  seats: [A as string as SeatId, B as string as SeatId],
});
const committed = (number: number, step: number, state: string): TraceEvent => ({
  kind: 'committed',
  generation: { incarnation, number },
  step,
  hash: hash(state),
});
const contributed = (number: number, step: number): TraceEvent => ({
  kind: 'contributed',
  generation: { incarnation, number },
  step,
  attempt: 0,
  microBatches: [0],
});
/** A's log before B, whom somebody healed that is in no log, is in the next generation. */
const logOf = (last: TraceEvent): readonly TraceRecord[] => [
  { member: A, seq: 0, at: 0, event: installed(0) },
  { member: A, seq: 1, at: 1, event: committed(0, 3, 's3') },
  { member: B, seq: 0, at: 2, event: installed(1) },
  { member: B, seq: 1, at: 3, event: last },
];

const sentencesOf = (log: readonly TraceRecord[], checker = createChecker()): readonly string[] => {
  for (const record of log) checker.observe(record);
  return checker.violations.map(({ sentence }) => sentence);
};

const JUMP = logOf(contributed(1, 9));
const BACK = logOf(contributed(1, 1));

test('a generation that goes on beyond what its line had come to is wrong in a whole log', () => {
  expect(sentencesOf(JUMP)).toEqual([expect.stringContaining('goes on from step 9')]);
});

test('in merged logs it may rest on records that died with a tab', () => {
  expect(checkLogs(JUMP)).toEqual([]);
});

test('one that takes committed steps back is wrong in either', () => {
  expect(sentencesOf(BACK)).toEqual([expect.stringContaining('goes on from step 1')]);
  expect(checkLogs(BACK)).toHaveLength(1);
});

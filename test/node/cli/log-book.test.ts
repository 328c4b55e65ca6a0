/** Logs that come in pieces, more than once and from several ranks. */
import { expect, it } from 'vitest';
import { openLogBook } from '../../../src/cli/room/log-book.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import type { TraceRecord } from '../../../src/trace/events.ts';

const A = 'a'.repeat(32) as MemberId;
const B = 'b'.repeat(32) as MemberId;
const record = (member: MemberId, seq: number, at: number): TraceRecord => ({
  member,
  seq,
  at,
  event: { kind: 'phase', phase: 'idle' },
});

it('keeps each record once, in order of time, and knows where each log goes on', () => {
  const log = openLogBook();
  log.add([record(A, 0, 10), record(A, 1, 30)]);
  log.add([record(B, 0, 20)]);
  log.add([record(A, 1, 30), record(A, 2, 40)]);
  expect(log.records().map(({ member, seq }) => `${member.charAt(0)}${seq}`)).toEqual([
    'a0',
    'b0',
    'a1',
    'a2',
  ]);
  expect(log.next(A)).toBe(3);
  expect(log.next(B)).toBe(1);
});

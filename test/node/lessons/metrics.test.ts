// What a lesson measures, held against logs written by hand.

import { describe, expect, test } from 'vitest';
import { keepMeasures } from '../../../src/lab/lessons/metrics.ts';
import type { GenerationId, IncarnationId, MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';

const hash = 'h' as StateHash;
const [a, b] = ['a', 'b'] as unknown as readonly [MemberId, MemberId];
const generation = (incarnation: string, number: number): GenerationId => ({
  incarnation: incarnation as IncarnationId,
  number,
});
const first = generation('one', 1);

/** Records of one rank, in the order of their times. */
function measuresOf(
  steps: number,
  struckAt: readonly number[],
  log: readonly (readonly [number, TraceEvent])[],
) {
  const keeper = keepMeasures(steps, 1000);
  const waiting = [...struckAt];
  log.forEach(([at, event], seq) => {
    while ((waiting[0] ?? Infinity) <= at) keeper.struck(waiting.shift() ?? at);
    keeper.observe({ member: a, seq, at, event } satisfies TraceRecord);
  });
  return keeper.measures('held', 0).values;
}

const committed = (step: number, of = first): TraceEvent => ({
  kind: 'committed',
  generation: of,
  step,
  hash,
});
const phase = (name: 'computing' | 'idle'): TraceEvent => ({ kind: 'phase', phase: name });

describe('what a run came to', () => {
  test('stands still from the fault, not from the commit before it, to the next commit', () => {
    const values = measuresOf(
      3,
      [1500],
      [
        [1100, committed(1)],
        [2700, committed(2)],
        [2800, committed(3)],
        [9000, committed(3)],
      ],
    );
    expect(values).toMatchObject({
      recoverMs: 1200,
      committed: 3,
      doneMs: 1800,
      faults: 1,
      lostSteps: 0,
      lines: 1,
    });
  });

  test('stands still to the end of the log where nothing is committed any more, and is never done', () => {
    const values = measuresOf(
      9,
      [1500],
      [
        [1100, committed(1)],
        [6500, phase('idle')],
      ],
    );
    expect(values.recoverMs).toBe(5000);
    expect(values.doneMs).toBeUndefined();
  });

  test('counts as lost what a second line did again', () => {
    const other = generation('two', 1);
    const values = measuresOf(
      9,
      [],
      [
        [1100, committed(1)],
        [1200, committed(2)],
        [1300, committed(2, other)],
        [1400, committed(3, other)],
        [1500, committed(0, generation('three', 1))],
      ],
    );
    expect(values).toMatchObject({ lostSteps: 1, lines: 2, committed: 3, recoverMs: 0 });
  });

  test('counts once whom a generation went on without, however many ranks say so', () => {
    const second = generation('one', 2);
    const installed = (of: GenerationId, members: readonly MemberId[], base?: GenerationId): TraceEvent => ({
      kind: 'installed',
      generation: of,
      base,
      members,
      seats: [],
    });
    const values = measuresOf(
      9,
      [],
      [
        [1000, installed(first, [a, b])],
        [1100, installed(second, [a], first)],
        [1101, installed(second, [a], first)],
      ],
    );
    expect(values).toMatchObject({ generations: 2, evictions: 1 });
  });

  test('has a goodput from its start to its end', () => {
    const values = measuresOf(
      1,
      [],
      [
        [500, phase('idle')],
        [1000, phase('computing')],
        [1900, committed(1)],
        [9000, phase('idle')],
      ],
    );
    expect(values.goodput).toBe(1);
  });
});

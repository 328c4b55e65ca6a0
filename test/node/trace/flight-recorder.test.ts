// The flight recorder keeps the last operations of a rank, in its own words.

import { describe, expect, it } from 'vitest';
import type { IncarnationId, MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { createFlightRecorder, FLIGHT_ENTRIES } from '../../../src/trace/flight-recorder.ts';

const member = 'a'.repeat(32) as MemberId;
const hash = 'c'.repeat(32) as StateHash;
const generation = { incarnation: `00000001-${member}` as IncarnationId, number: 3 };

function flightOf(events: readonly (readonly [number, TraceEvent])[]) {
  const recorder = createFlightRecorder(member);
  events.forEach(([at, event], seq) => recorder.observe({ member, seq, at, event }));
  return recorder.read().entries;
}

const step = (at: number, of: number): readonly (readonly [number, TraceEvent])[] => [
  [at, { kind: 'phase', phase: 'computing' }],
  [at + 10, { kind: 'contributed', generation, step: of, attempt: 0, microBatches: [0] }],
  [at + 10, { kind: 'phase', phase: 'reducing' }],
  [at + 15, { kind: 'committed', generation, step: of, hash }],
  [at + 15, { kind: 'phase', phase: 'applying' }],
  [
    at + 18,
    {
      kind: 'applied',
      ...{ generation, step: of, hash, counts: [1], loss: 0.5, correct: 1, samples: 2 },
    },
  ],
];

describe('a flight recorder', () => {
  it('tells the parts of a step, how long each took, and which is not over', () => {
    const entries = flightOf([
      [0, { kind: 'installed', generation, base: undefined, members: [member], seats: [] }],
      ...step(100, 0),
      [120, { kind: 'phase', phase: 'computing' }],
    ]);
    expect(entries).toMatchObject([
      { operation: 'contribution', generation: 3, step: 0, ms: 10, aborted: false },
      { operation: 'all-reduce', step: 0, ms: 5 },
      { operation: 'apply', step: 0, ms: 5 },
      { operation: 'contribution', step: 1, ms: undefined },
    ]);
  });

  it('tells what was aborted', () => {
    const entries = flightOf([
      [0, { kind: 'phase', phase: 'reducing' }],
      [1500, { kind: 'aborted', generation, step: 4 }],
      [1500, { kind: 'phase', phase: 'regrouping' }],
    ]);
    expect(entries).toMatchObject([
      { operation: 'all-reduce', ms: 1500, aborted: true },
      { operation: 'vote', ms: undefined },
    ]);
  });

  it('keeps the newest, however long the rank runs', () => {
    const entries = flightOf(Array.from({ length: 100 }, (_, i) => step(100 * i, i)).flat());
    expect(entries.length).toBeLessThanOrEqual(FLIGHT_ENTRIES + 1);
    expect(entries.at(-1)).toMatchObject({ operation: 'apply', step: 99 });
    // It fits into one message on the control lane, as JSON.
    expect(JSON.stringify(entries).length).toBeLessThan(15_000);
  });
});

// The all-reduce without IO, in small worlds and in hierarchies: whatever the order of arrival, and what is lost or doubled, the same bits.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineLanes, laneLayout, type LaneLayout } from '../../../src/collective/lanes.ts';
import {
  allReduceKind,
  missingParts,
  partAgain,
  partBounds,
  partStart,
  receivePart,
  startAllReduce,
  type AllReduce,
  type OutgoingPart,
} from '../../../src/collective/all-reduce.ts';

interface InFlight extends OutgoingPart {
  readonly fromRank: number;
}

const contribution = (layout: LaneLayout, rank: number): Int32Array<ArrayBuffer> =>
  Int32Array.from(
    { length: layout.length },
    (_, i) => (Math.imul(i + 1, 2654435761) ^ Math.imul(rank + 7, 40503)) | 0,
  );

function expected(layout: LaneLayout, world: number): Int32Array {
  const sum = contribution(layout, 0);
  for (let rank = 1; rank < world; rank++) combineLanes(layout, sum, contribution(layout, rank), 0);
  return sum;
}

/** Delivers parts in an order drawn by `choose`; per link they stay in order. A chosen part may be lost or come twice. */
function exchange(
  world: number,
  layout: LaneLayout,
  choose: (options: number) => number,
  mishap: () => 'none' | 'lost' | 'doubled',
  width?: number,
): readonly AllReduce[] {
  const links = new Map<string, InFlight[]>();
  const states: AllReduce[] = [];
  const put = (fromRank: number, parts: readonly OutgoingPart[]): void => {
    for (const part of parts) {
      const link = `${fromRank}>${part.toRank}`;
      links.set(link, [...(links.get(link) ?? []), { ...part, fromRank }]);
    }
  };
  for (let rank = 0; rank < world; rank++) {
    const { state, out } = startAllReduce(rank, world, layout, contribution(layout, rank), width);
    states.push(state);
    put(rank, out);
  }
  for (let round = 0; round < 100_000; round++) {
    const open = [...links].filter(([, queue]) => queue.length > 0);
    if (open.length === 0) {
      const waiting = states.filter((state) => !state.complete);
      if (waiting.length === 0) return states;
      for (const state of waiting)
        for (const { fromRank, part } of missingParts(state)) {
          const sender = states[fromRank];
          const again = sender === undefined ? undefined : partAgain(sender, state.rank, part);
          if (again !== undefined) put(fromRank, [again]);
        }
      continue;
    }
    const [link, queue] = open[choose(open.length)] ?? open[0] ?? ['', []];
    const [part, ...rest] = queue;
    links.set(link, rest);
    const target = part === undefined ? undefined : states[part.toRank];
    if (part === undefined || target === undefined) continue;
    const fate = mishap();
    if (fate === 'lost') continue;
    for (let copy = 0; copy < (fate === 'doubled' ? 2 : 1); copy++) {
      const outcome = receivePart(target, part.fromRank, part.part, part.payload.slice());
      expect(outcome.kind).not.toBe('invalid');
      if (outcome.kind === 'progress') put(target.rank, outcome.out);
    }
  }
  throw new Error('the exchange does not end');
}

/** Quicker than a matcher for hundreds of thousands of lanes. */
const sameLanes = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((lane, i) => lane === b[i]);

/** Numbers below n, from a seed. */
function drawing(seed: number): (n: number) => number {
  let state = seed + 1;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * n);
  };
}

const mishaps = (draw: (n: number) => number, percent: number) => (): 'none' | 'lost' | 'doubled' =>
  draw(100) >= percent ? 'none' : draw(2) === 0 ? 'lost' : 'doubled';

describe('the all-reduce', () => {
  it('goes directly between two ranks and for few lanes, else around the ring', () => {
    expect(allReduceKind(2, 1_000_000)).toBe('direct');
    expect(allReduceKind(8, 100)).toBe('direct');
    expect(allReduceKind(3, 100_000)).toBe('ring');
    // Longer than a send queue should have to take at once.
    expect(allReduceKind(2, 20_000_000)).toBe('ring');
  });

  it('sends long vectors in segments, which may overtake each other, get lost or come twice', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 70_000, max: 400_000 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(0, 10, 35),
        (world, gradient, seed, percent) => {
          const layout = laneLayout(gradient, 3, 8);
          const draw = drawing(seed);
          const whole = expected(layout, world);
          for (const result of exchange(world, layout, draw, mishaps(draw, percent)))
            expect(sameLanes(result.lanes, whole)).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('cuts a long vector into parts of which each lies between two neighbouring bounds', () => {
    for (const world of [2, 3, 5]) {
      const layout = laneLayout(350_000, 3, 8);
      const bounds = [0, ...partBounds(world, layout.length), layout.length];
      expect(bounds.length).toBeGreaterThan(world + 1);
      for (let rank = 0; rank < world; rank++) {
        const { out } = startAllReduce(rank, world, layout, contribution(layout, rank));
        for (const { part, payload } of out) {
          const start = partStart(world, layout.length, rank, part);
          expect(payload).toEqual(contribution(layout, rank).subarray(start, start + payload.length));
          expect(bounds[bounds.indexOf(start) + 1]).toBe(start + payload.length);
        }
      }
    }
  });

  it('gives every rank the same bits in any world and any order of arrival, whatever is lost or comes twice', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 3, 5000, 5003),
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(0, 10, 35),
        (world, gradient, seed, percent) => {
          const layout = laneLayout(gradient, 3, 8);
          const draw = drawing(seed);
          const whole = expected(layout, world);
          for (const result of exchange(world, layout, draw, mishaps(draw, percent)))
            expect(result.lanes).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives every rank of a hierarchy the bits that a flat world of the same ranks has', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(0, 10, 35),
        (world, width, seed, percent) => {
          const layout = laneLayout(3, 2, 8);
          const draw = drawing(seed);
          const whole = expected(layout, world);
          for (const result of exchange(world, layout, draw, mishaps(draw, percent), width)) {
            expect(result.kind).toBe('tree');
            expect(result.lanes).toEqual(whole);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes two messages a rank and step in a hierarchy of a thousand', () => {
    const layout = laneLayout(4, 1, 8);
    const draw = drawing(1);
    let arrived = 0;
    const count = (): 'none' => {
      arrived += 1;
      return 'none';
    };
    const results = exchange(1000, layout, (n) => Math.min(n - 1, draw(8)), count, 32);
    expect(results.every((result) => result.complete)).toBe(true);
    expect(arrived).toBe(2 * 999);
  });

  it('refuses parts in a hierarchy that do not come from a child or the parent, or come too early', () => {
    const layout = laneLayout(4, 1, 8);
    const { state } = startAllReduce(4, 9, layout, contribution(layout, 4), 4);
    const lanes = (): Int32Array<ArrayBuffer> => new Int32Array(layout.length);
    const before = state.lanes.slice();
    expect(receivePart(state, 8, 0, lanes()).kind).toBe('invalid');
    expect(receivePart(state, 5, 1, lanes()).kind).toBe('invalid');
    expect(receivePart(state, 0, 1, lanes()).kind).toBe('invalid');
    expect(receivePart(state, 5, 0, new Int32Array(2)).kind).toBe('invalid');
    expect(state.lanes).toEqual(before);
  });

  it('refuses a part of the wrong length, from the wrong rank, or out of range, and stays as it was', () => {
    const layout = laneLayout(5000, 1, 8);
    const { state } = startAllReduce(1, 4, layout, contribution(layout, 1));
    const before = state.lanes.slice();
    expect(receivePart(state, 2, 0, new Int32Array(4)).kind).toBe('invalid');
    expect(receivePart(state, 0, 0, new Int32Array(4)).kind).toBe('invalid');
    expect(receivePart(state, 0, 99, new Int32Array(4)).kind).toBe('invalid');
    expect(state.lanes).toEqual(before);
  });
});

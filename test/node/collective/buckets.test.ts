// How a gradient is cut into buckets, and that exchanging them apart is the exchange of the whole.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receivePart, startAllReduce, type AllReduce } from '../../../src/collective/all-reduce.ts';
import { bucketCuts } from '../../../src/collective/buckets.ts';
import { combineLanes, laneLayout } from '../../../src/collective/lanes.ts';
import { bucketMakers } from '../../../src/engine/graph/bucket-makers.ts';
import { jobLayout } from '../../../src/engine/graph/job-layout.ts';
import { modelGraph } from '../../../src/engine/graph/model-graph.ts';
import { JOB_PRESETS } from '../../../src/job/presets.ts';

const tensors = fc
  .array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 30 })
  .map((lengths) => {
    let offset = 0;
    return lengths.map((length) => ({ offset: (offset += length) - length, length }));
  });

describe('the buckets of a gradient', () => {
  it('hold every lane once, from the last tensor to the first, and cut no layer', () => {
    fc.assert(
      fc.property(tensors, (list) => {
        const gradient = list.reduce((sum, { length }) => sum + length, 0);
        const cuts = bucketCuts(list);
        const { buckets, length } = laneLayout(gradient, list.length, 8, undefined, cuts);
        const inOrder = [...buckets].sort((a, b) => a.start - b.start);
        expect(inOrder.map(({ start }) => start)).toEqual([0, ...inOrder.slice(0, -1).map(({ end }) => end)]);
        expect(inOrder.at(-1)?.end).toBe(length);
        const ofGradient = buckets.filter(({ end }) => end <= gradient).map(({ start }) => start);
        expect(ofGradient).toEqual([...ofGradient].sort((a, b) => b - a));
        for (const cut of cuts) expect(list.some(({ offset }) => offset === cut)).toBe(true);
        for (const bucket of ofGradient.slice(0, -1)) expect(bucket).toBeGreaterThan(0);
        expect(buckets.length).toBeLessThanOrEqual(2 + 2 * 12);
      }),
    );
  });

  it('are one where the model is small', () => {
    const { spirals } = JOB_PRESETS;
    expect(jobLayout(spirals, modelGraph(spirals.model)).buckets).toHaveLength(1);
  });

  it('of the digits leave the long first layer to the last, and each is made by the layer that backward comes to then', () => {
    const graph = modelGraph(JOB_PRESETS.digits.model);
    const { buckets, cuts } = jobLayout(JOB_PRESETS.digits, graph);
    expect(cuts).toEqual([784 * 128 + 128]);
    const makers = bucketMakers(graph, buckets).map((node) => graph.nodes[node]?.parameters[0]?.name);
    expect(makers).toEqual(['2.weight', '0.weight', '0.weight']);
  });

  it('exchanged apart, in any order, come to the sum of the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.infiniteStream(fc.nat(1000)), (world, draws) => {
        const layout = laneLayout(10_000, 3, 8, undefined, [3000, 9000]);
        const contribution = (rank: number): Int32Array<ArrayBuffer> =>
          Int32Array.from({ length: layout.length }, (_, i) => Math.imul(i + 1, 2654435761 * (rank + 1)));
        const whole = contribution(0);
        for (let rank = 1; rank < world; rank++) combineLanes(layout, whole, contribution(rank), 0);
        const wire: {
          from: number;
          to: number;
          bucket: number;
          part: number;
          payload: Int32Array<ArrayBuffer>;
        }[] = [];
        const states: AllReduce[][] = [];
        const put = (from: number, bucket: number, parts: ReturnType<typeof startAllReduce>['out']): void => {
          for (const { toRank, part, payload } of parts)
            wire.push({ from, to: toRank, bucket, part, payload });
        };
        for (let rank = 0; rank < world; rank++) {
          const own = contribution(rank);
          states.push(
            layout.buckets.map(({ start, end }, bucket) => {
              const { state, out } = startAllReduce(
                rank,
                world,
                layout,
                own.slice(start, end),
                undefined,
                start,
              );
              put(rank, bucket, out);
              return state;
            }),
          );
        }
        while (wire.length > 0) {
          const [{ value = 0 }] = [draws.next()] as [{ value?: number }];
          const [next] = wire.splice(value % wire.length, 1);
          const state = next === undefined ? undefined : states[next.to]?.[next.bucket];
          if (next === undefined || state === undefined) continue;
          const outcome = receivePart(state, next.from, next.part, next.payload);
          expect(outcome.kind).toBe('progress');
          if (outcome.kind === 'progress') put(next.to, next.bucket, outcome.out);
        }
        for (const buckets of states) {
          const sum = new Int32Array(layout.length);
          for (const { lanes, start, complete } of buckets) {
            expect(complete).toBe(true);
            sum.set(lanes, start);
          }
          expect(sum).toEqual(whole);
        }
      }),
      { numRuns: 10 },
    );
  });
});

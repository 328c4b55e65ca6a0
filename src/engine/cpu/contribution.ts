// The arithmetic of one contribution, in turns: who computes it may do something else between them, and nobody has to wait.

import { SLICES_PER_MICRO_BATCH } from '../../collective/fixed-point.ts';
import { roundingKey } from '../../collective/stochastic-rounding.ts';
import { emptyLanes, type LaneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import { microBatchSize } from '../../job/sampler.ts';
import type { ContributionRequest, TrainingState } from '../../ports/engine.ts';
import { inputLength, type SampleFormat, type Samples } from '../../ports/loader.ts';
import type { Graph } from '../graph/graph.ts';
import { bucketMakers } from '../graph/bucket-makers.ts';
import { badSampleCode, countedPredictions, sliceRows, slicesOf } from '../requests.ts';
import { accumulateGradient, accumulateLosses } from './fixed-point.ts';
import type { Network, NetworkInput } from './network.ts';

/** Memory for one pass. */
export interface Scratch {
  readonly network: Network;
  readonly gradient: Float32Array<ArrayBuffer>;
}

/** Samples `first` to `first + count − 1`, in place. */
function rowsOf(
  { inputs, labels }: Samples,
  format: SampleFormat,
  first: number,
  count: number,
): NetworkInput {
  const width = inputLength(format);
  const { positions } = format;
  return {
    inputs: inputs.subarray(first * width, (first + count) * width),
    labels: labels.subarray(first * positions, (first + count) * positions),
  };
}

/**
 * The lanes of a checked request. Yields after each slice, with the samples that went forward and backward. `samples` are those
 * of the request's micro-batches, one after the other. `whole` is told of each bucket when nothing is added to its lanes any more,
 * in their order; of those that are not of the gradient alone, at the end.
 */
export function* contribution(
  job: Job,
  graph: Graph,
  layout: LaneLayout,
  state: TrainingState,
  { network, gradient }: Scratch,
  request: Pick<ContributionRequest, 'microBatches' | 'exponents' | 'quarantined'>,
  samples: Samples,
  format: SampleFormat,
  whole: (bucket: number, lanes: Int32Array<ArrayBuffer>) => void = () => undefined,
): Generator<number, Int32Array<ArrayBuffer>, undefined> {
  const { parameters: tensors, positions } = graph;
  const lanes = emptyLanes(layout);
  const makers = bucketMakers(graph, layout.buckets);
  const slices = slicesOf(microBatchSize(job), sliceRows(job));
  const last = request.microBatches.length - 1;
  let told = 0;
  const rows = microBatchSize(job);
  const perSlice = sliceRows(job);
  const divisor = job.globalBatch * positions;
  const exponents = request.exponents ?? state.exponents;
  for (const [i, microBatch] of request.microBatches.entries()) {
    for (let slice = 0; slice < SLICES_PER_MICRO_BATCH; slice++) {
      const first = Math.min(rows, slice * perSlice);
      const count = Math.min(rows - first, perSlice);
      if (count === 0) continue;
      const input = rowsOf(samples, format, i * rows + first, count);
      const key = roundingKey(job.seed, state.step, microBatch, slice);
      const isLast = i === last && slice === slices - 1;
      let next = 0;
      const made = (node: number): void => {
        for (; makers[next] === node; next++) {
          accumulateGradient(
            layout,
            tensors,
            exponents,
            microBatch,
            gradient,
            lanes,
            key,
            layout.buckets[next],
          );
          if (isLast && (layout.buckets[next]?.end ?? 0) <= layout.gradient) whole(told++, lanes);
        }
      };
      lanes[layout.correct]! += network.learn(count, state.parameters, input, divisor, gradient, made);
      accumulateLosses(layout, divisor, microBatch, network.losses, count * positions, lanes);
      lanes[layout.predictions]! += countedPredictions(input.labels);
      yield count;
    }
    lanes[layout.counters + microBatch] = 1;
  }
  lanes[layout.badSample] = badSampleCode(job, samples.bad, state.quarantine, request.quarantined);
  while (told < layout.buckets.length) whole(told++, lanes);
  return lanes;
}

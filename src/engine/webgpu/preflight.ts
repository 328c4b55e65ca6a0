// Whether a job fits this device, before anything is allocated: the plan's bytes against the adapter's limits.
//
// WebGPU tells the limits of single buffers, and no total. So the estimate can only refuse what can never fit; whether the rest is
// granted shows in the trial micro-batch, which is the fingerprint's (src/engine/probe.ts): a rank is ready only after it.

import type { Job } from '../../job/job.ts';
import { EngineError, type Preflight } from '../../ports/engine.ts';
import type { Graph } from '../graph/graph.ts';
import { bufferLimit, type Limits } from './limits.ts';
import { lower, type LowerInput } from './plan/lower.ts';
import { passMemory } from './plan/pass-plan.ts';

/** No micro-batch is larger than the largest global batch. */
const MOST_SAMPLES = 65_536;
const SLICES = 2;

export interface PreflightInput extends Omit<LowerInput, 'samplesPerSlice'> {
  readonly limits: Limits;
  readonly graph: Graph;
  readonly job: Job;
  /** Bytes of the state and of what else outlives a pass. */
  readonly stateBytes: number;
  /** Samples in one slice of the job's micro-batches, and slices in a pass. */
  readonly samplesPerSlice: number;
  readonly slices: number;
}

/** Throws an `EngineError` of fault `out-of-memory`, which names the buffer and its size, when not even one slice can fit. */
export function preflight(input: PreflightInput): Preflight {
  const { limits, job, samplesPerSlice } = input;
  const limit = bufferLimit(limits);
  /** One slice of so many samples: the least that a pass may be. */
  const slice = (samples: number) => passMemory(lower({ ...input, samplesPerSlice: samples }), 1, samples);

  const own = slice(samplesPerSlice);
  let few = 0;
  let many = MOST_SAMPLES / SLICES;
  while (few < many) {
    const middle = Math.ceil((few + many) / 2);
    if (slice(middle).largest.bytes <= limit) few = middle;
    else many = middle - 1;
  }
  const largestMicroBatch = SLICES * few;
  if (own.largest.bytes > limit) {
    throw new EngineError(
      'out-of-memory',
      `The buffer "${own.largest.name}" needs ${own.largest.bytes} bytes for one half of a micro-batch, and the adapter's limit is ` +
        `${limit}. ${largestMicroBatch === 0 ? 'Use a smaller model' : `Use micro-batches of at most ${largestMicroBatch} samples`}, not ` +
        `${job.globalBatch / job.microBatches}.`,
    );
  }
  const planned = passMemory(lower({ ...input, samplesPerSlice }), input.slices, samplesPerSlice);
  return {
    bytes: input.stateBytes + planned.bytes,
    slicesPerPass: input.slices,
    largestBuffer: planned.largest,
    bufferLimit: limit,
    largestMicroBatch,
  };
}

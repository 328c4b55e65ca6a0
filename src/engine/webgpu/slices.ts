// How the samples of micro-batches lie in a pass: slice after slice, all equally long, the last of a micro-batch filled up.

import { slicesOf } from '../requests.ts';

type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Copies `samples` samples of each micro-batch, each of so many words, to the start of its slices; the rest is `fill`. */
export function layOutSlices<Array extends Words>(
  words: Array,
  microBatches: number,
  samples: number,
  samplesPerSlice: number,
  fill: number,
): Array {
  const room = slicesOf(samples, samplesPerSlice) * samplesPerSlice;
  if (room === samples) return words;
  const perSample = words.length / (microBatches * samples);
  const laid = (
    words instanceof Float32Array
      ? new Float32Array(microBatches * room * perSample)
      : new Int32Array(microBatches * room * perSample)
  ) as Array;
  laid.fill(fill);
  for (let i = 0; i < microBatches; i++) {
    laid.set(words.subarray(i * samples * perSample, (i + 1) * samples * perSample), i * room * perSample);
  }
  return laid;
}

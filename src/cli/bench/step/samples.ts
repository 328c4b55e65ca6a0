// Made-up samples of the format that a job's model takes: how fast a step is does not depend on what it learns.

import { modelGraph } from '../../../engine/graph/model-graph.ts';
import { elements } from '../../../engine/layers/layer.ts';
import type { Job } from '../../../job/job.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../../job/random.ts';
import type { Loader } from '../../../ports/loader.ts';

const PURPOSE = 0x73_74_65_70;

export function madeUpSamples(job: Job): Loader {
  const { values, positions, classes } = modelGraph(job.model);
  const { shape, type } = values[0] ?? { shape: [], type: 'f32' };
  const width = elements(shape);
  const next = randomStream(job.seed, PURPOSE, 0);
  const pick = (): number => (type === 'tokens' ? uniformInteger(next, classes) : uniformFraction(next));
  const length = job.globalBatch * width;
  const inputs = type === 'tokens' ? new Int32Array(length) : new Float32Array(length);
  for (let i = 0; i < length; i++) inputs[i] = pick();
  const labels = Int32Array.from({ length: job.globalBatch * positions }, () =>
    uniformInteger(next, classes),
  );
  return {
    format: { type, shape, positions, classes },
    sizes: { train: job.globalBatch, test: 1 },
    load: (_split, rows) =>
      Promise.resolve({
        inputs: inputs.slice(0, rows.length * width),
        labels: labels.slice(0, rows.length * positions),
      }),
  };
}

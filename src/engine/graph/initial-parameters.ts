// The weights before step 0: a pure function of the job.

import type { Job } from '../../job/job.ts';
import { randomStream, uniformFraction, type RandomStream } from '../../job/random.ts';
import { normal } from '../cpu/normal.ts';
import type { Initialization } from '../layers/layer.ts';
import { modelGraph } from './model-graph.ts';

/** Sets these streams apart from those of other uses of the seed. */
const PURPOSE_INITIALIZE = 0x69_6e_69_74;

/** f32[P]. Each tensor has a stream of its own, so that its values do not depend on the tensors before it. */
export function initialParameters(job: Job): Float32Array<ArrayBuffer> {
  const { parameters, parameterCount } = modelGraph(job.model);
  const values = new Float32Array(parameterCount);
  parameters.forEach(({ initialization, offset, length }, index) => {
    const draw = sampler(initialization, randomStream(job.seed, PURPOSE_INITIALIZE, index));
    for (let i = 0; i < length; i++) values[offset + i] = draw();
  });
  return values;
}

function sampler(initialization: Initialization, next: RandomStream): () => number {
  switch (initialization.kind) {
    case 'constant':
      return () => initialization.value;
    case 'uniform':
      return () => (2 * uniformFraction(next) - 1) * initialization.bound;
    case 'normal':
      return () => normal(next) * initialization.deviation;
  }
}

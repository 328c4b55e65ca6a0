// The weights before step 0: a pure function of the job.

import type { Job } from './job.ts';
import { parameterCount, parameterTensors } from './model.ts';
import { randomStream, uniformFraction } from './random.ts';

/** Sets these streams apart from those of other uses of the seed. */
const PURPOSE_INITIALIZE = 0x69_6e_69_74;

/**
 * f32[P]: weights and biases uniform in [−1/√fan_in, 1/√fan_in), as torch.nn.Linear has them. Each tensor has a stream of its
 * own, so that its values do not depend on the tensors before it.
 */
export function initialParameters(job: Job): Float32Array<ArrayBuffer> {
  const parameters = new Float32Array(parameterCount(job.model));
  parameterTensors(job.model).forEach((tensor, index) => {
    const fanIn = job.model.layers[Math.floor(index / 2)] ?? 1;
    const bound = 1 / Math.sqrt(fanIn);
    const next = randomStream(job.seed, PURPOSE_INITIALIZE, index);
    for (let i = 0; i < tensor.length; i++) {
      parameters[tensor.offset + i] = (2 * uniformFraction(next) - 1) * bound;
    }
  });
  return parameters;
}

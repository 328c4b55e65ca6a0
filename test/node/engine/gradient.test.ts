// The CPU engine's gradients against central differences of a loss written down a second time, in f64.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNetwork } from '../../../src/engine/cpu/network.ts';
import type { Model } from '../../../src/job/job.ts';
import { parameterCount, parameterTensors } from '../../../src/job/model.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../../src/job/random.ts';

/** Σ cross-entropy over the rows. */
function lossOf(model: Model, parameters: Float64Array, inputs: Float32Array, labels: Int32Array): number {
  const tensors = parameterTensors(model);
  const features = model.layers[0] ?? 0;
  let total = 0;
  labels.forEach((label, row) => {
    let x = [...inputs.subarray(row * features, (row + 1) * features)];
    for (let i = 0; i < tensors.length; i += 2) {
      const weight = tensors[i]?.offset ?? 0;
      const bias = tensors[i + 1];
      if (bias === undefined) throw new Error('A layer has no bias.');
      const before = x;
      x = Array.from({ length: bias.length }, (_, j) =>
        before.reduce(
          (sum, value, k) => sum + value * (parameters[weight + j * before.length + k] ?? NaN),
          parameters[bias.offset + j] ?? NaN,
        ),
      );
      if (i + 2 < tensors.length) x = x.map((value) => Math.max(value, 0));
    }
    total += Math.log(x.reduce((sum, value) => sum + Math.exp(value), 0)) - (x[label] ?? NaN);
  });
  return total;
}

test('on random networks the gradient is what central differences of the loss say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer(),
      (layers, rows, seed) => {
        const model: Model = { kind: 'mlp', layers, activation: 'relu' };
        const next = randomStream(seed, 0, 0);
        const random = (length: number) => Float32Array.from({ length }, () => 2 * uniformFraction(next) - 1);
        const parameters = random(parameterCount(model));
        const inputs = random(rows * (layers[0] ?? 0));
        const labels = Int32Array.from({ length: rows }, () => uniformInteger(next, layers.at(-1) ?? 1));
        const network = createNetwork(model, rows);
        network.run(rows, parameters, inputs, labels, 1);
        const gradient = new Float32Array(parameters.length);
        network.gradient(0, rows, inputs, gradient);

        const total = network.losses.reduce((sum, loss) => sum + loss, 0);
        expect(total).toBeCloseTo(lossOf(model, Float64Array.from(parameters), inputs, labels), 4);
        for (let i = 0; i < parameters.length; i++) {
          const slope = (width: number): number => {
            const shifted = (by: number): number => {
              const moved = Float64Array.from(parameters);
              moved[i] = (moved[i] ?? NaN) + by;
              return lossOf(model, moved, inputs, labels);
            };
            return (shifted(width) - shifted(-width)) / (2 * width);
          };
          const near = slope(1e-5);
          // Across a rectifier's kink a difference is no gradient, and its value depends on the width.
          if (Math.abs(near - slope(3e-6)) > 1e-6 * (1 + Math.abs(near))) continue;
          expect(Math.abs((gradient[i] ?? NaN) - near)).toBeLessThanOrEqual(2e-5 * (1 + Math.abs(near)));
        }
      },
    ),
    { numRuns: 60 },
  );
});

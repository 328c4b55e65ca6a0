// The CPU engine's gradients against central differences of its own loss, in f64, on random models of each kind.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNetwork } from '../../../src/engine/cpu/network.ts';
import type { Graph } from '../../../src/engine/graph/graph.ts';
import { modelGraph } from '../../../src/engine/graph/model-graph.ts';
import { elements, ShapeError } from '../../../src/engine/layers/layer.ts';
import type { Model } from '../../../src/job/model-schema.ts';
import { randomStream, uniformFraction, uniformInteger, type RandomStream } from '../../../src/job/random.ts';

const f64 = (length: number): Float64Array => new Float64Array(length);

function samplesOf({ values: [input], positions, classes }: Graph, samples: number, next: RandomStream) {
  const length = samples * elements(input?.shape ?? []);
  const tokens = input?.type === 'tokens';
  const inputs = tokens ? new Int32Array(length) : f64(length);
  for (let i = 0; i < length; i++)
    inputs[i] = tokens ? uniformInteger(next, classes) : 2 * uniformFraction(next) - 1;
  const labels = Int32Array.from({ length: samples * positions }, () => uniformInteger(next, classes));
  return { inputs, labels };
}

/** Holds the gradient at up to 40 parameters against central differences. Returns how many were smooth enough to be held. */
function check(model: Model, samples: number, seed: number): number {
  const graph = modelGraph(model);
  const next = randomStream(seed, 0, 0);
  const parameters = f64(graph.parameterCount).map(() => 1.2 * (uniformFraction(next) - 0.5));
  const input = samplesOf(graph, samples, next);
  const network = createNetwork(graph, samples, f64);
  network.run(samples, parameters, input, 1);
  // In two slices, as the engine does it.
  const cut = uniformInteger(next, samples + 1);
  const [head, tail] = [f64(parameters.length), f64(parameters.length)];
  network.gradient(0, cut, head);
  network.gradient(cut, samples - cut, tail);

  const lossOf = (at: Float64Array): number => {
    network.guess(samples, at, input);
    return Array.from(network.losses).reduce((sum, loss) => sum + loss, 0);
  };
  let held = 0;
  for (let probe = 0; probe < 40; probe++) {
    const i = uniformInteger(next, parameters.length);
    const slope = (width: number): number => {
      const shifted = (by: number): number =>
        lossOf(parameters.map((value, j) => (i === j ? value + by : value)));
      return (shifted(width) - shifted(-width)) / (2 * width);
    };
    const near = slope(1e-5);
    // Across a kink of relu or max pooling a difference is no gradient, and its value depends on the width.
    if (Math.abs(near - slope(3e-6)) > 1e-7 * (1 + Math.abs(near))) continue;
    held++;
    const found = (head[i] ?? NaN) + (tail[i] ?? NaN);
    expect(Math.abs(found - near), `parameter ${i} of ${JSON.stringify(model)}`).toBeLessThanOrEqual(
      1e-6 * (1 + Math.abs(near)),
    );
  }
  return held;
}

const activation = fc.constantFrom('relu', 'gelu', 'gelu_tanh', 'silu', 'tanh');
const small = (max: number) => fc.integer({ min: 1, max });
const seeds = fc.integer();

const convolution = fc.record({
  kind: fc.constant('conv2d'),
  channels: small(3),
  kernel: fc.oneof(small(3), fc.tuple(small(3), small(3))),
  stride: small(2),
  padding: fc.integer({ min: 0, max: 2 }),
});
const pool = fc.record({
  kind: fc.constantFrom('max_pool2d', 'avg_pool2d'),
  kernel: small(3),
  stride: small(3),
});
const cnns = fc
  .record({
    image: fc.tuple(small(2), fc.integer({ min: 5, max: 8 }), fc.integer({ min: 5, max: 8 })),
    stages: fc.array(fc.tuple(convolution, activation, fc.option(pool, { nil: undefined })), {
      minLength: 1,
      maxLength: 2,
    }),
    hidden: small(5),
    classes: fc.integer({ min: 2, max: 4 }),
  })
  .map(({ image, stages, hidden, classes }): Model => ({
    kind: 'cnn',
    image,
    layers: [
      ...stages.flatMap(([conv, func, pooling]) => [
        conv,
        { kind: 'activation', function: func } as const,
        ...(pooling === undefined ? [] : [pooling]),
      ]),
      { kind: 'flatten' },
      { kind: 'linear', units: hidden },
      { kind: 'activation', function: 'tanh' },
      { kind: 'linear', units: classes },
    ],
  }))
  .filter((model) => {
    try {
      return modelGraph(model).parameterCount > 0;
    } catch (error) {
      if (error instanceof ShapeError) return false;
      throw error;
    }
  });

describe('the gradient is what central differences of the loss say', () => {
  test('on random multi-layer perceptrons', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 4 }),
        activation,
        small(6),
        seeds,
        (layers, func, samples, seed) => {
          expect(check({ kind: 'mlp', layers, activation: func }, samples, seed)).toBeGreaterThan(10);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('on random convolutional networks', () => {
    fc.assert(
      fc.property(cnns, small(3), seeds, (model, samples, seed) => {
        expect(check(model, samples, seed)).toBeGreaterThan(10);
      }),
      { numRuns: 60 },
    );
  });

  test('on random transformers', () => {
    fc.assert(
      fc.property(
        fc.record({ vocabulary: fc.integer({ min: 2, max: 7 }), context: small(6), layers: small(2) }),
        small(3),
        small(3),
        small(3),
        seeds,
        (sizes, heads, size, samples, seed) => {
          const model: Model = { kind: 'gpt', ...sizes, heads, width: heads * size };
          expect(check(model, samples, seed)).toBeGreaterThan(10);
        },
      ),
      { numRuns: 40 },
    );
  });
});

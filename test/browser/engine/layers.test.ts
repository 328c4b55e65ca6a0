// Every layer on the GPU against the same layer on the CPU, at shapes that a property test draws.

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYERS, type LayerSpec } from '../../../src/engine/layers/index.ts';
import { elements, type Shape } from '../../../src/engine/layers/layer.ts';
import { randomStream, uniformFraction, uniformInteger } from '../../../src/job/random.ts';
import { distance } from '../../support/engine.ts';
import { createBench, type Bench } from './gpu.ts';
import { bothEngines } from './one-layer.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.destroy());

interface Case {
  readonly spec: LayerSpec;
  readonly shape: Shape;
}
type Arbitrary = fc.Arbitrary<Case>;

const upTo = (most: number, least = 1) => fc.integer({ min: least, max: most });
const anyShape = fc.array(upTo(9), { minLength: 1, maxLength: 3 });
const withShape = (spec: LayerSpec): Arbitrary => anyShape.map((shape) => ({ spec, shape }));
const pool = (kind: 'max_pool2d' | 'avg_pool2d'): Arbitrary =>
  fc
    .record({ channels: upTo(3), kernel: upTo(3), stride: upTo(4), height: upTo(7, 3), width: upTo(7, 3) })
    .map(({ channels, kernel, stride, height, width }) => ({
      spec: { kind, kernel, stride },
      shape: [channels, height, width],
    }));

/** Shapes of each kind of layer. The type makes a layer without a test an error. */
const CASES: { readonly [Kind in LayerSpec['kind']]: Arbitrary } = {
  linear: fc
    .record({ rows: upTo(40), features: upTo(70), units: upTo(70), bias: fc.boolean() })
    .map(({ rows, features, units, bias }) => ({
      spec: { kind: 'linear', units, bias },
      shape: [rows, features],
    })),
  relu: withShape({ kind: 'relu' }),
  gelu: withShape({ kind: 'gelu' }),
  gelu_tanh: withShape({ kind: 'gelu_tanh' }),
  silu: withShape({ kind: 'silu' }),
  tanh: withShape({ kind: 'tanh' }),
  conv2d: fc
    .record({
      channels: upTo(40),
      kernel: fc.oneof(upTo(3), fc.tuple(upTo(3), upTo(3))),
      stride: upTo(3),
      padding: upTo(2, 0),
      depth: upTo(3),
      height: upTo(8, 3),
      width: upTo(8, 3),
    })
    .map(({ channels, kernel, stride, padding, depth, height, width }) => ({
      spec: { kind: 'conv2d', channels, kernel, stride, padding },
      shape: [depth, height, width],
    })),
  max_pool2d: pool('max_pool2d'),
  avg_pool2d: pool('avg_pool2d'),
  flatten: withShape({ kind: 'flatten' }),
  embedding: fc
    .record({ context: upTo(70), vocabulary: upTo(90), width: upTo(80) })
    .map(({ context, vocabulary, width }) => ({
      spec: { kind: 'embedding', vocabulary, width, deviation: 1 },
      shape: [context],
    })),
  position_embedding: fc.record({ context: upTo(9), width: upTo(80) }).map(({ context, width }) => ({
    spec: { kind: 'position_embedding', deviation: 1 },
    shape: [context, width],
  })),
  layer_norm: fc
    .record({ rows: upTo(80), width: upTo(150, 2) })
    .map(({ rows, width }) => ({ spec: { kind: 'layer_norm', epsilon: 1e-5 }, shape: [rows, width] })),
  causal_attention: fc
    .record({ context: upTo(40), heads: upTo(3), size: fc.constantFrom(3, 8, 20) })
    .map(({ context, heads, size }) => ({
      spec: { kind: 'causal_attention', heads },
      shape: [context, 3 * heads * size],
    })),
  softmax: withShape({ kind: 'softmax' }),
  add: withShape({ kind: 'add' }),
};

/** Few, since attention compiles its kernels anew for every shape, which a software adapter takes long for. */
const RUNS = 3;
/** Relative to the largest element. Sums have up to some 600 terms (√600 · 6e-8), and attention several of them in a row. */
const TOLERANCE = 5e-6;

describe('a layer on the GPU agrees with the CPU, forward and backward', () => {
  test.each(Object.keys(LAYERS) as LayerSpec['kind'][])('%s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(
        CASES[kind],
        upTo(2),
        upTo(2),
        fc.boolean(),
        upTo(1000),
        async ({ spec, shape }, slices, samplesPerSlice, accumulate, seed) => {
          const next = randomStream(seed, 1, 0);
          const random = (length: number) =>
            Float32Array.from({ length }, () => 2 * uniformFraction(next) - 1);
          const count = slices * samplesPerSlice * elements(shape);
          const inputs =
            spec.kind === 'embedding'
              ? [Int32Array.from({ length: count }, () => uniformInteger(next, spec.vocabulary))]
              : Array.from({ length: spec.kind === 'add' ? 2 : 1 }, () => random(count));
          const { gpu, cpu } = await bothEngines(bench, {
            spec,
            shapes: inputs.map(() => shape),
            slices,
            samplesPerSlice,
            inputs,
            random,
            // A convolution's weights are never tied.
            accumulate: accumulate && spec.kind !== 'conv2d',
          });
          const near = (mine: Float32Array, theirs: Float32Array, what: string): void => {
            const { error, scale } = distance(mine, theirs);
            expect(error, what).toBeLessThanOrEqual(TOLERANCE * Math.max(scale, 1));
          };
          near(gpu.output, cpu.output, 'output');
          gpu.inputGradients.forEach((gradient, i) => {
            near(gradient, cpu.inputGradients[i] ?? new Float32Array(0), `gradient of input ${i}`);
          });
          near(gpu.parameterGradients, cpu.parameterGradients, 'parameter gradients');
        },
      ),
      { numRuns: RUNS, seed: 1 },
    );
  });
});

// Token embedding: each token number becomes its row of W [vocabulary, width].

import { elementGrid, foldedGrid } from './grid.ts';
import { elements, type GpuLayer, type Layer, type Place, ShapeError } from './layer.ts';
import { inputShape } from './operands.ts';

export interface EmbeddingSpec {
  readonly kind: 'embedding';
  readonly vocabulary: number;
  readonly width: number;
  /** Of the normal initial weights. */
  readonly deviation: number;
}

const tokensOf = ([input]: readonly (ArrayLike<number> | undefined)[]): Int32Array => {
  if (input instanceof Int32Array) return input;
  throw new ShapeError('The input of an embedding should be token numbers.');
};

const weightOf = ({ parameters: [weight] }: Place<EmbeddingSpec>): number => weight?.offset ?? 0;

const gpu: GpuLayer<EmbeddingSpec> = {
  forward(place) {
    const {
      output,
      spec,
      parameters: [table],
    } = place;
    return [
      {
        kind: 'kernel',
        shader: 'embedding.wgsl',
        entryPoint: 'forward',
        reads: [{ input: 0 }, 'parameters'],
        writes: ['output'],
        uniform: ({ samples }) => [
          samples * elements(output),
          spec.width,
          table?.offset ?? 0,
          spec.vocabulary,
          0,
          0,
          0,
        ],
        workgroups: ({ samples }) => elementGrid(samples * elements(output)),
      },
    ];
  },
  // Tokens have no gradient.
  backward: () => [],
  parameterGradient(place, [accumulate]) {
    const {
      output,
      spec,
      parameters: [table],
      samplesPerSlice,
      gradientLength,
    } = place;
    const { vocabulary, width } = spec;
    const blocks = Math.ceil(width / 64);
    const rows = samplesPerSlice * (elements(output) / width);
    return [
      {
        kind: 'kernel',
        shader: 'embedding.wgsl',
        entryPoint: 'gradient',
        constants: { ACCUMULATE: accumulate === true ? 1 : 0 },
        reads: [{ input: 0 }, 'outputGradient'],
        writes: ['parameterGradients'],
        uniform: () => [rows, width, table?.offset ?? 0, vocabulary, blocks, gradientLength, samplesPerSlice],
        workgroups({ slices }) {
          const [x, y] = foldedGrid(vocabulary);
          return [x, y, blocks * slices];
        },
      },
    ];
  },
};

export const embedding: Layer<EmbeddingSpec> = {
  shapes({ vocabulary, width, deviation }, inputs) {
    const input = inputShape('embedding', inputs);
    return {
      output: [...input, width],
      parameters: [
        { name: 'weight', shape: [vocabulary, width], initialization: { kind: 'normal', deviation } },
      ],
      saved: 0,
    };
  },
  cpu: {
    forward(place, { samples, parameters, inputs, output }) {
      const { width } = place.spec;
      const tokens = tokensOf(inputs);
      const weight = weightOf(place);
      const rows = samples * (elements(place.output) / width);
      for (let row = 0; row < rows; row++) {
        const at = weight + tokens[row]! * width;
        for (let j = 0; j < width; j++) output[row * width + j] = parameters[at + j]!;
      }
    },

    // Token numbers have no gradient.
    backward: () => undefined,

    parameterGradient(place, { inputs, outputGradient, first, count, gradient, accumulate: [add] }) {
      const { vocabulary, width } = place.spec;
      const tokens = tokensOf(inputs);
      const weight = weightOf(place);
      const perSample = elements(place.output) / width;
      if (add !== true) gradient.fill(0, weight, weight + vocabulary * width);
      // Sums in f64, rounded once: a frequent token has many terms.
      const sums = new Float64Array(vocabulary * width);
      for (let row = first * perSample; row < (first + count) * perSample; row++) {
        const at = tokens[row]! * width;
        for (let j = 0; j < width; j++) sums[at + j]! += outputGradient[row * width + j]!;
      }
      for (let i = 0; i < sums.length; i++) gradient[weight + i]! += sums[i]!;
    },
  },
  gpu,
};

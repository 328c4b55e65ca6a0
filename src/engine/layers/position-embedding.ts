// Learned positions: row t of W [context, width] is added to position t of every sample.

import { elementGrid, invocationGrid } from './grid.ts';
import { passOn } from './pass-on.ts';
import { elements, type GpuLayer, type GpuPlace, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface PositionEmbeddingSpec {
  readonly kind: 'position_embedding';
  /** Of the normal initial weights. */
  readonly deviation: number;
}

const gpu: GpuLayer<PositionEmbeddingSpec> = {
  passesGradient: true,
  forward(place) {
    const { context, width, table } = sizesOf(place);
    return [
      {
        kind: 'kernel',
        shader: 'embedding.wgsl',
        entryPoint: 'add_positions',
        reads: [{ input: 0 }, 'parameters'],
        writes: ['output'],
        uniform: ({ samples }) => [samples * context * width, width, table, context, 0, 0, 0],
        workgroups: ({ samples }) => elementGrid(samples * context * width),
      },
    ];
  },
  backward: ({ output }, needed, accumulate) =>
    needed[0] === true ? [passOn(elements(output), 0, accumulate[0] === true)] : [],
  parameterGradient(place, [accumulate]) {
    const { context, width, table } = sizesOf(place);
    const { samplesPerSlice, gradientLength } = place;
    return [
      {
        kind: 'kernel',
        shader: 'embedding.wgsl',
        entryPoint: 'position_gradient',
        constants: { ACCUMULATE: accumulate === true ? 1 : 0 },
        reads: ['outputGradient'],
        writes: ['parameterGradients'],
        uniform: () => [0, width, table, context, 0, gradientLength, samplesPerSlice],
        workgroups({ slices }) {
          const [x, y] = invocationGrid(context * width);
          return [x, y, slices];
        },
      },
    ];
  },
};

function sizesOf({ output: [context = 0, width = 0], parameters: [table] }: GpuPlace<PositionEmbeddingSpec>) {
  return { context, width, table: table?.offset ?? 0 };
}

export const positionEmbedding: Layer<PositionEmbeddingSpec> = {
  shapes({ deviation }, inputs) {
    const shape = inputShape('position_embedding', inputs, 2);
    return {
      output: shape,
      parameters: [{ name: 'weight', shape, initialization: { kind: 'normal', deviation } }],
      saved: 0,
    };
  },
  cpu: {
    forward({ output: shape, parameters: [weight] }, { samples, parameters, inputs, output }) {
      const input = floats(inputs);
      const length = elements(shape);
      const offset = weight?.offset ?? 0;
      for (let sample = 0; sample < samples; sample++) {
        const start = sample * length;
        for (let i = 0; i < length; i++) output[start + i] = input[start + i]! + parameters[offset + i]!;
      }
    },

    backward({ output }, { samples, outputGradient, inputGradients: [gradient], accumulate: [add] }) {
      if (gradient === undefined) return;
      const length = samples * elements(output);
      for (let i = 0; i < length; i++) gradient[i] = (add === true ? gradient[i]! : 0) + outputGradient[i]!;
    },

    parameterGradient(place, { outputGradient, first, count, gradient, accumulate: [add] }) {
      const length = elements(place.output);
      const offset = place.parameters[0]?.offset ?? 0;
      for (let i = 0; i < length; i++) {
        let sum = add === true ? gradient[offset + i]! : 0;
        for (let sample = first; sample < first + count; sample++)
          sum += outputGradient[sample * length + i]!;
        gradient[offset + i] = sum;
      }
    },
  },
  gpu,
};

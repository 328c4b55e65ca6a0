// Layer norm over the last dimension (Ba et al. 2016): y = (x − μ) / √(σ² + ε) · w + b, with the variance divided by n.

import { foldedGrid } from './grid.ts';
import { chunksOf, finishColumns, WHOLE_CHUNKS, WHOLE_COLUMNS } from './column-sums.ts';
import {
  type BufferRole,
  type CpuLayer,
  elements,
  type GpuLayer,
  type GpuPlace,
  type Layer,
  type Place,
  type UniformWord,
} from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface LayerNormSpec {
  readonly kind: 'layer_norm';
  readonly epsilon: number;
}

/** Saved for each row: μ and 1 / √(σ² + ε). */
const SAVED = 2;

function sizesOf({ output, parameters: [weight, bias] }: Place<LayerNormSpec>) {
  const width = output.at(-1) ?? 1;
  return { width, rows: elements(output) / width, weight: weight?.offset ?? 0, bias: bias?.offset ?? 0 };
}

const cpu: CpuLayer<LayerNormSpec> = {
  forward(place, { samples, parameters, inputs, output, saved }) {
    const x = floats(inputs);
    const { width, rows, weight, bias } = sizesOf(place);
    for (let row = 0; row < samples * rows; row++) {
      const start = row * width;
      let sum = 0;
      for (let j = 0; j < width; j++) sum += x[start + j]!;
      const mean = sum / width;
      let squares = 0;
      for (let j = 0; j < width; j++) {
        const d = x[start + j]! - mean;
        squares += d * d;
      }
      const inverse = 1 / Math.sqrt(squares / width + place.spec.epsilon);
      for (let j = 0; j < width; j++) {
        output[start + j] =
          (x[start + j]! - mean) * inverse * parameters[weight + j]! + parameters[bias + j]!;
      }
      saved[SAVED * row] = mean;
      saved[SAVED * row + 1] = inverse;
    }
  },

  // With x̂ = (x − μ) · inverse and g = dy · w: dx = inverse · (g − mean(g) − x̂ · mean(g x̂)).
  backward(
    place,
    { samples, parameters, inputs, saved, outputGradient, inputGradients: [gradient], accumulate: [add] },
  ) {
    if (gradient === undefined) return;
    const x = floats(inputs);
    const { width, rows, weight } = sizesOf(place);
    for (let row = 0; row < samples * rows; row++) {
      const start = row * width;
      const mean = saved[SAVED * row]!;
      const inverse = saved[SAVED * row + 1]!;
      let sum = 0;
      let product = 0;
      for (let j = 0; j < width; j++) {
        const g = outputGradient[start + j]! * parameters[weight + j]!;
        sum += g;
        product += g * (x[start + j]! - mean) * inverse;
      }
      const meanGradient = sum / width;
      const meanProduct = product / width;
      for (let j = 0; j < width; j++) {
        const g = outputGradient[start + j]! * parameters[weight + j]!;
        const normed = (x[start + j]! - mean) * inverse;
        const dx = inverse * (g - meanGradient - normed * meanProduct);
        gradient[start + j] = add === true ? gradient[start + j]! + dx : dx;
      }
    }
  },

  // dw = Σ dy x̂, db = Σ dy
  parameterGradient(place, { inputs, saved, outputGradient, first, count, gradient, accumulate }) {
    const x = floats(inputs);
    const { width, rows, weight, bias } = sizesOf(place);
    const scales = new Float64Array(width);
    const shifts = new Float64Array(width);
    for (let row = first * rows; row < (first + count) * rows; row++) {
      const start = row * width;
      const mean = saved[SAVED * row]!;
      const inverse = saved[SAVED * row + 1]!;
      for (let j = 0; j < width; j++) {
        const g = outputGradient[start + j]!;
        scales[j]! += g * (x[start + j]! - mean) * inverse;
        shifts[j]! += g;
      }
    }
    for (let j = 0; j < width; j++) {
      gradient[weight + j] = (accumulate[0] === true ? gradient[weight + j]! : 0) + scales[j]!;
      gradient[bias + j] = (accumulate[1] === true ? gradient[bias + j]! : 0) + shifts[j]!;
    }
  },
};

const SHADER = 'layer_norm.wgsl';

const gpu: GpuLayer<LayerNormSpec> = {
  forward(place) {
    const { rows, uniform } = gpuSizesOf(place);
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'forward',
        reads: [{ input: 0 }, 'parameters'],
        writes: ['output', 'saved'],
        uniform: ({ samples }) => uniform(samples),
        workgroups: ({ samples }) => foldedGrid(samples * rows),
      },
    ];
  },
  backward(place, [needed], [accumulate]) {
    if (needed !== true) return [];
    const { rows, uniform } = gpuSizesOf(place);
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'backward',
        constants: { ACCUMULATE: accumulate === true ? 1 : 0 },
        reads: [{ input: 0 }, 'outputGradient', 'saved', 'parameters'],
        writes: [{ inputGradient: 0 }],
        uniform: ({ samples }) => uniform(samples),
        workgroups: ({ samples }) => foldedGrid(samples * rows),
      },
    ];
  },
  parameterGradient(place, accumulate) {
    const { width, sliceRows, uniform } = gpuSizesOf(place);
    const { gradientLength, samplesPerSlice } = place;
    const chunks = chunksOf(sliceRows);
    if (chunks.count <= WHOLE_CHUNKS) {
      return [
        {
          kind: 'kernel',
          shader: SHADER,
          entryPoint: 'whole_parameter_sums',
          constants: { ACCUMULATE: accumulate[0] === true ? 1 : 0 },
          reads: [{ input: 0 }, 'outputGradient', 'saved'],
          writes: ['parameterGradients'],
          uniform: ({ samples }) => [...uniform(samples), gradientLength],
          workgroups: ({ slices }) => [Math.ceil(width / WHOLE_COLUMNS), 1, slices],
        },
      ];
    }
    const partial: BufferRole = {
      scratch: 0,
      bytesPerSample: Math.ceil((8 * chunks.count * width) / samplesPerSlice),
    };
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'parameter_sums',
        reads: [{ input: 0 }, 'outputGradient', 'saved'],
        writes: [partial],
        uniform: ({ samples }) => uniform(samples),
        workgroups: ({ slices }) => [Math.ceil(width / 64), chunks.count, slices],
      },
      // The bias lies behind the weight, here and in the gradients.
      finishColumns({
        source: partial,
        chunks: chunks.count,
        stride: 2 * width,
        first: 0,
        columns: 2 * width,
        offset: place.parameters[0]?.offset ?? 0,
        gradientLength,
        accumulate: accumulate[0] === true,
      }),
    ];
  },
};

function gpuSizesOf(place: GpuPlace<LayerNormSpec>) {
  const { spec, output, parameters, samplesPerSlice } = place;
  const width = output.at(-1) ?? 1;
  const rows = elements(output) / width;
  const sliceRows = samplesPerSlice * rows;
  const [weight, bias] = parameters;
  return {
    width,
    rows,
    sliceRows,
    uniform: (samples: number): readonly UniformWord[] => [
      ...[samples * rows, width, { f32: spec.epsilon }, weight?.offset ?? 0, bias?.offset ?? 0],
      ...[sliceRows, chunksOf(sliceRows).rows],
    ],
  };
}

export const layerNorm: Layer<LayerNormSpec> = {
  shapes(_spec, inputs) {
    const output = inputShape('layer_norm', inputs);
    const width = output.at(-1) ?? 1;
    return {
      output,
      parameters: [
        { name: 'weight', shape: [width], initialization: { kind: 'constant', value: 1 } },
        { name: 'bias', shape: [width], initialization: { kind: 'constant', value: 0 } },
      ],
      saved: (SAVED * elements(output)) / width,
    };
  },
  cpu,
  gpu,
};

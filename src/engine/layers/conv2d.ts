// Two-dimensional convolution (cross-correlation, as PyTorch has it): W [out, in, kernel height, kernel width], b [out].

import { foldedGrid } from './grid.ts';
import { matmul } from '../cpu/matmul.ts';
import {
  type CpuLayer,
  elements,
  type Floats,
  type GpuLayer,
  type GpuPlace,
  type Layer,
  type Place,
  type Workgroups,
} from './layer.ts';
import { floats, inputShape, windows, zerosLike } from './operands.ts';

export interface Conv2dSpec {
  readonly kind: 'conv2d';
  /** Output channels. */
  readonly channels: number;
  /** Side of a square kernel, or height and width. */
  readonly kernel: number | readonly [height: number, width: number];
  readonly stride: number;
  /** Zeros on every side. */
  readonly padding: number;
}

type Sizes = ReturnType<typeof sizesOf>;

/** Height and width of a kernel. */
const sidesOf = (kernel: Conv2dSpec['kernel']): readonly [number, number] =>
  typeof kernel === 'number' ? [kernel, kernel] : kernel;

function sizesOf(place: Place<Conv2dSpec>) {
  const { spec, output, parameters } = place;
  const [channels = 0, height = 0, width = 0] = place.inputs[0] ?? [];
  const [, outHeight = 0, outWidth = 0] = output;
  const [kernelHeight, kernelWidth] = sidesOf(spec.kernel);
  return {
    ...spec,
    kernelHeight,
    kernelWidth,
    depth: channels,
    height,
    width,
    outHeight,
    outWidth,
    /** Terms of one output's sum, and outputs of one channel. */
    terms: channels * kernelHeight * kernelWidth,
    pixels: outHeight * outWidth,
    inputLength: channels * height * width,
    weight: parameters[0]?.offset ?? 0,
    bias: parameters[1]?.offset ?? 0,
  };
}

/** Calls back for each term of each output that lies inside the image: where it is in the columns [terms, pixels], and in the image. */
function eachTerm(sizes: Sizes, visit: (column: number, pixel: number) => void): void {
  const { depth, kernelHeight, kernelWidth, stride, padding } = sizes;
  const { height, width, outHeight, outWidth, pixels } = sizes;
  for (let c = 0; c < depth; c++) {
    for (let ky = 0; ky < kernelHeight; ky++) {
      for (let kx = 0; kx < kernelWidth; kx++) {
        const row = ((c * kernelHeight + ky) * kernelWidth + kx) * pixels;
        for (let oy = 0; oy < outHeight; oy++) {
          const y = oy * stride + ky - padding;
          if (y < 0 || y >= height) continue;
          for (let ox = 0; ox < outWidth; ox++) {
            const x = ox * stride + kx - padding;
            if (x >= 0 && x < width) visit(row + oy * outWidth + ox, (c * height + y) * width + x);
          }
        }
      }
    }
  }
}

/** The windows of one image as columns (im2col), so that a convolution is one matrix product. What lies outside stays zero. */
function gather(sizes: Sizes, image: Floats, offset: number, columns: Floats): void {
  eachTerm(sizes, (column, pixel) => (columns[column] = image[offset + pixel]!));
}

const matrix = (data: Floats, stride: number, offset = 0) => ({ data, offset, stride });

const cpu: CpuLayer<Conv2dSpec> = {
  forward(place, { samples, parameters, inputs, output }) {
    const sizes = sizesOf(place);
    const { channels, terms, pixels, inputLength, weight, bias } = sizes;
    const columns = zerosLike(output, terms * pixels);
    const weights = matrix(parameters, terms, weight);
    for (let sample = 0; sample < samples; sample++) {
      const start = sample * channels * pixels;
      gather(sizes, floats(inputs), sample * inputLength, columns);
      matmul(channels, pixels, terms, weights, matrix(columns, pixels), matrix(output, pixels, start));
      for (let c = 0; c < channels; c++) {
        const shift = parameters[bias + c]!;
        for (let i = start + c * pixels; i < start + (c + 1) * pixels; i++) output[i]! += shift;
      }
    }
  },

  // The gradient at the columns is Wᵀ dy; each pixel sums those of its copies.
  backward(place, { samples, parameters, outputGradient, inputGradients: [gradient], accumulate: [add] }) {
    if (gradient === undefined) return;
    const sizes = sizesOf(place);
    const { channels, terms, pixels, inputLength, weight } = sizes;
    const columns = zerosLike(gradient, terms * pixels);
    const image = new Float64Array(inputLength);
    const weights = { ...matrix(parameters, terms, weight), transposed: true };
    for (let sample = 0; sample < samples; sample++) {
      const upstream = matrix(outputGradient, pixels, sample * channels * pixels);
      matmul(terms, pixels, channels, weights, upstream, matrix(columns, pixels));
      image.fill(0);
      eachTerm(sizes, (column, pixel) => (image[pixel]! += columns[column]!));
      const start = sample * inputLength;
      for (let i = 0; i < inputLength; i++) {
        gradient[start + i] = (add === true ? gradient[start + i]! : 0) + image[i]!;
      }
    }
  },

  // dW = Σ dy · columnsᵀ over the samples, db = Σ dy
  parameterGradient(place, { inputs, outputGradient, first, count, gradient, accumulate }) {
    const sizes = sizesOf(place);
    const { channels, terms, pixels, inputLength, weight, bias } = sizes;
    const columns = zerosLike(gradient, terms * pixels);
    const transposed = { ...matrix(columns, pixels), transposed: true };
    const into = matrix(gradient, terms, weight);
    if (accumulate[0] !== true) gradient.fill(0, weight, weight + channels * terms);
    for (let sample = first; sample < first + count; sample++) {
      const upstream = matrix(outputGradient, pixels, sample * channels * pixels);
      gather(sizes, floats(inputs), sample * inputLength, columns);
      matmul(channels, terms, pixels, upstream, transposed, into, true);
    }
    for (let c = 0; c < channels; c++) {
      let sum = accumulate[1] === true ? gradient[bias + c]! : 0;
      for (let sample = first; sample < first + count; sample++) {
        const start = (sample * channels + c) * pixels;
        for (let i = 0; i < pixels; i++) sum += outputGradient[start + i]!;
      }
      gradient[bias + c] = sum;
    }
  },
};

const SHADER = 'conv2d.wgsl';

const gpu: GpuLayer<Conv2dSpec> = {
  forward(place) {
    const { places, uniform } = gpuSizesOf(place);
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'forward',
        reads: [{ input: 0 }, 'parameters'],
        writes: ['output'],
        uniform: ({ samples }) => uniform(samples),
        workgroups: ({ samples }) => tileGrid(samples * places, place.spec.channels),
        flops: ({ samples }) => samples * flopsOf(place),
      },
    ];
  },
  backward(place, [needed], [accumulate]) {
    const { uniform, channels, inPlaces } = gpuSizesOf(place);
    if (needed !== true) return [];
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'input_gradient',
        constants: { ACCUMULATE: accumulate === true ? 1 : 0 },
        reads: ['outputGradient', 'parameters'],
        writes: [{ inputGradient: 0 }],
        uniform: ({ samples }) => uniform(samples),
        workgroups: ({ samples }) => tileGrid(samples * inPlaces, channels),
        flops: ({ samples }) => samples * flopsOf(place),
      },
    ];
  },
  parameterGradient(place) {
    const { uniform, taps } = gpuSizesOf(place);
    const { samplesPerSlice, spec } = place;
    return [
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'weight_gradient',
        reads: [{ input: 0 }, 'outputGradient'],
        writes: ['parameterGradients'],
        uniform: () => uniform(samplesPerSlice),
        workgroups: ({ slices }) => [Math.ceil(taps / TILE), Math.ceil(spec.channels / TILE), slices],
        flops: ({ samples }) => samples * flopsOf(place),
      },
      {
        kind: 'kernel',
        shader: SHADER,
        entryPoint: 'bias_gradient',
        reads: ['outputGradient'],
        writes: ['parameterGradients'],
        uniform: () => uniform(samplesPerSlice),
        workgroups: ({ slices }) => [spec.channels, 1, slices],
      },
    ];
  },
};

/** Rows and columns of the tile that a workgroup computes. */
const TILE = 32;
const tileGrid = (places: number, channels: number): Workgroups => {
  const [x, z] = foldedGrid(Math.ceil(places / TILE));
  return [x, Math.ceil(channels / TILE), z];
};

function gpuSizesOf(place: GpuPlace<Conv2dSpec>) {
  const [channels = 0, height = 0, width = 0] = place.inputs[0] ?? [];
  const [outChannels = 0, outHeight = 0, outWidth = 0] = place.output;
  const { stride, padding } = place.spec;
  const [kernelHeight, kernelWidth] = sidesOf(place.spec.kernel);
  const [weight, bias] = place.parameters;
  return {
    channels,
    inPlaces: height * width,
    places: outHeight * outWidth,
    taps: channels * kernelHeight * kernelWidth,
    uniform: (samples: number) => [
      ...[samples, channels, height, width, outChannels, outHeight, outWidth],
      ...[kernelHeight, kernelWidth, stride, padding],
      ...[weight?.offset ?? 0, bias?.offset ?? 0, place.gradientLength],
    ],
  };
}
const flopsOf = (place: GpuPlace<Conv2dSpec>): number => {
  const { places, taps } = gpuSizesOf(place);
  return 2 * places * taps * place.spec.channels;
};

export const conv2d: Layer<Conv2dSpec> = {
  shapes({ channels, kernel, stride, padding }, inputs) {
    const [depth = 0, height = 0, width = 0] = inputShape('conv2d', inputs, 3);
    const [kernelHeight, kernelWidth] = sidesOf(kernel);
    const shape = [channels, depth, kernelHeight, kernelWidth];
    const bound = 1 / Math.sqrt(elements(shape.slice(1)));
    return {
      output: [
        channels,
        windows('conv2d', height, kernelHeight, stride, padding),
        windows('conv2d', width, kernelWidth, stride, padding),
      ],
      parameters: [
        { name: 'weight', shape, initialization: { kind: 'uniform', bound } },
        { name: 'bias', shape: [channels], initialization: { kind: 'uniform', bound } },
      ],
      saved: 0,
    };
  },
  cpu,
  gpu,
};

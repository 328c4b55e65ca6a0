// Causal multi-head attention (Vaswani et al. 2017): y = softmax(mask(q kᵀ / √d)) v for each head, from the fused projection.
//
// Input [T, 3C]: queries, keys and values side by side, each of C = heads · d. Position t sees positions 0 to t.

import { attentionTiles } from './attention-tiles.ts';
import { matmul, type MatrixView } from '../cpu/matmul.ts';
import { exp, log } from '../cpu/portable-math.ts';
import {
  type CpuLayer,
  type Floats,
  type GpuLayer,
  type GpuPlace,
  type KernelCall,
  type Layer,
  type PassSize,
  type Place,
  ShapeError,
  type Workgroups,
} from './layer.ts';
import { floats, inputShape, zerosLike } from './operands.ts';

export interface CausalAttentionSpec {
  readonly kind: 'causal_attention';
  readonly heads: number;
}

function sizesOf({ spec: { heads }, output: [context = 0, width = 0] }: Place<CausalAttentionSpec>) {
  const size = width / heads;
  return { heads, context, width, size, scale: 1 / Math.sqrt(size) };
}

/** Queries, keys and values of one head of one sample, in the fused projection or in its gradient. */
function headOf(data: Floats, context: number, width: number, size: number, sample: number, head: number) {
  const stride = 3 * width;
  const offset = sample * context * stride + head * size;
  const at = (part: number): MatrixView => ({ data, offset: offset + part * width, stride });
  return { queries: at(0), keys: at(1), values: at(2) };
}

const cpu: CpuLayer<CausalAttentionSpec> = {
  forward(place, { samples, inputs, output, saved }) {
    const { heads, context, width, size, scale } = sizesOf(place);
    const weights = zerosLike(output, context * context);
    const square = { data: weights, offset: 0, stride: context };
    for (let sample = 0; sample < samples; sample++) {
      for (let head = 0; head < heads; head++) {
        const { queries, keys, values } = headOf(floats(inputs), context, width, size, sample, head);
        matmul(context, context, size, queries, { ...keys, transposed: true }, square);
        for (let t = 0; t < context; t++) {
          const start = t * context;
          let largest = weights[start]!;
          for (let j = 1; j <= t; j++) if (weights[start + j]! > largest) largest = weights[start + j]!;
          let sum = 0;
          for (let j = 0; j <= t; j++) sum += exp((weights[start + j]! - largest) * scale);
          for (let j = 0; j <= t; j++)
            weights[start + j] = exp((weights[start + j]! - largest) * scale) / sum;
          weights.fill(0, start + t + 1, start + context);
          saved[(sample * heads + head) * context + t] = largest * scale + log(sum);
        }
        const offset = sample * context * width + head * size;
        matmul(context, size, context, square, values, { data: output, offset, stride: width });
      }
    }
  },

  // With P the weights, D = dy vᵀ and δ = Σ y dy a row: dS = P ∘ (D − δ) / √d; dq = dS k, dk = dSᵀ q, dv = Pᵀ dy.
  backward(
    place,
    { samples, inputs, output, saved, outputGradient, inputGradients: [gradient], accumulate: [add] },
  ) {
    if (gradient === undefined) return;
    const { heads, context, width, size, scale } = sizesOf(place);
    const weights = { data: zerosLike(output, context * context), offset: 0, stride: context };
    const slopes = { data: zerosLike(output, context * context), offset: 0, stride: context };
    for (let sample = 0; sample < samples; sample++) {
      for (let head = 0; head < heads; head++) {
        const { queries, keys, values } = headOf(floats(inputs), context, width, size, sample, head);
        const into = headOf(gradient, context, width, size, sample, head);
        const offset = sample * context * width + head * size;
        const upstream = { data: outputGradient, offset, stride: width };
        matmul(context, context, size, queries, { ...keys, transposed: true }, weights);
        matmul(context, context, size, upstream, { ...values, transposed: true }, slopes);
        for (let t = 0; t < context; t++) {
          const start = t * context;
          let delta = 0;
          for (let j = 0; j < size; j++) {
            delta += output[offset + t * width + j]! * outputGradient[offset + t * width + j]!;
          }
          const logSum = saved[(sample * heads + head) * context + t]!;
          for (let j = 0; j <= t; j++) {
            const weight = exp(weights.data[start + j]! * scale - logSum);
            weights.data[start + j] = weight;
            slopes.data[start + j] = weight * (slopes.data[start + j]! - delta) * scale;
          }
          weights.data.fill(0, start + t + 1, start + context);
          slopes.data.fill(0, start + t + 1, start + context);
        }
        matmul(context, size, context, slopes, keys, into.queries, add);
        matmul(context, size, context, { ...slopes, transposed: true }, queries, into.keys, add);
        matmul(context, size, context, { ...weights, transposed: true }, upstream, into.values, add);
      }
    }
  },
};

const gpu: GpuLayer<CausalAttentionSpec> = {
  forward(place) {
    const { constants, uniform, workgroups, flops } = gpuSizesOf(place);
    return [
      {
        kind: 'kernel',
        shader: 'attention.wgsl',
        entryPoint: 'forward',
        constants,
        reads: [{ input: 0 }],
        writes: ['output', 'saved'],
        uniform,
        workgroups,
        flops: ({ samples }) => 2 * samples * flops,
      },
    ];
  },
  backward(place, [needed], [accumulate]) {
    if (needed !== true) return [];
    const { constants, context, heads, uniform, workgroups, flops } = gpuSizesOf(place);
    const deltas = { scratch: 0, bytesPerSample: 4 * heads * context } as const;
    const backward = (entryPoint: string, products: number): KernelCall => ({
      kind: 'kernel',
      shader: 'attention_backward.wgsl',
      entryPoint,
      constants: { ...constants, ACCUMULATE: accumulate === true ? 1 : 0 },
      reads: [{ input: 0 }, 'outputGradient', deltas, 'saved'],
      writes: [{ inputGradient: 0 }],
      uniform,
      workgroups,
      flops: ({ samples }) => products * samples * flops,
    });
    return [
      {
        kind: 'kernel',
        shader: 'attention_backward.wgsl',
        entryPoint: 'deltas',
        reads: ['output', 'outputGradient'],
        writes: [deltas],
        uniform,
        workgroups: ({ samples }) => [Math.ceil(context / 64), heads, samples],
      },
      backward('queries', 3),
      backward('keys_values', 4),
    ];
  },
};

function gpuSizesOf({ spec: { heads }, output: [context = 0, width = 0] }: GpuPlace<CausalAttentionSpec>) {
  const size = width / heads;
  const { wide, tall, depth } = attentionTiles(size, context);
  return {
    heads,
    context,
    constants: { WIDE: wide, TALL: tall, DEPTH: depth },
    uniform: () => [context, heads, size, { f32: 1 / Math.sqrt(size) }],
    workgroups: ({ samples }: PassSize): Workgroups => [Math.ceil(context / (4 * tall)), heads, samples],
    /** Of one product over the lower triangle. */
    flops: context * (context + 1) * width,
  };
}

export const causalAttention: Layer<CausalAttentionSpec> = {
  shapes({ heads }, inputs) {
    const [context = 0, fused = 0] = inputShape('causal_attention', inputs, 2);
    const width = fused / 3;
    if (!Number.isInteger(width / heads)) {
      throw new ShapeError(
        `The input of causal attention should be three times a multiple of ${heads} heads wide and is ${fused}.`,
      );
    }
    // Saved for each row of each head: the logarithm of the sum of exponentials.
    return { output: [context, width], parameters: [], saved: heads * context };
  },
  cpu,
  gpu,
};

// The cases of single operations: from the reference's tensors to trials, and from their outcome to comparisons.

import { createGraphBuilder, type Value } from '../../engine/graph/graph.ts';
import type { LayerSpec } from '../../engine/layers/index.ts';
import { ShapeError } from '../../engine/layers/layer.ts';
import type { MatmulTrial } from '../../engine/op-runner.ts';
import { magnitude, type Comparison } from './compare.ts';
import type { VerifyHost } from './host.ts';
import type { ManifestCase } from './manifest.ts';
import { malformed, type Floats, type Tensors } from './tensors.ts';

export type OpCase = Exclude<ManifestCase, { readonly op: 'optimizer' | 'clip_grad_norm' }>;
type CaseOf<Op extends OpCase['op']> = Extract<OpCase, { readonly op: Op }>;

/** A case whose tensors have been checked: nothing but an engine can fail in it. */
export type Trial = (host: VerifyHost) => Promise<readonly Comparison[]>;

/** Throws a `UsageError` where the reference lacks something or does not fit itself. */
export function prepareOp(spec: OpCase, tensors: Tensors): Trial {
  const at = `${spec.name}/`;
  switch (spec.op) {
    case 'matmul':
      return matmulTrial(spec, tensors);
    case 'linear': {
      const { shape } = tensors.floats(`${at}in/weight`, [null, null]);
      const [units = 0, features = 0] = shape;
      const x = tensors.floats(`${at}in/x`);
      const rows = x.values.length / features;
      return layerTrial(tensors, at, { kind: 'linear', units }, ['weight', 'bias'], {
        output: features,
        x: units,
        parameters: rows,
      });
    }
    case 'layer_norm': {
      const { shape } = tensors.floats(`${at}in/weight`, [null]);
      const [width = 1] = shape;
      const rows = tensors.floats(`${at}in/x`).values.length / width;
      const layer = { kind: 'layer_norm', epsilon: spec.attrs.eps } as const;
      return layerTrial(tensors, at, layer, ['weight', 'bias'], {
        output: width,
        x: width,
        parameters: rows,
      });
    }
    case 'softmax': {
      const x = tensors.floats(`${at}in/x`);
      const width = x.shape.at(-1) ?? 1;
      return layerTrial(tensors, at, { kind: 'softmax' }, [], { output: width, x: width, parameters: 1 });
    }
    case 'relu':
    case 'gelu':
    case 'gelu_tanh':
    case 'silu':
    case 'tanh':
      return layerTrial(tensors, at, { kind: spec.op }, [], { output: 1, x: 1, parameters: 1 });
    case 'conv2d': {
      const { shape } = tensors.floats(`${at}in/weight`, [null, null, null, null]);
      const [channels = 0, depth = 0, height = 0, width = 0] = shape;
      const { stride, padding } = spec.attrs;
      const out = tensors.floats(`${at}out`, [null, channels, null, null]);
      const area = height * width;
      return layerTrial(
        tensors,
        at,
        { kind: 'conv2d', channels, kernel: [height, width], stride, padding },
        ['weight', 'bias'],
        // A weight is summed over every pixel of every sample.
        { output: depth * area, x: channels * area, parameters: out.values.length / channels },
      );
    }
    case 'max_pool2d':
    case 'avg_pool2d': {
      const { kernel, stride } = spec.attrs;
      const terms = spec.op === 'avg_pool2d' ? kernel * kernel : 1;
      const layer = { kind: spec.op, kernel, stride } as const;
      return layerTrial(tensors, at, layer, [], { output: terms, x: kernel * kernel, parameters: 1 });
    }
    case 'embedding':
      return embeddingTrial(at, tensors);
    case 'causal_attention':
      return attentionTrial(at, tensors);
    case 'cross_entropy':
      return crossEntropyTrial(at, tensors);
  }
}

/** C = op(A) op(B) forward; the gradients are the products that the engine forms in training, in every transposition. */
function matmulTrial({ name, attrs: { transA, transB } }: CaseOf<'matmul'>, tensors: Tensors): Trial {
  const a = tensors.floats(`${name}/in/a`, [null, null]);
  const [aRows = 0, aColumns = 0] = a.shape;
  const [m, k] = transA ? [aColumns, aRows] : [aRows, aColumns];
  const b = tensors.floats(`${name}/in/b`, transB ? [null, k] : [k, null]);
  const n = (transB ? b.shape[0] : b.shape[1]) ?? 0;
  const out = tensors.floats(`${name}/out`, [m, n]);
  const upstream = tensors.floats(`${name}/upstream`, [m, n]);
  const gradA = tensors.floats(`${name}/grad/a`, a.shape);
  const gradB = tensors.floats(`${name}/grad/b`, b.shape);

  const [A, B, G] = [a.values, b.values, upstream.values];
  const forward: MatmulTrial = { m, n, k, transposeA: transA, transposeB: transB, a: A, b: B };
  // op(A)'s gradient is G op(B)ᵀ, and op(B)'s is op(A)ᵀ G; where an operand is stored transposed, so is the product.
  const backwardA: MatmulTrial = transA
    ? { m: k, n: m, k: n, transposeA: transB, transposeB: true, a: B, b: G }
    : { m, n: k, k: n, transposeA: false, transposeB: !transB, a: G, b: B };
  const backwardB: MatmulTrial = transB
    ? { m: n, n: k, k: m, transposeA: true, transposeB: transA, a: G, b: A }
    : { m: k, n, k: m, transposeA: !transA, transposeB: false, a: A, b: G };

  return async ({ ops }) => [
    { found: await ops.matmul(forward), expected: out.values, terms: k },
    { found: await ops.matmul(backwardA), expected: gradA.values, terms: n },
    { found: await ops.matmul(backwardB), expected: gradB.values, terms: m },
  ];
}

/** Terms in the longest chain of sums to an element of the output, of the input's gradient, and of a parameter's. */
interface Terms {
  readonly output: number;
  readonly x: number;
  readonly parameters: number;
}

/** The layer in a graph of its own, which tells whether its input fits it, and the shapes of all else. */
function nodeOf(path: string, at: string, spec: LayerSpec, input: Value) {
  try {
    const builder = createGraphBuilder(input);
    const [node] = builder.finish(builder.add(spec, '', [builder.input])).nodes;
    if (node === undefined) throw new RangeError('A graph of one layer has one node.');
    return node;
  } catch (error) {
    if (error instanceof ShapeError) return malformed(path, `tensor "${at}in/x": ${error.message}`);
    throw error;
  }
}

/** A layer from `in/x` and parameters by name: the first dimension counts samples. */
function layerTrial(
  tensors: Tensors,
  at: string,
  spec: LayerSpec,
  names: readonly string[],
  terms: Terms,
): Trial {
  const x = tensors.floats(`${at}in/x`);
  const out = tensors.floats(`${at}out`);
  const upstream = tensors.floats(`${at}upstream`, out.shape);
  const gradient = tensors.floats(`${at}grad/x`, x.shape);
  const [samples, shape] = sampled(x);
  const node = nodeOf(tensors.path, at, spec, { shape, type: 'f32' });
  const expectedShape = x.shape.length === 1 ? node.output : [samples, ...node.output];
  tensors.floats(`${at}out`, expectedShape);
  const parameters = names.map((name, i) => tensors.floats(`${at}in/${name}`, node.parameters[i]?.shape));
  const expected = names.map((name, i) => tensors.floats(`${at}grad/${name}`, parameters[i]?.shape));
  return async ({ ops }) => {
    const outcome = await ops.layer({
      spec,
      samples,
      inputs: [{ shape, data: x.values }],
      parameters: parameters.map(({ values }) => values),
      upstream: upstream.values,
    });
    return [
      {
        found: outcome.output,
        expected: out.values,
        terms: terms.output,
        leastScale: leastOutput(spec, x),
      },
      {
        found: outcome.inputGradients[0] ?? [],
        expected: gradient.values,
        terms: terms.x,
        leastScale: leastScale(spec, terms.x, upstream),
      },
      ...expected.map(({ values }, i) => ({
        found: outcome.parameterGradients[i] ?? [],
        expected: values,
        terms: terms.parameters,
      })),
    ];
  };
}

/**
 * Softmax and layer norm subtract means from what arrives: where a row is sure, or has two elements, next to nothing is left, and the
 * error is that of what was subtracted. So it is where an activation is flat: 1 − tanh² of a large number.
 */
function leastScale(spec: LayerSpec, width: number, upstream: Floats): number {
  const scale = magnitude(upstream.values);
  if (spec.kind === 'softmax') return scale / width;
  return FLAT.has(spec.kind) ? 0.1 * scale : 0;
}

const FLAT: ReadonlySet<LayerSpec['kind']> = new Set(['layer_norm', 'gelu', 'gelu_tanh', 'silu', 'tanh']);

/** Far below zero, next to nothing is left of x · Φ(x) and its like, and the error is that of what was subtracted. */
const leastOutput = ({ kind }: LayerSpec, x: Floats): number =>
  kind === 'gelu' || kind === 'gelu_tanh' || kind === 'silu' ? 0.01 * magnitude(x.values) : 0;

function sampled({ shape }: Pick<Floats, 'shape'>): readonly [samples: number, shape: readonly number[]] {
  const [first = 1, ...rest] = shape;
  return rest.length === 0 ? [1, shape] : [first, rest];
}

function embeddingTrial(at: string, tensors: Tensors): Trial {
  const weight = tensors.floats(`${at}in/weight`, [null, null]);
  const [vocabulary = 0, width = 0] = weight.shape;
  const index = tensors.integers(`${at}in/index`, vocabulary);
  const out = tensors.floats(`${at}out`, [...index.shape, width]);
  const upstream = tensors.floats(`${at}upstream`, out.shape);
  const gradient = tensors.floats(`${at}grad/weight`, weight.shape);
  const [samples, shape] = sampled(index);
  return async ({ ops }) => {
    const outcome = await ops.layer({
      spec: { kind: 'embedding', vocabulary, width, deviation: 1 },
      samples,
      inputs: [{ shape, data: index.values }],
      parameters: [weight.values],
      upstream: upstream.values,
    });
    return [
      { found: outcome.output, expected: out.values, terms: 1 },
      // A token may be every one of the sequence.
      {
        found: outcome.parameterGradients[0] ?? [],
        expected: gradient.values,
        terms: index.values.length,
      },
    ];
  };
}

/** [batch, heads, length, depth] as [batch, length, parts · heads · depth], the parts side by side. */
function fused(parts: readonly Floats[]): Float32Array<ArrayBuffer> {
  const [batch = 0, heads = 0, length = 0, depth = 0] = parts[0]?.shape ?? [];
  const width = heads * depth;
  const result = new Float32Array(parts.length * batch * length * width);
  parts.forEach(({ values }, part) => {
    values.forEach((value, i) => {
      const row = Math.floor(i / depth);
      const t = row % length;
      const head = Math.floor(row / length) % heads;
      const sample = Math.floor(row / (length * heads));
      const at = (sample * length + t) * parts.length * width + part * width + head * depth + (i % depth);
      result[at] = value;
    });
  });
  return result;
}

function attentionTrial(at: string, tensors: Tensors): Trial {
  const q = tensors.floats(`${at}in/q`, [null, null, null, null]);
  const [samples = 0, heads = 0, length = 0, depth = 0] = q.shape;
  const read = (name: string): Floats => tensors.floats(at + name, q.shape);
  const inputs = fused([q, read('in/k'), read('in/v')]);
  const gradients = fused([read('grad/q'), read('grad/k'), read('grad/v')]);
  const out = fused([read('out')]);
  const upstream = fused([read('upstream')]);
  // A chain: scores over the depth, softmax and output over the length; backward goes through both once more.
  const chain = depth + length;
  return async ({ ops }) => {
    const outcome = await ops.layer({
      spec: { kind: 'causal_attention', heads },
      samples,
      inputs: [{ shape: [length, 3 * heads * depth], data: inputs }],
      parameters: [],
      upstream,
    });
    return [
      { found: outcome.output, expected: out, terms: chain },
      { found: outcome.inputGradients[0] ?? [], expected: gradients, terms: 2 * chain },
    ];
  };
}

function crossEntropyTrial(at: string, tensors: Tensors): Trial {
  const logits = tensors.floats(`${at}in/logits`, [null, null]);
  const [rows = 0, classes = 0] = logits.shape;
  const target = tensors.integers(`${at}in/target`, classes, [rows]);
  const loss = tensors.floats(`${at}out`, []);
  const [scale = 1] = tensors.floats(`${at}upstream`, []).values;
  const gradient = tensors.floats(`${at}grad/logits`, logits.shape);
  return async ({ ops }) => {
    const outcome = await ops.crossEntropy({ rows, classes, logits: logits.values, labels: target.values });
    return [
      // Where a row is sure, its loss and gradient are what is left of 1: they are held against that.
      { found: [outcome.loss], expected: loss.values, terms: classes + rows, leastScale: 1 },
      {
        found: outcome.gradient.map((value) => value * scale),
        expected: gradient.values,
        terms: classes,
        leastScale: Math.abs(scale) / rows,
      },
    ];
  };
}

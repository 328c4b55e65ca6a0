// A small reference in memory, written from definitions in f64 that share no code with the engines: forward passes as plain loops,
// gradients as central differences of them. It is what an engine is held against where no reference of PyTorch's is at hand.

import { encodeSafetensors, type Tensor } from '../../checkpoint/safetensors.ts';
import { randomStream, uniformFraction, uniformInteger, type RandomStream } from '../../job/random.ts';

/** A row-major array of f64. */
export interface Matrix {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const at = (values: ArrayLike<number>, i: number): number => values[i] ?? NaN;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

type Forward = (inputs: Readonly<Record<string, Matrix>>) => Matrix;

const like = (shape: readonly number[], value: (i: number) => number): Matrix => ({
  shape,
  values: Float64Array.from({ length: size(shape) }, (_, i) => value(i)),
});

const need = (inputs: Readonly<Record<string, Matrix>>, name: string): Matrix => {
  const found = inputs[name];
  if (found === undefined) throw new Error(`The case has no input ${name}.`);
  return found;
};

/** Φ by its series about 0 (Marsaglia 2004), good to 1e-14 for |x| < 5. */
function normalDistribution(x: number): number {
  let term = x;
  let total = x;
  for (let n = 3; Math.abs(term) > 1e-18; n += 2) {
    term *= (x * x) / n;
    total += term;
  }
  return 0.5 + (total * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

export const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(x, 0),
  gelu: (x) => x * normalDistribution(x),
  gelu_tanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

const affine: Forward = (inputs) => {
  const [x, w, b] = [need(inputs, 'x'), need(inputs, 'weight'), inputs['bias']];
  const [units = 0, features = 0] = w.shape;
  return like([...x.shape.slice(0, -1), units], (i) => {
    const [row, unit] = [Math.floor(i / units), i % units];
    const terms = range(features).map(
      (f) => at(x.values, row * features + f) * at(w.values, unit * features + f),
    );
    return sum(terms) + (b === undefined ? 0 : at(b.values, unit));
  });
};

const softmaxRow = (row: readonly number[]): number[] => {
  const largest = Math.max(...row);
  const weights = row.map((x) => Math.exp(x - largest));
  return weights.map((weight) => weight / sum(weights));
};

const eachRow =
  (
    change: (row: readonly number[], inputs: Readonly<Record<string, Matrix>>) => readonly number[],
  ): Forward =>
  (inputs) => {
    const { shape, values } = need(inputs, 'x');
    const width = shape.at(-1) ?? 1;
    const rows = range(values.length / width).map((r) =>
      change([...values.subarray(r * width, (r + 1) * width)], inputs),
    );
    return { shape, values: Float64Array.from(rows.flat()) };
  };

const layerNorm = eachRow((row, inputs) => {
  const mean = sum(row) / row.length;
  const variance = sum(row.map((x) => (x - mean) ** 2)) / row.length;
  return row.map(
    (x, i) =>
      ((x - mean) / Math.sqrt(variance + 1e-5)) * at(need(inputs, 'weight').values, i) +
      at(need(inputs, 'bias').values, i),
  );
});

const attention: Forward = (inputs) => {
  const [q, k, v] = [need(inputs, 'q'), need(inputs, 'k'), need(inputs, 'v')];
  const [, , length = 0, depth = 0] = q.shape;
  return like(q.shape, (i) => {
    const [t, j] = [Math.floor(i / depth) % length, i % depth];
    const head = Math.floor(i / (depth * length)) * length * depth;
    const scores = range(t + 1).map(
      (s) =>
        sum(
          range(depth).map((d) => at(q.values, head + t * depth + d) * at(k.values, head + s * depth + d)),
        ) / Math.sqrt(depth),
    );
    return sum(softmaxRow(scores).map((weight, s) => weight * at(v.values, head + s * depth + j)));
  });
};

const convolution =
  (stride: number, padding: number): Forward =>
  (inputs) => {
    const [x, w, b] = [need(inputs, 'x'), need(inputs, 'weight'), need(inputs, 'bias')];
    const [samples = 0, depth = 0, height = 0, width = 0] = x.shape;
    const [channels = 0, , kernel = 0] = w.shape;
    const extent = (length: number): number => Math.floor((length + 2 * padding - kernel) / stride) + 1;
    const [rows, columns] = [extent(height), extent(width)];
    return like([samples, channels, rows, columns], (i) => {
      const [ox, oy] = [i % columns, Math.floor(i / columns) % rows];
      const c = Math.floor(i / (columns * rows)) % channels;
      const n = Math.floor(i / (columns * rows * channels));
      let total = at(b.values, c);
      for (const d of range(depth)) {
        for (const ky of range(kernel)) {
          for (const kx of range(kernel)) {
            const [y, z] = [oy * stride + ky - padding, ox * stride + kx - padding];
            if (y < 0 || z < 0 || y >= height || z >= width) continue;
            total +=
              at(x.values, ((n * depth + d) * height + y) * width + z) *
              at(w.values, ((c * depth + d) * kernel + ky) * kernel + kx);
          }
        }
      }
      return total;
    });
  };

const pooling =
  (kernel: number, stride: number, fold: (window: readonly number[]) => number): Forward =>
  (inputs) => {
    const x = need(inputs, 'x');
    const [samples = 0, channels = 0, height = 0, width = 0] = x.shape;
    const extent = (length: number): number => Math.floor((length - kernel) / stride) + 1;
    const [rows, columns] = [extent(height), extent(width)];
    return like([samples, channels, rows, columns], (i) => {
      const [ox, oy] = [i % columns, Math.floor(i / columns) % rows];
      const plane = Math.floor(i / (columns * rows)) * height * width;
      const window = range(kernel * kernel).map((j) => {
        const [y, z] = [oy * stride + Math.floor(j / kernel), ox * stride + (j % kernel)];
        return at(x.values, plane + y * width + z);
      });
      return fold(window);
    });
  };

const crossEntropy =
  (target: Int32Array): Forward =>
  (inputs) => {
    const { shape, values } = need(inputs, 'logits');
    const [rows = 0, classes = 0] = shape;
    const losses = range(rows).map((r) => {
      const row = [...values.subarray(r * classes, (r + 1) * classes)];
      return -Math.log(at(softmaxRow(row), at(target, r)));
    });
    return { shape: [], values: Float64Array.of(sum(losses) / rows) };
  };

const product =
  (transA: boolean, transB: boolean): Forward =>
  (inputs) => {
    const [a, b] = [need(inputs, 'a'), need(inputs, 'b')];
    const [aRows = 0, aColumns = 0] = a.shape;
    const [bRows = 0, bColumns = 0] = b.shape;
    const [m, k] = transA ? [aColumns, aRows] : [aRows, aColumns];
    const n = transB ? bRows : bColumns;
    return like([m, n], (i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      return sum(
        range(k).map(
          (p) =>
            at(a.values, transA ? p * m + row : row * k + p) *
            at(b.values, transB ? column * k + p : p * n + column),
        ),
      );
    });
  };

/** The gradient of a number by central differences, whose width suits f64. */
export function differences(point: Float64Array, value: (at: Float64Array) => number): Float64Array {
  const width = 1e-5;
  return point.map((x, i) => {
    const shifted = (by: number): number => value(point.map((y, j) => (i === j ? x + by : y)));
    return (shifted(width) - shifted(-width)) / (2 * width);
  });
}

const f32 = ({ shape, values }: Matrix): Tensor => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});
const i32 = (shape: readonly number[], values: Int32Array<ArrayBuffer>): Tensor => ({
  dtype: 'I32',
  shape,
  data: new Uint8Array(values.buffer),
});

/** In f32, since that is what a reference holds. */
const random = (next: RandomStream, shape: readonly number[]): Matrix =>
  like(shape, () => Math.fround(2 * uniformFraction(next) - 1));

interface Made {
  readonly manifest: { cases: unknown[]; runs: unknown[]; ops_file: string };
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

/** Every operation at small sizes that differ by seed. */
function makeCases(next: RandomStream, made: Made): void {
  const tensors = new Map<string, Tensor>();
  const upTo = (n: number): number => 1 + uniformInteger(next, n);
  const add = (
    name: string,
    op: string,
    attrs: object,
    forward: Forward,
    inputs: Readonly<Record<string, Matrix>>,
    others: Readonly<Record<string, Tensor>> = {},
  ): void => {
    const out = forward(inputs);
    const upstream = out.shape.length === 0 ? like([], () => 1) : random(next, out.shape);
    tensors.set(`${name}/out`, f32(out));
    tensors.set(`${name}/upstream`, f32(upstream));
    for (const [key, tensor] of Object.entries(others)) tensors.set(`${name}/in/${key}`, tensor);
    for (const [key, input] of Object.entries(inputs)) {
      const gradient = differences(input.values, (values) =>
        forward({ ...inputs, [key]: { ...input, values } }).values.reduce(
          (total, y, i) => total + y * at(upstream.values, i),
          0,
        ),
      );
      tensors.set(`${name}/in/${key}`, f32(input));
      tensors.set(`${name}/grad/${key}`, f32({ shape: input.shape, values: gradient }));
    }
    made.manifest.cases.push({ name, op, attrs, inputs: [...Object.keys(inputs), ...Object.keys(others)] });
  };

  for (const [name, transA, transB] of [
    ['nn', false, false],
    ['nt', false, true],
    ['tn', true, false],
  ] as const) {
    const [m, k, n] = [upTo(7), upTo(7), upTo(7)];
    const inputs = { a: random(next, transA ? [k, m] : [m, k]), b: random(next, transB ? [n, k] : [k, n]) };
    add(`matmul_${name}`, 'matmul', { transA, transB }, product(transA, transB), inputs);
  }
  const [rows, width, units] = [upTo(6), 1 + upTo(6), upTo(6)];
  const x = random(next, [rows, width]);
  add('linear', 'linear', {}, affine, {
    x,
    weight: random(next, [units, width]),
    bias: random(next, [units]),
  });
  const norm = { x, weight: random(next, [width]), bias: random(next, [width]) };
  add('layer_norm', 'layer_norm', { eps: 1e-5 }, layerNorm, norm);
  add('softmax', 'softmax', {}, eachRow(softmaxRow), { x });
  for (const [name, func] of Object.entries(ACTIVATIONS)) {
    // Away from the kink of relu.
    const smooth = like([rows, width], () => {
      const value = 4 * uniformFraction(next) - 2;
      return Math.fround(value + 0.1 * Math.sign(value));
    });
    add(name, name, {}, (inputs) => like([rows, width], (i) => func(at(need(inputs, 'x').values, i))), {
      x: smooth,
    });
  }
  const index = Int32Array.from({ length: 2 * rows }, () => uniformInteger(next, 5));
  add(
    'embedding',
    'embedding',
    {},
    ({ weight }) =>
      like([2, rows, width], (i) =>
        at(weight?.values ?? [], at(index, Math.floor(i / width)) * width + (i % width)),
      ),
    { weight: random(next, [5, width]) },
    { index: i32([2, rows], index) },
  );
  const heads = [upTo(2), upTo(3), upTo(5), upTo(4)];
  add('causal_attention', 'causal_attention', {}, attention, {
    q: random(next, heads),
    k: random(next, heads),
    v: random(next, heads),
  });
  for (const [stride, padding, kernel] of [
    [1, 1, 3],
    [2, 0, 2],
  ] as const) {
    const [samples, depth, channels, side] = [upTo(2), upTo(3), upTo(3), 4 + upTo(3)];
    add(`conv2d_s${stride}`, 'conv2d', { stride, padding }, convolution(stride, padding), {
      x: random(next, [samples, depth, side, side + 1]),
      weight: random(next, [channels, depth, kernel, kernel]),
      bias: random(next, [channels]),
    });
  }
  const image = random(next, [2, 2, 5, 7]);
  const mean = (window: readonly number[]): number => sum(window) / window.length;
  add(
    'max_pool2d',
    'max_pool2d',
    { kernel: 2, stride: 1 },
    pooling(2, 1, (w) => Math.max(...w)),
    { x: image },
  );
  add('mean_pool2d', 'avg_pool2d', { kernel: 3, stride: 2 }, pooling(3, 2, mean), { x: image });
  const target = Int32Array.from({ length: rows }, () => uniformInteger(next, width));
  add(
    'cross_entropy',
    'cross_entropy',
    {},
    crossEntropy(target),
    { logits: x },
    { target: i32([rows], target) },
  );
  made.files.set('ops.safetensors', encodeSafetensors(tensors, new Map()));
}

/** Adam with decoupled decay, in f64. */
function adamw(p: Float64Array, g: Float64Array, m: Float64Array, v: Float64Array, step: number): void {
  p.forEach((value, i) => {
    m[i] = 0.9 * at(m, i) + 0.1 * at(g, i);
    v[i] = 0.99 * at(v, i) + 0.01 * at(g, i) ** 2;
    const update = at(m, i) / (1 - 0.9 ** step) / (Math.sqrt(at(v, i) / (1 - 0.99 ** step)) + 1e-8);
    p[i] = value * (1 - 0.01 * 0.1) - 0.01 * update;
  });
}

/** A run from a loss written down in f64, by differences: small models only. */
function makeRun(
  next: RandomStream,
  made: Made,
  name: string,
  model: object,
  shapes: Readonly<Record<string, readonly number[]>>,
  data: { readonly tensors: Readonly<Record<string, Tensor>>; readonly rows: number },
  lossOf: (weights: Readonly<Record<string, Matrix>>, row: number) => number,
  clip: number | null,
): void {
  const [steps, batch] = [6, 4];
  const batches = Int32Array.from({ length: steps * batch }, () => uniformInteger(next, data.rows));
  const names = Object.keys(shapes);
  const start = names.map((key) => random(next, shapes[key] ?? []));
  let flat = Float64Array.from(start.flatMap(({ values }) => [...values].map((w) => Math.fround(0.5 * w))));
  const weightsOf = (values: Float64Array): Readonly<Record<string, Matrix>> => {
    let offset = 0;
    return Object.fromEntries(
      names.map((key) => {
        const shape = shapes[key] ?? [];
        const part = values.subarray(offset, (offset += size(shape)));
        return [key, { shape, values: part }];
      }),
    );
  };
  const tensors = new Map<string, Tensor>(Object.entries(data.tensors));
  const write = (prefix: string): void => {
    for (const [key, weight] of Object.entries(weightsOf(flat))) tensors.set(`${prefix}/${key}`, f32(weight));
  };
  write('init');
  const [m, v] = [new Float64Array(flat.length), new Float64Array(flat.length)];
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = (values: Float64Array): number =>
      sum(range(batch).map((i) => lossOf(weightsOf(values), at(batches, step * batch + i)))) / batch;
    losses.push(loss(flat));
    let gradient = differences(flat, loss);
    const norm = Math.sqrt(sum([...gradient].map((g) => g * g)));
    if (clip !== null) gradient = gradient.map((g) => g * Math.min(1, clip / (norm + 1e-6)));
    flat = flat.slice();
    adamw(flat, gradient, m, v, step + 1);
  }
  write('final');
  tensors.set('batches', i32([steps, batch], batches));
  tensors.set('losses_f64', f32({ shape: [steps], values: Float64Array.from(losses) }));
  const optimizer = { kind: 'adamw', lr: 0.01, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0.1 };
  const file = `train_${name}.safetensors`;
  made.files.set(file, encodeSafetensors(tensors, new Map()));
  made.manifest.runs.push({ name, file, optimizer, clip_grad_norm: clip, steps, model });
}

const numbered = (weights: Readonly<Record<string, Matrix>>, n: number | string) => ({
  weight: need(weights, `${n}.weight`),
  bias: need(weights, `${n}.bias`),
});

function makeRuns(next: RandomStream, made: Made): void {
  const rows = 12;
  const [features, hidden, classes] = [4 + uniformInteger(next, 3), 3 + uniformInteger(next, 3), 3];
  const y = Int32Array.from({ length: rows }, () => uniformInteger(next, classes));
  const lossAt = (logits: Matrix, label: number): number =>
    crossEntropy(Int32Array.of(label))({ logits: { ...logits, shape: [1, logits.values.length] } })
      .values[0] ?? NaN;
  const through = (name: string, x: Matrix): Matrix => ({
    ...x,
    values: x.values.map(ACTIVATIONS[name] ?? (() => NaN)),
  });

  const x = random(next, [rows, features]);
  makeRun(
    next,
    made,
    'mlp',
    { kind: 'mlp', dims: [features, hidden, classes], activation: 'gelu' },
    {
      '0.weight': [hidden, features],
      '0.bias': [hidden],
      '2.weight': [classes, hidden],
      '2.bias': [classes],
    },
    { tensors: { 'data/x': f32(x), 'data/y': i32([rows], y) }, rows },
    (weights, row) => {
      const input = { shape: [1, features], values: x.values.subarray(row * features, (row + 1) * features) };
      const wide = through('gelu', affine({ x: input, ...numbered(weights, 0) }));
      return lossAt(affine({ x: wide, ...numbered(weights, 2) }), at(y, row));
    },
    null,
  );

  const images = random(next, [rows, 1, 6, 6]);
  makeRun(
    next,
    made,
    'cnn',
    { kind: 'cnn', channels: [1, 2, 3], image: 6, classes, activation: 'tanh' },
    {
      '0.weight': [2, 1, 3, 3],
      '0.bias': [2],
      '3.weight': [3, 2, 3, 3],
      '3.bias': [3],
      '6.weight': [classes, 27],
      '6.bias': [classes],
    },
    { tensors: { 'data/x': f32(images), 'data/y': i32([rows], y) }, rows },
    (weights, row) => {
      const image = { shape: [1, 1, 6, 6], values: images.values.subarray(row * 36, (row + 1) * 36) };
      const first = through('tanh', convolution(1, 1)({ x: image, ...numbered(weights, 0) }));
      const pooled = pooling(2, 2, (w) => Math.max(...w))({ x: first });
      const second = through('tanh', convolution(1, 1)({ x: pooled, ...numbered(weights, 3) }));
      return lossAt(
        affine({ x: { shape: [1, 27], values: second.values }, ...numbered(weights, 6) }),
        at(y, row),
      );
    },
    null,
  );

  const [vocabulary, context, heads, width] = [5, 3, 2, 4];
  const tokens = Int32Array.from({ length: 20 }, () => uniformInteger(next, vocabulary));
  const block = 'transformer.h.0';
  makeRun(
    next,
    made,
    'gpt',
    { kind: 'gpt', vocab_size: vocabulary, context, width, heads, layers: 1, tied_head: true },
    {
      'transformer.wte.weight': [vocabulary, width],
      'transformer.wpe.weight': [context, width],
      [`${block}.ln_1.weight`]: [width],
      [`${block}.ln_1.bias`]: [width],
      [`${block}.attn.c_attn.weight`]: [3 * width, width],
      [`${block}.attn.c_attn.bias`]: [3 * width],
      [`${block}.attn.c_proj.weight`]: [width, width],
      [`${block}.attn.c_proj.bias`]: [width],
      [`${block}.ln_2.weight`]: [width],
      [`${block}.ln_2.bias`]: [width],
      [`${block}.mlp.c_fc.weight`]: [4 * width, width],
      [`${block}.mlp.c_fc.bias`]: [4 * width],
      [`${block}.mlp.c_proj.weight`]: [width, 4 * width],
      [`${block}.mlp.c_proj.bias`]: [width],
      'transformer.ln_f.weight': [width],
      'transformer.ln_f.bias': [width],
    },
    { tensors: { 'data/tokens': i32([20], tokens) }, rows: 20 - context },
    (weights, start) => {
      const plus = (a: Matrix, b: Matrix): Matrix => like(a.shape, (i) => at(a.values, i) + at(b.values, i));
      const wte = need(weights, 'transformer.wte.weight');
      const wpe = need(weights, 'transformer.wpe.weight');
      let stream = like([context, width], (i) => {
        const token = at(tokens, start + Math.floor(i / width));
        return at(wte.values, token * width + (i % width)) + at(wpe.values, i);
      });
      const normed = layerNorm({ x: stream, ...numbered(weights, `${block}.ln_1`) });
      const qkv = affine({ x: normed, ...numbered(weights, `${block}.attn.c_attn`) });
      const depth = width / heads;
      const part = (p: number): Matrix =>
        like([1, heads, context, depth], (i) => {
          const [head, t] = [Math.floor(i / (depth * context)), Math.floor(i / depth) % context];
          return at(qkv.values, t * 3 * width + p * width + head * depth + (i % depth));
        });
      const heard = attention({ q: part(0), k: part(1), v: part(2) });
      const joined = like([context, width], (i) => {
        const [t, head, d] = [Math.floor(i / width), Math.floor((i % width) / depth), i % depth];
        return at(heard.values, (head * context + t) * depth + d);
      });
      stream = plus(stream, affine({ x: joined, ...numbered(weights, `${block}.attn.c_proj`) }));
      const again = layerNorm({ x: stream, ...numbered(weights, `${block}.ln_2`) });
      const wide = through('gelu_tanh', affine({ x: again, ...numbered(weights, `${block}.mlp.c_fc`) }));
      stream = plus(stream, affine({ x: wide, ...numbered(weights, `${block}.mlp.c_proj`) }));
      const last = layerNorm({ x: stream, ...numbered(weights, 'transformer.ln_f') });
      const logits = affine({ x: last, weight: wte });
      return crossEntropy(tokens.subarray(start + 1, start + 1 + context))({ logits }).values[0] ?? NaN;
    },
    0.5,
  );
}

/** The files of a reference, by name. */
export function makeReference(seed: number): Map<string, Uint8Array<ArrayBuffer>> {
  const next = randomStream(seed, 0, 0);
  const made: Made = { manifest: { ops_file: 'ops.safetensors', cases: [], runs: [] }, files: new Map() };
  makeCases(next, made);
  makeRuns(next, made);
  const manifest = new TextEncoder().encode(JSON.stringify(made.manifest));
  return made.files.set('manifest.json', new Uint8Array(manifest));
}

// The peers of the matrix product: tfjs-webgpu and jax-js, at the same sizes on the same adapter. Their packages live in bench/, and
// only the few functions used here are described.

import { median } from '../median.ts';
import type { Transpose } from './report.ts';
import { checkProduct, randomFloats } from './samples.ts';

export interface PeerLibraries {
  readonly tf: TensorFlow;
  readonly jax: Jax;
}

interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface TensorFlow {
  setBackend(name: 'webgpu'): Promise<boolean>;
  ready(): Promise<void>;
  tensor2d(values: Float32Array, shape: readonly [number, number]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  slice(of: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
}

/** Every use of an array consumes it; `ref` keeps it for another. */
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
  blockUntilReady(): Promise<JaxArray>;
}

interface Jax {
  init(device: 'webgpu'): Promise<readonly string[]>;
  defaultDevice(device: 'webgpu'): string;
  jit(f: (a: JaxArray, b: JaxArray) => JaxArray): (a: JaxArray, b: JaxArray) => JaxArray;
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
  };
}

/** A product that is set up: `run` computes it so many times and resolves when the last is done. */
interface Product {
  /** How many products fit one run. */
  readonly mostTimes: number;
  run(times: number): Promise<void>;
  result(): Promise<Float32Array>;
  free(): void;
}

const REPEATS = 5;
const RUN_MS = 60;
const MOST_PRODUCTS = 200;
/** What products that are kept may take. */
const KEPT_BYTES = 512 * 1024 * 1024;

export async function createPeers({ tf, jax }: PeerLibraries) {
  await tf.setBackend('webgpu');
  await tf.ready();
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const peers = { 'tfjs-webgpu': tensorFlow(tf), 'jax-js': jaxJs(jax) };

  return async (size: number, transpose: Transpose): Promise<Record<string, number>> => {
    const [a, b] = [randomFloats(size * size, 1), randomFloats(size * size, 2)];
    const times: Record<string, number> = {};
    for (const [name, create] of Object.entries(peers)) {
      const product = create(size, transpose, a, b);
      times[name] = await time(product);
      checkProduct(size, transpose, a, b, await product.result());
      product.free();
    }
    return times;
  };
}

/** Milliseconds of one product: the median of several runs of many, after one that compiles. */
async function time(product: Product): Promise<number> {
  const once = async (times: number): Promise<number> => {
    const start = performance.now();
    await product.run(times);
    return (performance.now() - start) / times;
  };
  await once(1);
  const wanted = Math.round(RUN_MS / Math.max(await once(Math.min(2, product.mostTimes)), 0.01));
  const times = Math.max(1, Math.min(MOST_PRODUCTS, product.mostTimes, wanted));
  const timings: number[] = [];
  for (let i = 0; i < REPEATS; i++) timings.push(await once(times));
  return median(timings);
}

const tensorFlow =
  (tf: TensorFlow) =>
  (size: number, transpose: Transpose, a: Float32Array, b: Float32Array): Product => {
    const [left, right] = [tf.tensor2d(a, [size, size]), tf.tensor2d(b, [size, size])];
    let last: Tensor | undefined;
    return {
      mostTimes: MOST_PRODUCTS,
      async run(times) {
        for (let i = 0; i < times; i++) {
          last?.dispose();
          last = tf.matMul(left, right, transpose === 'TN', transpose === 'NT');
        }
        if (last === undefined) return;
        // What it has queued is submitted when something is read: one element, which waits for all before it.
        const corner = tf.slice(last, [0, 0], [1, 1]);
        await corner.data();
        corner.dispose();
      },
      async result() {
        if (last === undefined) throw new RangeError('Nothing was computed yet.');
        return last.data();
      },
      free() {
        for (const tensor of [last, left, right]) tensor?.dispose();
      },
    };
  };

const jaxJs =
  (jax: Jax) =>
  (size: number, transpose: Transpose, a: Float32Array, b: Float32Array): Product => {
    const [left, right] = [a, b].map((values) => jax.numpy.array(values).reshape([size, size]));
    if (left === undefined || right === undefined) throw new RangeError('Expected two operands.');
    const multiply = jax.jit((x, y) =>
      jax.numpy.matmul(transpose === 'TN' ? x.transpose() : x, transpose === 'NT' ? y.transpose() : y),
    );
    // Products are computed only when somebody waits for them: all are kept until then, since a discarded one would cost nothing.
    let results: readonly JaxArray[] = [];
    return {
      mostTimes: Math.max(1, Math.floor(KEPT_BYTES / (4 * size * size))),
      async run(times) {
        for (const array of results) array.dispose();
        results = Array.from({ length: times }, () => multiply(left.ref, right.ref));
        await Promise.all(results.map((array) => array.blockUntilReady()));
      },
      async result() {
        const [first] = results;
        if (first === undefined) throw new RangeError('Nothing was computed yet.');
        return first.ref.data();
      },
      free() {
        for (const array of [...results, left, right]) array.dispose();
      },
    };
  };

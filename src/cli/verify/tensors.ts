// Tensors of a reference's file, by name, type and shape. What is not as it should be is told with the file's name.

import { FormatError } from '../../checkpoint/format-error.ts';
import { decodeSafetensors, type Dtype, type TensorFile } from '../../checkpoint/safetensors.ts';
import { UsageError } from '../errors.ts';

export interface Floats {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

export interface Integers {
  readonly shape: readonly number[];
  readonly values: Int32Array<ArrayBuffer>;
}

/** `null` in an expected shape stands for any length. */
export type ExpectedShape = readonly (number | null)[];

export interface Tensors {
  /** Where they come from, for messages. */
  readonly path: string;
  has(name: string): boolean;
  names(prefix: string): readonly string[];
  /** An F32 tensor of finite numbers. Throws a `UsageError`. */
  floats(name: string, shape?: ExpectedShape): Floats;
  /** An I32 tensor of numbers from 0 to `below` − 1. Throws a `UsageError`. */
  integers(name: string, below: number, shape?: ExpectedShape): Integers;
}

export function malformed(path: string, what: string): never {
  throw new UsageError(`${path}: ${what}`);
}

const shapeText = (shape: ExpectedShape): string => `[${shape.map((length) => length ?? 'any').join(', ')}]`;

export function openTensors(path: string, bytes: Uint8Array<ArrayBuffer>): Tensors {
  const file = decode(path, bytes);

  const take = (name: string, dtype: Dtype, expected: ExpectedShape | undefined) => {
    const wanted = `${dtype}${expected === undefined ? '' : ` ${shapeText(expected)}`}`;
    const tensor = file.tensors.get(name);
    if (tensor === undefined) return malformed(path, `expected a tensor "${name}" (${wanted}), found none.`);
    const { shape } = tensor;
    if (shape.includes(0)) {
      malformed(
        path,
        `tensor "${name}": expected at least one element, found the shape ${shapeText(shape)}.`,
      );
    }
    const fits =
      expected === undefined ||
      (shape.length === expected.length &&
        expected.every((length, i) => length === null || length === shape[i]));
    if (tensor.dtype !== dtype || !fits) {
      malformed(path, `tensor "${name}": expected ${wanted}, found ${tensor.dtype} ${shapeText(shape)}.`);
    }
    return { shape, bytes: tensor.data.slice().buffer };
  };

  return {
    path,
    has: (name) => file.tensors.has(name),
    names: (prefix) => [...file.tensors.keys()].filter((name) => name.startsWith(prefix)),

    floats(name, expected) {
      const { shape, bytes: buffer } = take(name, 'F32', expected);
      const values = new Float32Array(buffer);
      const strange = values.find((value) => !Number.isFinite(value));
      if (strange !== undefined)
        malformed(path, `tensor "${name}": expected finite numbers, found ${strange}.`);
      return { shape, values };
    },

    integers(name, below, expected) {
      const { shape, bytes: buffer } = take(name, 'I32', expected);
      const values = new Int32Array(buffer);
      const strange = values.find((value) => value < 0 || value >= below);
      if (strange !== undefined)
        malformed(path, `tensor "${name}": expected numbers from 0 to ${below - 1}, found ${strange}.`);
      return { shape, values };
    },
  };
}

function decode(path: string, bytes: Uint8Array<ArrayBuffer>): TensorFile {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof FormatError) return malformed(path, error.message);
    throw error;
  }
}

// The safetensors format: named tensors as raw little-endian bytes behind a JSON header that says where each one lies.
//
// Written from https://huggingface.co/docs/safetensors (format) and the rules of its reference reader: 8 bytes of header
// length, the header, then one buffer that the tensors cover without a hole or an overlap. What the reference reader
// refuses is refused here; nothing is ever allocated from a size that a file merely claims.

import { FormatError } from './format-error.ts';
import { checkHeaderText } from './header-text.ts';

/** Bytes in one element of each supported type. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

export interface Tensor {
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Little-endian elements. A decoded tensor's is a view into the file. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reference reader's limit. */
export const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';
/** The data starts at a multiple of this many bytes, so that every type can be viewed in place. */
const ALIGNMENT = 8;
const LENGTH_BYTES = 8;

const quoted = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

const shapeText = (shape: readonly number[]): string =>
  `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`;

/** Half a surrogate pair is valid JSON once escaped and not valid text: the reference reader refuses it. */
const isText = (name: string): boolean => !/\p{Surrogate}/u.test(name);

/** Number of elements, or undefined where the product cannot be held exactly. */
function elements(shape: readonly number[]): number | undefined {
  let product = 1;
  for (const extent of shape) {
    product *= extent;
    if (!Number.isSafeInteger(product) || product < 0) return undefined;
  }
  return product;
}

/**
 * Writes a file. Larger element types come first (as the reference writer does it), so that each tensor is aligned to its
 * own element; within a type the given order is kept.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const order = [...tensors].sort(([, a], [, b]) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype]);
  const entries: [string, unknown][] = [];
  for (const [key, value] of metadata) {
    if (!isText(key) || !isText(value)) {
      throw new FormatError(
        'header',
        `The metadata under ${quoted(key)} holds half a surrogate pair: write whole characters.`,
      );
    }
  }
  if (metadata.size > 0) entries.push([METADATA, plainObject(metadata)]);

  let end = 0;
  for (const [name, tensor] of order) {
    if (name === METADATA || !isText(name)) {
      throw new FormatError('header', `A tensor cannot be named ${quoted(name)}: choose another name.`);
    }
    const begin = end;
    end += tensor.data.byteLength;
    const expected = bytesOf(name, tensor.dtype, tensor.shape);
    if (expected !== tensor.data.byteLength) {
      throw new FormatError(
        'shape',
        `Tensor ${quoted(name)} of ${tensor.dtype}${shapeText(tensor.shape)} needs ${expected} bytes and was given ${tensor.data.byteLength}.`,
      );
    }
    entries.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] }]);
  }

  // Written entry by entry, since an object would move keys such as "0" to the front and lose "__proto__".
  const header = new TextEncoder().encode(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
  );
  const padded = Math.ceil(header.length / ALIGNMENT) * ALIGNMENT;
  if (padded > MAX_HEADER_BYTES) {
    throw new FormatError(
      'size',
      `The header would take ${padded} bytes; the format allows ${MAX_HEADER_BYTES}: shorten the metadata.`,
    );
  }
  const file = new Uint8Array(LENGTH_BYTES + padded + end);
  new DataView(file.buffer).setUint32(0, padded, true);
  file.set(header, LENGTH_BYTES);
  file.fill(0x20, LENGTH_BYTES + header.length, LENGTH_BYTES + padded);
  let at = LENGTH_BYTES + padded;
  for (const [, tensor] of order) {
    file.set(tensor.data, at);
    at += tensor.data.byteLength;
  }
  return file;
}

/** Reads a file. The tensors are views into `bytes`. Throws a `FormatError`, and nothing else, whatever the bytes are. */
export function decodeSafetensors(bytes: Uint8Array<ArrayBuffer>): TensorFile {
  const { header, dataStart } = readHeader(bytes);
  const data = bytes.subarray(dataStart);
  const metadata = new Map<string, string>();
  const found: { name: string; dtype: Dtype; shape: readonly number[]; begin: number; end: number }[] = [];

  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) {
      for (const [key, value] of Object.entries(record(entry, 'the metadata'))) {
        if (typeof value !== 'string') {
          throw new FormatError(
            'header',
            `The metadata under ${quoted(key)} is not a string: only strings are allowed there.`,
          );
        }
        if (!isText(key) || !isText(value)) {
          throw new FormatError(
            'header',
            `The metadata under ${quoted(key)} holds half a surrogate pair: the file is damaged.`,
          );
        }
        metadata.set(key, value);
      }
      continue;
    }
    if (!isText(name))
      throw new FormatError(
        'header',
        `The tensor name ${quoted(name)} holds half a surrogate pair: the file is damaged.`,
      );
    const { dtype, shape, data_offsets: offsets, ...rest } = record(entry, `tensor ${quoted(name)}`);
    const [extra] = Object.keys(rest);
    if (extra !== undefined) {
      throw new FormatError(
        'header',
        `Tensor ${quoted(name)} has an unknown field ${quoted(extra)}: expected dtype, shape and data_offsets.`,
      );
    }
    if (!isDtype(dtype)) {
      throw new FormatError(
        'dtype',
        `Tensor ${quoted(name)} has the dtype ${quoted(String(dtype))}: expected one of ${Object.keys(DTYPE_BYTES).join(', ')}.`,
      );
    }
    if (!isCounts(shape))
      throw new FormatError('shape', `Tensor ${quoted(name)} has no valid shape: expected whole numbers.`);
    const [begin, end, third] = isCounts(offsets) ? offsets : [];
    if (begin === undefined || end === undefined || third !== undefined) {
      throw new FormatError(
        'offsets',
        `Tensor ${quoted(name)} has no valid data_offsets: expected [begin, end] in bytes.`,
      );
    }
    const expected = bytesOf(name, dtype, shape);
    if (end - begin !== expected) {
      throw new FormatError(
        'offsets',
        `Tensor ${quoted(name)} of ${dtype}${shapeText(shape)} needs ${expected} bytes; its data_offsets [${begin}, ${end}] give ${end - begin}.`,
      );
    }
    found.push({ name, dtype, shape, begin, end });
  }

  let covered = 0;
  for (const { name, begin, end } of [...found].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      throw new FormatError(
        'offsets',
        `Tensor ${quoted(name)} begins at byte ${begin} of the data, ${begin < covered ? 'inside another tensor' : 'after a hole'}: expected ${covered}.`,
      );
    }
    covered = end;
  }
  if (covered !== data.byteLength) {
    throw new FormatError(
      covered > data.byteLength ? 'truncated' : 'offsets',
      `The header describes ${covered} bytes of tensors and the file holds ${data.byteLength}: it is cut short or damaged.`,
    );
  }

  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of found)
    tensors.set(name, { dtype, shape, data: data.subarray(begin, end) });
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array<ArrayBuffer>): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.byteLength < LENGTH_BYTES) {
    throw new FormatError(
      'truncated',
      `A safetensors file begins with 8 bytes of header length; this one has ${bytes.byteLength} bytes in all.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError(
      'size',
      `The header claims ${length} bytes; the format allows ${MAX_HEADER_BYTES}: this is no safetensors file.`,
    );
  }
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > bytes.byteLength) {
    throw new FormatError(
      'truncated',
      `The header claims ${length} bytes and ${bytes.byteLength - LENGTH_BYTES} follow: the file is cut short.`,
    );
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(LENGTH_BYTES, dataStart),
    );
    checkHeaderText(text);
    return { header: record(JSON.parse(text), 'the header'), dataStart };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(
      'header',
      'The header is not JSON text in UTF-8: this is no safetensors file, or it is damaged.',
      { cause: error },
    );
  }
}

function bytesOf(name: string, dtype: Dtype, shape: readonly number[]): number {
  const count = elements(shape);
  const bytes = count === undefined ? Number.NaN : count * DTYPE_BYTES[dtype];
  if (!Number.isSafeInteger(bytes)) {
    throw new FormatError(
      'size',
      `Tensor ${quoted(name)} has the shape ${shapeText(shape)}, larger than any file can be.`,
    );
  }
  return bytes;
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new FormatError('header', `Expected ${what} to be a JSON object: the file is damaged.`);
}

const isDtype = (value: unknown): value is Dtype =>
  typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** An object whose keys may be anything, `__proto__` included. */
const plainObject = (entries: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(entries);

// The safetensors codec: what it writes it reads, what the format forbids it refuses, and no bytes make it throw anything else.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../src/checkpoint/format-error.ts';
import type { FormatFault } from '../../../src/checkpoint/format-error.ts';
import { DTYPE_BYTES, decodeSafetensors, encodeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import type { Dtype, Tensor } from '../../../src/checkpoint/safetensors.ts';

/** A file with this header text and this many bytes of data. */
function fileOf(header: string, dataBytes: number, claimed?: bigint): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

function faultOf(bytes: Uint8Array<ArrayBuffer>): FormatFault | undefined {
  try {
    decodeSafetensors(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.fault;
    throw error;
  }
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 12 });
const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(DTYPE_BYTES) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1) * DTYPE_BYTES[dtype];
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ dtype, shape, data: new Uint8Array(data) }));
  });
const name = fc
  .oneof(wellFormed, fc.constantFrom('__proto__', 'constructor', '0', '1'))
  .filter((text) => text !== '__metadata__');
const file = fc.record({
  tensors: fc.array(fc.tuple(name, tensor), { maxLength: 6 }).map((entries) => new Map(entries)),
  metadata: fc.array(fc.tuple(name, wellFormed), { maxLength: 4 }).map((entries) => new Map(entries)),
});

describe('a safetensors file', () => {
  test('reads back as what was written', () => {
    fc.assert(
      fc.property(file, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        const read = decodeSafetensors(bytes);
        expect(new Map([...read.metadata].sort())).toEqual(new Map([...metadata].sort()));
        expect(read.tensors.size).toBe(tensors.size);
        for (const [key, expected] of tensors) expect(read.tensors.get(key)).toEqual(expected);
      }),
    );
  });

  test('holds its data at a multiple of 8 bytes, and each tensor aligned to its own element', () => {
    fc.assert(
      fc.property(file, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        expect(header % 8).toBe(0);
        for (const { dtype, data } of decodeSafetensors(bytes).tensors.values())
          expect(data.byteOffset % DTYPE_BYTES[dtype]).toBe(0);
      }),
    );
  });

  test('is written byte for byte as the format describes it', () => {
    const bytes = encodeSafetensors(
      new Map<string, Tensor>([['a', { dtype: 'U8', shape: [2], data: new Uint8Array([7, 9]) }]]),
      new Map([['k', 'v']]),
    );
    const header = '{"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}';
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(80n);
    expect(new TextDecoder().decode(bytes.subarray(8, 88))).toBe(header.padEnd(80));
    expect([...bytes.subarray(88)]).toEqual([7, 9]);
  });

  test('is refused with the fault that it has', () => {
    const one = (fields: string): string => `{"a":{${fields}}}`;
    const cases: [string, Uint8Array<ArrayBuffer>, FormatFault][] = [
      ['empty', new Uint8Array(0), 'truncated'],
      ['seven bytes', new Uint8Array(7), 'truncated'],
      ['header longer than the file', fileOf('{}', 0, 3n), 'truncated'],
      ['header longer than the format allows', fileOf('{}', 0, 100_000_001n), 'size'],
      ['header length of 2^64 - 1', fileOf('{}', 0, 2n ** 64n - 1n), 'size'],
      ['no header', fileOf('', 0), 'header'],
      ['leading blank', fileOf(' {}', 0), 'header'],
      ['not JSON', fileOf('{"a"', 0), 'header'],
      ['text behind the header', fileOf('{}{}', 0), 'header'],
      ['not UTF-8', fileOf('{"\u00ff"}', 0).with(10, 0xff), 'header'],
      ['deep nesting', fileOf('{"a":' + '['.repeat(100_000), 0), 'header'],
      [
        'a tensor twice',
        fileOf(
          `{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061"   :{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
          0,
        ),
        'duplicate',
      ],
      [
        'a field twice',
        fileOf(one('"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]'), 0),
        'duplicate',
      ],
      ['a key of the metadata twice', fileOf('{"__metadata__":{"a":"b","a":"c"}}', 0), 'duplicate'],
      ['unknown field', fileOf(one('"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1'), 0), 'header'],
      ['metadata that is no object', fileOf('{"__metadata__":[]}', 0), 'header'],
      ['metadata that is no string', fileOf('{"__metadata__":{"a":1}}', 0), 'header'],
      ['half a surrogate pair', fileOf('{"__metadata__":{"a":"\\ud800"}}', 0), 'header'],
      ['unknown dtype', fileOf(one('"dtype":"F31","shape":[0],"data_offsets":[0,0]'), 0), 'dtype'],
      ['inherited dtype', fileOf(one('"dtype":"toString","shape":[0],"data_offsets":[0,0]'), 0), 'dtype'],
      ['no dtype', fileOf(one('"shape":[0],"data_offsets":[0,0]'), 0), 'dtype'],
      ['negative extent', fileOf(one('"dtype":"U8","shape":[-1],"data_offsets":[0,0]'), 0), 'header'],
      ['fractional extent', fileOf(one('"dtype":"U8","shape":[1.5],"data_offsets":[0,0]'), 0), 'header'],
      ['no shape', fileOf(one('"dtype":"U8","data_offsets":[0,0]'), 0), 'shape'],
      [
        'absurd shape',
        fileOf(one('"dtype":"U8","shape":[9007199254740991,9007199254740991],"data_offsets":[0,0]'), 0),
        'size',
      ],
      ['one offset', fileOf(one('"dtype":"U8","shape":[0],"data_offsets":[0]'), 0), 'offsets'],
      ['three offsets', fileOf(one('"dtype":"U8","shape":[0],"data_offsets":[0,0,0]'), 0), 'offsets'],
      ['offsets backwards', fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), 1), 'offsets'],
      [
        'offsets that do not fit the shape',
        fileOf(one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), 4),
        'offsets',
      ],
      ['a hole', fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), 2), 'offsets'],
      [
        'an overlap',
        fileOf(
          '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
          3,
        ),
        'offsets',
      ],
      ['bytes that no tensor covers', fileOf('{}', 1), 'offsets'],
      ['data cut short', fileOf(one('"dtype":"U8","shape":[2],"data_offsets":[0,2]'), 1), 'truncated'],
    ];
    expect(cases.map(([what, bytes]) => [what, faultOf(bytes)])).toEqual(
      cases.map(([what, , fault]) => [what, fault]),
    );
  });

  test('that is random, cut or mutated throws a FormatError or reads, and nothing else', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void faultOf(new Uint8Array(bytes))));
    fc.assert(fc.property(fc.string(), (text) => void faultOf(fileOf(text, 0))));
    fc.assert(
      fc.property(
        file,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        fc.nat(),
        ({ tensors, metadata }, mutations, cut) => {
          const bytes = encodeSafetensors(tensors, metadata);
          const length = cut % (bytes.length + 1);
          if (length < bytes.length) expect(faultOf(bytes.slice(0, length))).toBeDefined();
          for (const [at, value] of mutations) bytes[at % bytes.length] = value;
          faultOf(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('allocates nothing for what a header claims: its tensors are views into the file', () => {
    const bytes = encodeSafetensors(
      new Map([['a', { dtype: 'U8' as const, shape: [3], data: new Uint8Array(3) }]]),
      new Map(),
    );
    expect(decodeSafetensors(bytes).tensors.get('a')?.data.buffer).toBe(bytes.buffer);
  });

  test('is not written when data and shape disagree, or under a reserved or broken name', () => {
    const data = new Uint8Array(3);
    const encodeOne = (name: string, shape: number[]): unknown =>
      encodeSafetensors(new Map([[name, { dtype: 'U8' as const, shape, data }]]), new Map());
    expect(() => encodeOne('a', [4])).toThrow(FormatError);
    expect(() => encodeOne('__metadata__', [3])).toThrow(FormatError);
    expect(() => encodeOne('\ud800', [3])).toThrow(FormatError);
    expect(() => encodeSafetensors(new Map(), new Map([['a', '\udc00']]))).toThrow(FormatError);
  });
});

// Reads the safetensors format (f32, f64, i32 and i64 tensors), as the reference runs are stored.

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Int32Array;
}

interface Header {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

function decode(dtype: string, bytes: ArrayBuffer): Tensor['values'] {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes);
    case 'F64':
      return new Float64Array(bytes);
    case 'I32':
      return new Int32Array(bytes);
    case 'I64':
      return Int32Array.from(new BigInt64Array(bytes), Number);
    default:
      throw new Error(`A safetensors file holds ${dtype}, which this reader does not know.`);
  }
}

/** Layout: u64 header length, JSON header, data. */
export function readSafetensors(file: Uint8Array): Map<string, Tensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<string, Header>;
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets: [from, to] = [0, 0] }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    tensors.set(name, {
      shape,
      values: decode(dtype, new Uint8Array(file.subarray(8 + length + from, 8 + length + to)).buffer),
    });
  }
  return tensors;
}

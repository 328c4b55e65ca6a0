// What is thrown for bytes that are not a safetensors file, or for tensors that cannot be written as one.

export type FormatFault = 'truncated' | 'header' | 'dtype' | 'shape' | 'offsets' | 'duplicate' | 'size';

export class FormatError extends Error {
  override readonly name = 'FormatError';
  constructor(
    readonly fault: FormatFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

// The interface to the data: random access to samples, so that a batch is a pure function of the job and the step.

/** Row-major, one sample after the other: f32[count, …shape], or numbers of tokens, i32[count, …shape]. */
export type Inputs = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

export interface Samples {
  readonly inputs: Inputs;
  /** i32[count, positions]: class numbers. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** A row among those asked for that is bad, by a loader that tells one from the others: its labels are `LEFT_OUT`, its inputs zeros. */
  readonly bad?: number | undefined;
}

/** The label of a sample that counts for nothing: no loss, no gradient, no prediction. */
export const LEFT_OUT = -1;

/** What one sample looks like: all that a model has to fit. */
export interface SampleFormat {
  /** `tokens`: inputs are i32, each from 0 to `classes` − 1. */
  readonly type: 'f32' | 'tokens';
  /** Dimensions of an input: [1, 28, 28] for an image (channels, height, width), [context] for a text. */
  readonly shape: readonly number[];
  /** Labels in a sample: 1 for a classifier, `context` for a language model. */
  readonly positions: number;
  /** What a label can be; of a text, its vocabulary. */
  readonly classes: number;
}

/** Numbers in the input of one sample. */
export const inputLength = ({ shape }: Pick<SampleFormat, 'shape'>): number =>
  shape.reduce((product, length) => product * length, 1);

export type Split = 'train' | 'test';

export interface Loader {
  readonly format: SampleFormat;
  /** Samples in each split. */
  readonly sizes: Readonly<Record<Split, number>>;
  /** Rows by number, in the order asked for. Rejects with a `LoaderError`. */
  load(split: Split, rows: Int32Array): Promise<Samples>;
  /** These rows are likely to be asked for next. Costs nothing where it is not wanted. */
  readonly expect?: ((split: Split, rows: Int32Array) => void) | undefined;
}

export class LoaderError extends Error {
  override readonly name = 'LoaderError';
}

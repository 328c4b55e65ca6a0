// The interface to the data: random access to samples, so that a batch is a pure function of the job and the step.

export interface Samples {
  /** f32[count, features] */
  readonly inputs: Float32Array<ArrayBuffer>;
  /** i32[count], class numbers */
  readonly labels: Int32Array<ArrayBuffer>;
}

export type Split = 'train' | 'test';

export interface Loader {
  /** Samples in each split. */
  readonly sizes: Readonly<Record<Split, number>>;
  readonly features: number;
  readonly classes: number;
  /** Rows by number, in the order asked for. Rejects with a `LoaderError`. */
  load(split: Split, rows: Int32Array): Promise<Samples>;
}

export class LoaderError extends Error {
  override readonly name = 'LoaderError';
}

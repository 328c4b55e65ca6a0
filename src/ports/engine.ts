// The interface to the arithmetic: what a rank asks of the CPU engine, the WebGPU engine and the simulated ones.

import type { Job } from '../job/job.ts';
import type { StateHash } from './ids.ts';
import type { Inputs, Split } from './loader.ts';

export type EngineKind = 'cpu' | 'webgpu';

/** `native`: the engine's own arithmetic. `portable`: IEEE f32 on the CPU, the same bits everywhere. */
export type UpdateMode = 'native' | 'portable';

export interface EngineDescription {
  readonly kind: EngineKind;
  /** Adapter as a person would name it, such as "SwiftShader (software)" or "TypeScript on the CPU". */
  readonly adapter: string;
  readonly software: boolean;
  /** Why this engine runs and not another, in one sentence. */
  readonly reason: string;
}

/** One tensor of a model, in its place in the contiguous arrays. */
export interface ParameterTensor {
  /** PyTorch's name for it: `0.weight` of a sequential model, nanoGPT's names for a GPT. */
  readonly name: string;
  /** Row-major, as PyTorch has it: linear weights are [out, in], those of convolutions [out, in, height, width]. */
  readonly shape: readonly number[];
  /** First element in the contiguous arrays. */
  readonly offset: number;
  readonly length: number;
}

/** Everything that `F(state, batch)` reads and writes, besides the job. Tensors are contiguous, in the model's parameter order. */
export interface TrainingState {
  /** Number of optimizer updates applied so far. */
  readonly step: number;
  /** f32[P] */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** f32[P], AdamW's first moments, or what SGD's momentum carries on */
  readonly firstMoments: Float32Array<ArrayBuffer>;
  /** f32[P], AdamW's second moments; f32[0] for SGD */
  readonly secondMoments: Float32Array<ArrayBuffer>;
  /** i32[T], the fixed-point exponent of each tensor for the next step: |gradient| < 2^exponent */
  readonly exponents: Int32Array<ArrayBuffer>;
  /** f32[2], AdamW's β₁^step and β₂^step; f32[0] for SGD */
  readonly powers: Float32Array<ArrayBuffer>;
  /** i32[Q], ascending: rows of the training split that are left out wherever they come up. */
  readonly quarantine: Int32Array<ArrayBuffer>;
}

export interface ContributionRequest {
  /** Index of the step to contribute to; must equal the state's `step`. */
  readonly step: number;
  /** Which of the job's M micro-batches to compute, ascending; may be empty (then the contribution is all zeros). */
  readonly microBatches: readonly number[];
  /** i32[T]: replaces the state's exponents when a step is redone after an overflow. */
  readonly exponents?: Int32Array | undefined;
  /** Rows that are left out besides the state's, since a step is redone without them. */
  readonly quarantined?: readonly number[] | undefined;
  /**
   * The rank is alone: what it contributes, all micro-batches, is the whole sum. The engine may then keep the gradient to itself, and
   * its lanes come back as zeros; the side lanes are there.
   */
  readonly alone?: boolean | undefined;
}

/** Takes over the lanes of a bucket, i32[end − start]. */
export type DeliverBucket = (bucket: number, lanes: Int32Array<ArrayBuffer>) => void;

export interface ApplyRequest {
  readonly step: number;
  /** The all-reduced lanes (see collective/lanes.ts). Not modified. */
  readonly reduced: Int32Array;
  readonly mode: UpdateMode;
  /** The exponents that the contributions used, where the step was redone. */
  readonly exponents?: Int32Array | undefined;
  /** Rows that this step was redone without: the state's from now on. */
  readonly quarantined?: readonly number[] | undefined;
  /** `reduced` is what the last contribution, of a rank alone, came back as. */
  readonly alone?: boolean | undefined;
}

export interface Evaluation {
  /** One for each held-out sample of a classifier, one for each of its positions of a language model. */
  readonly predictions: number;
  readonly correct: number;
  /** Mean cross-entropy over them. */
  readonly loss: number;
}

export interface PredictRequest {
  /** One or more samples in the format of the job's data set, at most `MAX_PREDICTIONS` of them. Not modified. */
  readonly inputs: Inputs;
  /** Which of a sample's predictions is wanted: 0 of a classifier; of a language model, that after the token with this index. */
  readonly position: number;
}

/** Samples in one `PredictRequest`. */
export const MAX_PREDICTIONS = 1024;

export interface EngineMemory {
  readonly buffers: number;
  readonly bytes: number;
}

/** What a job takes on a device with limits, estimated before anything is allocated. */
export interface Preflight {
  /** Bytes of the state and of one pass. */
  readonly bytes: number;
  /** Slices computed at a time; a step has two for each micro-batch. */
  readonly slicesPerPass: number;
  readonly largestBuffer: { readonly name: string; readonly bytes: number };
  /** Bytes that one buffer may have. */
  readonly bufferLimit: number;
  /** Samples in the largest micro-batch whose buffers fit. */
  readonly largestMicroBatch: number;
}

/** A copy of the state as it was when it was made; later calls do not change it. */
export interface StateSnapshot {
  /** Once. It may be read while other calls run, and takes nothing from them but what the copy back takes of the device. */
  read(): Promise<TrainingState>;
}

/** One rank's arithmetic. Calls do not overlap: the caller awaits one before the next. */
export interface Engine {
  readonly description: EngineDescription;
  readonly job: Job;
  /** Samples in each split of the job's data. */
  readonly samples: Readonly<Record<Split, number>>;
  /** Settles only when the engine is gone for good (GPU device lost); never rejects. */
  readonly lost: Promise<EngineError>;
  /** Back to the state before step 0, which is a pure function of the job. */
  reset(): Promise<StateHash>;
  /** i32[lanes.length]: the sum over the given micro-batches, and their side lanes. */
  contribute(request: ContributionRequest): Promise<Int32Array<ArrayBuffer>>;
  /** The same bucket by bucket (see collective/buckets.ts), each as soon as it is whole and known to be right, in their order. */
  contributeInBuckets(request: ContributionRequest, deliver: DeliverBucket): Promise<void>;
  /** Advances the state by one step and returns the new state's hash. */
  apply(request: ApplyRequest): Promise<StateHash>;
  hash(): Promise<StateHash>;
  exportState(): Promise<TrainingState>;
  /** Copies the state where it is, on the GPU that holds it, so that the next step can begin at once. */
  snapshot(): Promise<StateSnapshot>;
  importState(state: TrainingState): Promise<StateHash>;
  evaluate(): Promise<Evaluation>;
  /**
   * f32[count, classes]: the logits that the state as it is gives at one position of each sample. Changes nothing. A language model
   * is causal, so that tokens after the position may be anything within the vocabulary.
   */
  predict(request: PredictRequest): Promise<Float32Array<ArrayBuffer>>;
  /** Hash of a probe step's bits: equal on two engines whose arithmetic agrees. Leaves the state as it was. */
  fingerprint(): Promise<string>;
  memory(): EngineMemory;
  /** Undefined where memory has no limits that are known. */
  readonly preflight?: Preflight | undefined;
  destroy(): void;
}

export type EngineFault =
  'out-of-memory' | 'device-lost' | 'validation' | 'internal' | 'loader' | 'bad-state' | 'unavailable';

/** What an engine throws. The message says what was expected, what was found and what to do. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  constructor(
    readonly fault: EngineFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

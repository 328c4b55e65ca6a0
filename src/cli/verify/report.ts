// What `rankfall verify` says: the JSON contract of the command.

export interface CaseResult {
  readonly name: string;
  /** The largest error, relative to the scale of the expected tensor. */
  readonly maxError: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

export interface RunResult {
  readonly name: string;
  readonly steps: number;
  readonly maxRelativeLossError: number;
  /** The largest difference of a weight after the run; a GPT's key biases are left out (see runs.ts). */
  readonly maxFinalWeightError: number;
  readonly ok: boolean;
}

export interface VerifyReport {
  readonly engine: 'cpu' | 'webgpu' | 'dawn';
  readonly adapter: string;
  readonly cases: readonly CaseResult[];
  readonly runs: readonly RunResult[];
  readonly ok: boolean;
}

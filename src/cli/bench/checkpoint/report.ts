// What the checkpoint benchmark tells.

export interface CheckpointRow {
  readonly mib: number;
  /** From the step boundary until the checkpoint has been written, read back and verified. */
  readonly saveMs: number;
  /** Of these, what the next training step waits for. */
  readonly heldUpMs: number;
  /** From the store into an engine that can go on. */
  readonly loadMs: number;
  /** Every piece read and hashed. */
  readonly verifyMs: number;
}

export interface CheckpointReport {
  readonly engine: string;
  readonly adapter: string;
  readonly rows: readonly CheckpointRow[];
  /** Tasks of the page's thread that kept it from answering (over 50 ms), all together. */
  readonly pageBlockedMs: number;
  /** The digits job: what a save holds up, and the share of the time that this is at the automatic interval. */
  readonly digits: {
    readonly saveMs: number;
    readonly heldUpMs: number;
    readonly stepMs: number;
    readonly mtbfSeconds: number;
    readonly automaticMs: number;
    readonly overheadShare: number;
  };
}

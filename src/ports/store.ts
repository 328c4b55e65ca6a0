// The interfaces to what outlives a page: a seat's ballots, and checkpoints.

import type { GenerationId, IncarnationId, JobHash, SeatId, StateHash } from './ids.ts';

/**
 * A seat's ballots, in a database of their own (a tab stopped inside a transaction blocks other stores of its database).
 * The record is opaque to the store: the protocol writes and reads it (validated on reading).
 */
export interface BallotStore {
  load(seat: SeatId): Promise<unknown>;
  /** Resolves once the record is durable. */
  save(seat: SeatId, record: unknown): Promise<void>;
  delete(seat: SeatId): Promise<void>;
}

/** Where a checkpoint stands in history: ordered by incarnation depth, then generation, then step, as in `compareCheckpoints`. */
export interface CheckpointKey {
  /** The name under which it is kept, the "checkpoint path": that of the room, or one that a person gave. */
  readonly room: string;
  readonly generation: GenerationId;
  readonly step: number;
}

export interface CheckpointSummary extends CheckpointKey {
  readonly id: string;
  readonly jobHash: JobHash;
  readonly stateHash: StateHash;
  readonly bytes: number;
  /** Milliseconds since the epoch, by the writer's clock; shown, never compared. */
  readonly savedAt: number;
  readonly pinned: boolean;
  /** What the last reading of it showed. */
  readonly standing: Standing;
}

/** `unverified`: it was written, and not read back yet. */
export type Standing = 'unverified' | 'verified' | 'corrupt';

/** What is saved beside the tensors: loss history, epoch, metric history, ledger. JSON-able. */
export type CheckpointNotes = Readonly<Record<string, unknown>>;

export interface CheckpointRecord {
  readonly summary: CheckpointSummary;
  /** The whole state as one safetensors file, header included. */
  readonly file: Uint8Array<ArrayBuffer>;
}

export interface SkippedCheckpoint {
  readonly summary: CheckpointSummary;
  /** Why it was not loaded, in one sentence. */
  readonly reason: string;
}

export interface CheckpointStore {
  /**
   * Saves atomically: pieces, then a manifest, in one strict transaction that first reads the newest stored generation of
   * the same room and incarnation and aborts with `StoreError('fenced')` when it is newer. Returns only when read back.
   */
  save(
    key: CheckpointKey,
    jobHash: JobHash,
    stateHash: StateHash,
    file: Uint8Array<ArrayBuffer>,
  ): Promise<CheckpointSummary>;
  /** Newest first. */
  list(room: string): Promise<readonly CheckpointSummary[]>;
  /** Verifies every piece. Rejects with `StoreError('corrupt' | 'missing')`. */
  load(id: string): Promise<CheckpointRecord>;
  /** The newest that verifies and belongs to the job, and what was skipped on the way. */
  loadNewest(
    room: string,
    jobHash: JobHash,
  ): Promise<{
    readonly found: CheckpointRecord | undefined;
    readonly skipped: readonly SkippedCheckpoint[];
  }>;
  delete(id: string): Promise<void>;
  rooms(): Promise<readonly string[]>;
}

export type StoreFault = 'quota' | 'unavailable' | 'corrupt' | 'missing' | 'fenced' | 'blocked' | 'refused';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly fault: StoreFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const depth = (incarnation: IncarnationId): number => Number.parseInt(incarnation.slice(0, 8), 16);

/** Negative when `a` is older. Step numbers alone do not order checkpoints: an abandoned lineage may have run further. */
export function compareCheckpoints(a: CheckpointKey, b: CheckpointKey): number {
  const ga = a.generation;
  const gb = b.generation;
  if (ga.incarnation === gb.incarnation) return ga.number - gb.number || a.step - b.step;
  return (
    depth(ga.incarnation) - depth(gb.incarnation) ||
    a.step - b.step ||
    (ga.incarnation < gb.incarnation ? -1 : 1)
  );
}

// The manifest of a stored checkpoint: what it is, where it stands in history, and the hashes of the pieces that make it up.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { canonicalJson } from '../job/job.ts';
import { isIncarnationId, isJobHash, isStateHash } from '../ports/ids.ts';
import type { IncarnationId, JobHash, StateHash } from '../ports/ids.ts';
import { StoreError } from '../ports/store.ts';
import type { CheckpointKey, CheckpointSummary } from '../ports/store.ts';
import { sha256Hex } from './sha256.ts';

/** Pieces of this size are written faster than one value of the whole, and block the thread less (measured). */
export const PIECE_BYTES = 4 * 1024 * 1024;
/** A terabyte of pieces: beyond any browser's quota. */
const MAX_PIECES = 262_144;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const PieceSchema = v.object({
  /** SHA-256 of the piece, and its key in the store. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  bytes: v.pipe(count, v.minValue(1), v.maxValue(PIECE_BYTES)),
});

const ManifestSchema = v.object({
  id: v.pipe(v.string(), v.maxLength(400)),
  room: v.pipe(v.string(), v.maxLength(200)),
  incarnation: v.custom<IncarnationId>(
    (value) => typeof value === 'string' && isIncarnationId(value),
    'expected an incarnation',
  ),
  generation: count,
  step: count,
  jobHash: v.custom<JobHash>(
    (value) => typeof value === 'string' && isJobHash(value),
    'expected 64 hex digits',
  ),
  stateHash: v.custom<StateHash>(
    (value) => typeof value === 'string' && isStateHash(value),
    'expected 32 hex digits',
  ),
  savedAt: v.pipe(v.number(), v.finite()),
  pieces: v.pipe(v.array(PieceSchema), v.minLength(1), v.maxLength(MAX_PIECES)),
  /** SHA-256 over all of the above. */
  seal: v.string(),
  pinned: v.boolean(),
  /** What the last reading showed. Only a `verified` one is relied upon when others are deleted. */
  standing: v.picklist(['unverified', 'verified', 'corrupt']),
});

export type Manifest = Readonly<v.InferOutput<typeof ManifestSchema>>;

/** The manifest of a file to be saved; hashes its pieces. Rejects with `StoreError('refused')`. */
export async function describeFile(
  key: CheckpointKey,
  jobHash: JobHash,
  stateHash: StateHash,
  file: Uint8Array<ArrayBuffer>,
  savedAt: number,
): Promise<Manifest> {
  const pieces: Manifest['pieces'] = [];
  for (let at = 0; at < file.length; at += PIECE_BYTES) {
    const piece = file.subarray(at, at + PIECE_BYTES);
    pieces.push({ hash: await sha256Hex(piece), bytes: piece.length });
  }
  const { room, step } = key;
  const { incarnation, number: generation } = key.generation;
  // Named by its content's place and hash: two ranks of one profile that save the same state write the same checkpoint.
  const id = [room, incarnation, generation, step, stateHash].join('/');
  const sealed = { id, room, incarnation, generation, step, jobHash, stateHash, savedAt, pieces };
  const manifest = v.safeParse(ManifestSchema, {
    ...sealed,
    seal: sealOf(sealed),
    pinned: false,
    standing: 'unverified',
  });
  if (manifest.success) return manifest.output;
  const issue = manifest.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'manifest';
  throw new StoreError(
    'refused',
    `The checkpoint cannot be stored: its ${path} is not valid (${issue.message}). Nothing was saved.`,
  );
}

/** A stored manifest, or undefined when it is damaged beyond being listed. Its seal is not checked. */
export function readManifest(stored: unknown): Manifest | undefined {
  const result = v.safeParse(ManifestSchema, stored);
  return result.success ? result.output : undefined;
}

export function isSealed({ seal, pinned: _pinned, standing: _standing, ...sealed }: Manifest): boolean {
  return seal === sealOf(sealed);
}

const sealOf = (sealed: Omit<Manifest, 'seal' | 'pinned' | 'standing'>): string =>
  bytesToHex(sha256(utf8ToBytes(canonicalJson(sealed))));

export const keyOf = ({ room, incarnation, generation, step }: Manifest): CheckpointKey => ({
  room,
  generation: { incarnation, number: generation },
  step,
});

export const summaryOf = (manifest: Manifest): CheckpointSummary => ({
  ...keyOf(manifest),
  id: manifest.id,
  jobHash: manifest.jobHash,
  stateHash: manifest.stateHash,
  bytes: manifest.pieces.reduce((sum, piece) => sum + piece.bytes, 0),
  savedAt: manifest.savedAt,
  pinned: manifest.pinned,
  standing: manifest.standing,
});

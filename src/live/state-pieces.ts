// A state as it travels to a rank that heals: the state file first, which is the same whoever sends it, then what only this donor
// knows of it (its history, its ledger). So whoever loses its donor keeps all pieces but the last.
//
//   bytes 0–7   length of the state file, little-endian, in two words
//   then        the state file, without notes
//   the rest    the notes: JSON in UTF-8

import { cut, digestOfPiece, joinPieces, type PieceList } from '../collective/state-transfer.ts';
import { FormatError } from '../checkpoint/format-error.ts';
import { decodeState, encodeState, parseNotes, type StateFileContents } from '../checkpoint/state-file.ts';
import type { Job } from '../job/job.ts';
import type { ParameterTensor } from '../ports/engine.ts';
import type { PieceDigest } from '../ports/ids.ts';

const PREFIX_BYTES = 8;

/** Pieces that are digested in one go: 2 MiB, some ten milliseconds. */
const DIGESTED_AT_ONCE = 8;

/** In turns: heartbeats and the all-reduce of others have the thread in between. */
export async function toPieces(
  contents: StateFileContents,
  parameters: readonly ParameterTensor[],
): Promise<PieceList> {
  const file = encodeState({ ...contents, notes: {} }, parameters);
  const notes = new TextEncoder().encode(JSON.stringify(contents.notes));
  const bytes = new Uint8Array(PREFIX_BYTES + file.length + notes.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(file.length), true);
  bytes.set(file, PREFIX_BYTES);
  bytes.set(notes, PREFIX_BYTES + file.length);
  const pieces = cut(bytes);
  const digests: PieceDigest[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (i > 0 && i % DIGESTED_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
    digests.push(digestOfPiece(piece));
  }
  return { digests, pieces };
}

/** Throws a `FormatError` or a `StateFileError`: a donor is not trusted. */
export function fromPieces(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  job: Job,
  parameters: readonly ParameterTensor[],
): ReturnType<typeof decodeState> {
  const bytes = joinPieces(pieces);
  if (bytes.length < PREFIX_BYTES)
    throw new FormatError('header', `A state has more than ${PREFIX_BYTES} bytes, and ${bytes.length} came.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.length - PREFIX_BYTES))
    throw new FormatError('truncated', `A state of ${length} bytes was announced, and ${bytes.length} came.`);
  const end = PREFIX_BYTES + Number(length);
  const file = decodeState(bytes.subarray(PREFIX_BYTES, end), job, parameters);
  return { ...file, notes: parseNotes(new TextDecoder().decode(bytes.subarray(end))) };
}

// A state on its way to a rank that heals: cut into pieces, each known by its digest, so that a receiver which loses its donor
// goes on with another from where it was. Pure: who asks whom, and when, is the protocol's.
//
// A donor lists the digests of all pieces. A receiver keeps what it holds of that list, whoever sent it and for whichever state, and
// asks for the rest, a few at a time: it sets the pace, and what waits in a donor's queue for it never exceeds the window.

import type { PieceDigest } from '../ports/ids.ts';
import { digestHex, digestWords } from './digest.ts';

/**
 * Longest piece: a message of a few frames, so that a damaged one costs little to send again and what else the link carries gets its
 * turn between two.
 */
export const PIECE_BYTES = 256 * 1024;
/** Pieces that a receiver has asked for and not got: 1 MiB, ten milliseconds of a fast link and its round trip under load. */
export const PIECE_WINDOW = 4;
/** A state of 1 GiB; the list of digests still fits a message's header. */
export const MAX_PIECES = 4096;

/** A state as its donor has it. */
export interface PieceList {
  readonly digests: readonly PieceDigest[];
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

export function digestOfPiece(bytes: Uint8Array<ArrayBuffer>): PieceDigest {
  const sums = new Int32Array(4);
  const words = Math.floor(bytes.length / 4);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  digestWords(sums, new Int32Array(aligned.buffer, aligned.byteOffset, words), 0);
  // The bytes that are left over, and how many there are.
  const rest = Int32Array.from(bytes.subarray(words * 4));
  digestWords(sums, rest, 1);
  digestWords(sums, Int32Array.of(bytes.length), 2);
  return digestHex(sums) as string as PieceDigest;
}

/** Cuts without copying: the pieces are views. There is always one, if only an empty one. */
export function cut(
  bytes: Uint8Array<ArrayBuffer>,
  pieceBytes: number = PIECE_BYTES,
): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += pieceBytes)
    pieces.push(bytes.subarray(start, start + pieceBytes));
  return pieces;
}

export function cutIntoPieces(bytes: Uint8Array<ArrayBuffer>, pieceBytes?: number): PieceList {
  const pieces = cut(bytes, pieceBytes);
  return { digests: pieces.map(digestOfPiece), pieces };
}

export function joinPieces(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** What a receiver has of a state, and what it waits for. */
export interface Incoming {
  readonly digests: readonly PieceDigest[];
  readonly pieces: (Uint8Array<ArrayBuffer> | undefined)[];
  /** Asked for and not here, the oldest first. A link keeps the order. */
  readonly asked: number[];
  /** What these pieces came to was not the state that was announced: one of them is not what its donor's list says. */
  spoilt: boolean;
}

/** Whether a piece that is held stands for one in a donor's list. */
export type KeepsPiece = (held: PieceDigest, listed: PieceDigest) => boolean;

/**
 * Takes up a donor's list. Pieces at hand that it lists as well are kept. Those of a spoilt state are kept where another donor's
 * list differs in others: one of these was the bad one; where it does not differ, none is trusted.
 */
export function takeUp(
  digests: readonly PieceDigest[],
  held: Incoming | undefined,
  keeps: KeepsPiece,
): Incoming {
  const kept = digests.map((listed, i) => {
    const before = held?.digests[i];
    return before !== undefined && keeps(before, listed) ? held?.pieces[i] : undefined;
  });
  const isNoNews = held?.spoilt === true && kept.every((piece) => piece !== undefined);
  const pieces = isNoNews ? digests.map(() => undefined) : kept;
  return { digests, pieces, asked: [], spoilt: false };
}

/** A piece that has come: whether it was missing. One that is not as listed is of another state, and is left alone. */
export function takePiece(
  incoming: Incoming,
  piece: number,
  digest: PieceDigest,
  bytes: Uint8Array<ArrayBuffer>,
): boolean {
  if (incoming.digests[piece] !== digest) return false;
  const place = incoming.asked.indexOf(piece);
  if (place >= 0) incoming.asked.splice(place, 1);
  if (incoming.pieces[piece] !== undefined) return false;
  incoming.pieces[piece] = bytes;
  return true;
}

/** The first piece that is missing; undefined: none is. */
export function firstMissing({ pieces }: Incoming): number | undefined {
  const piece = pieces.indexOf(undefined);
  return piece < 0 ? undefined : piece;
}

export const piecesHeld = ({ pieces }: Incoming): number =>
  pieces.reduce((held, piece) => held + (piece === undefined ? 0 : 1), 0);

/** All pieces in order; undefined while one is missing. */
export function wholeState({ pieces }: Incoming): readonly Uint8Array<ArrayBuffer>[] | undefined {
  const whole = pieces.filter((piece) => piece !== undefined);
  return whole.length === pieces.length ? whole : undefined;
}

/** What to ask for now, as far as the window goes; it counts as asked for. */
export function askForMore(incoming: Incoming): readonly number[] {
  const more: number[] = [];
  for (let i = 0; i < incoming.pieces.length && incoming.asked.length < PIECE_WINDOW; i++) {
    if (incoming.pieces[i] !== undefined || incoming.asked.includes(i)) continue;
    incoming.asked.push(i);
    more.push(i);
  }
  return more;
}

/** Something came damaged, which was the oldest that was asked for, if it was a piece: asked for once more. */
export function askForOldest(incoming: Incoming): readonly number[] {
  const oldest = incoming.asked.shift();
  if (oldest === undefined) return [];
  incoming.asked.push(oldest);
  return [oldest];
}

// Messages as bytes: a checksum, a JSON header, and the raw payload of the few messages that carry one.
//
//   bytes 0–3   checksum of all that follows (checksum.ts), little-endian
//   bytes 4–6   header length h, little-endian
//   byte  7     how the payload is written: 0 as it is, 1 lanes in blocks (collective/lane-blocks.ts)
//   bytes 8–    header: h bytes of ASCII JSON, then zeros up to a multiple of 4
//   the rest    payload

import { blocksOf, readBlocks, writeBlocks } from '../collective/lane-blocks.ts';
import { digestOfPiece, PIECE_BYTES } from '../collective/state-transfer.ts';
import { bytesOf, type Lane, type LateMessage } from '../ports/network.ts';
import { asciiJson } from './ascii-json.ts';
import { checksum } from './checksum.ts';
import { CodecError } from './codec-error.ts';
import { asBytes, asWords, innermost, join, lanesIn, split } from './message-parts.ts';
import { parseHeader, type Header } from './message-schema.ts';
import { laneOf } from './message-size.ts';
import type { Message } from './messages.ts';

/** Longest header: a generation of 1,024 members fits. */
const MAX_HEADER_BYTES = 256 * 1024;
/** Ways to write a payload. */
const AS_IT_IS = 0;
const IN_BLOCKS = 1;

export function encodeMessage(message: Message): {
  readonly lane: Lane;
  readonly bytes: Uint8Array<ArrayBuffer>;
} {
  return { lane: laneOf(message), bytes: bytesOf(encodeLate(message)) };
}

export interface EncodedLate extends LateMessage {
  /** How many bytes less it is than with four for each lane. */
  readonly saved: number;
}

/** As `encodeMessage`, but for the bytes, which are made when the wire takes them: the message's payload must not change before. */
export function encodeLate(message: Message): EncodedLate {
  const { header, payload } = split(message);
  const lanes = lanesIn(message);
  const blocks = lanes === undefined ? undefined : blocksOf(lanes);
  const text = asciiJson(header);
  const start = 8 + Math.ceil(text.length / 4) * 4;
  const length = start + (blocks === undefined ? payload.length : 4 * blocks.words);
  return {
    length,
    saved: start + payload.length - length,
    write(into) {
      for (let i = 0; i < text.length; i++) into[8 + i] = text.charCodeAt(i);
      into.fill(0, 8 + text.length, start);
      if (lanes === undefined || blocks === undefined) into.set(payload, start);
      else inWords(into.subarray(start, length), (words) => writeBlocks(lanes, blocks, words));
      const view = new DataView(into.buffer, into.byteOffset);
      view.setUint32(4, text.length | ((blocks === undefined ? AS_IT_IS : IN_BLOCKS) << 24), true);
      view.setInt32(0, checksum(into, 4), true);
    },
  };
}

/** Lets words be written into bytes, wherever these lie. */
function inWords(bytes: Uint8Array<ArrayBuffer>, write: (words: Int32Array<ArrayBuffer>) => void): void {
  if (bytes.byteOffset % 4 === 0) {
    write(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    return;
  }
  const words = new Int32Array(bytes.length / 4);
  write(words);
  bytes.set(asBytes(words));
}

/**
 * The lanes of a part may be a view into `bytes`. Throws a `CodecError` that says what was expected and found; allocates no more than
 * eight times the bytes at hand, or 128 KiB.
 */
export function decodeMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  if (bytes.length < 8) throw new CodecError(`A message has at least 8 bytes, and ${bytes.length} came.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(4, true) & 0xff_ff_ff;
  const writing = view.getUint8(7);
  const start = 8 + Math.ceil(length / 4) * 4;
  if (length > MAX_HEADER_BYTES || start > bytes.length)
    throw new CodecError(`A header of ${length} bytes does not fit into a message of ${bytes.length}.`);
  if (view.getInt32(0, true) !== checksum(bytes, 4))
    throw new CodecError('The checksum of a message does not match its bytes.');
  const header = parseHeader(parseJson(bytes, length));
  // Lanes are added up at once, where they lie; what is kept lies alone.
  const payload =
    (header.kind === 'part' || writing === IN_BLOCKS) && (bytes.byteOffset + start) % 4 === 0
      ? bytes.subarray(start)
      : bytes.slice(start);
  const message = join(header, writing === AS_IT_IS ? payload : outOfBlocks(header, writing, payload));
  const said = innermost(message);
  if (said.kind === 'state' || said.kind === 'piece') checkPiece(said);
  return message;
}

/** A piece is what its digest says before anybody relies on it. */
function checkPiece(message: Extract<Message, { kind: 'state' | 'piece' }>): void {
  const { piece, bytes } = message;
  const digest = message.kind === 'state' ? message.digests[piece] : message.digest;
  if (digest === undefined)
    throw new CodecError(`Piece ${piece} of a state was sent, which the list of its pieces has not.`);
  if (bytes.length > PIECE_BYTES)
    throw new CodecError(`A piece has at most ${PIECE_BYTES} bytes, and ${bytes.length} came.`);
  if (digestOfPiece(bytes) !== digest)
    throw new CodecError(`Piece ${piece} of a state does not have the digest that it was announced with.`);
}

function outOfBlocks(
  header: Header,
  writing: number,
  payload: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { kind } = 'message' in header ? header.message : header;
  if (writing !== IN_BLOCKS || (kind !== 'part' && kind !== 'gradient'))
    throw new CodecError(`The payload of a ${kind} is not written in way ${writing}.`);
  const lanes = readBlocks(asWords(payload));
  if (lanes === undefined)
    throw new CodecError(
      `A payload of ${payload.length} bytes does not hold the blocks of lanes that it names.`,
    );
  return new Uint8Array(lanes.buffer);
}

function parseJson(bytes: Uint8Array, length: number): unknown {
  let text = '';
  for (let i = 8; i < 8 + length; i++) text += String.fromCharCode(bytes[i] ?? 0);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodecError('The header of a message is not JSON.', { cause: error });
  }
}

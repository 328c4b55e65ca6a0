// Messages as bytes: a checksum, a JSON header, and the raw payload of the few messages that carry one.
//
//   bytes 0–3   checksum of all that follows (checksum.ts), little-endian
//   bytes 4–7   header length h, little-endian
//   bytes 8–    header: h bytes of ASCII JSON, then zeros up to a multiple of 4
//   the rest    payload; lanes of the narrow wire format are packed (collective/packing.ts)

import { packedLength, packLanes, unpackLanes, type Packing } from '../collective/packing.ts';
import { digestOfPiece, PIECE_BYTES } from '../collective/state-transfer.ts';
import { bytesOf, type Lane, type LateMessage } from '../ports/network.ts';
import { asciiJson } from './ascii-json.ts';
import { checksum } from './checksum.ts';
import { CodecError } from './codec-error.ts';
import { asBytes, asWords, innermost, join, packingIn, split, wordsIn } from './message-parts.ts';
import { parseHeader } from './message-schema.ts';
import { laneOf } from './message-size.ts';
import type { Message } from './messages.ts';

/** Longest header: a generation of 1,024 members fits. */
const MAX_HEADER_BYTES = 256 * 1024;

/** What a message is after its way over the wire, without the way: lanes keep the bits that the wire has for them. */
export function asCarried<M extends Message>(message: M): M;
export function asCarried(message: Message): Message {
  if (message.kind === 'relay') {
    const inner = asCarried(message.message);
    return inner === message.message ? message : { ...message, message: inner };
  }
  if (message.kind === 'lesson') {
    const inner = asCarried(message.message);
    return inner === message.message ? message : { ...message, message: inner };
  }
  const packing = packingIn(message);
  if (packing === undefined) return message;
  const carry = (lanes: Int32Array): Int32Array<ArrayBuffer> =>
    unpackLanes(packLanes(lanes, packing), packing) ?? new Int32Array(0);
  if (message.kind === 'part') return { ...message, payload: carry(message.payload) };
  return message.kind === 'gradient' ? { ...message, reduced: carry(message.reduced) } : message;
}

export function encodeMessage(message: Message): {
  readonly lane: Lane;
  readonly bytes: Uint8Array<ArrayBuffer>;
} {
  return { lane: laneOf(message), bytes: bytesOf(encodeLate(message)) };
}

/** As `encodeMessage`, but for the bytes, which are made when the wire takes them: the message's payload must not change before. */
export function encodeLate(message: Message): LateMessage {
  const { header, payload } = split(message);
  const packing = packingIn(message);
  const text = asciiJson(header);
  const start = 8 + Math.ceil(text.length / 4) * 4;
  const length =
    start + (packing === undefined ? payload.length : 4 * packedLength(packing, payload.length / 4));
  return {
    length,
    write(into) {
      for (let i = 0; i < text.length; i++) into[8 + i] = text.charCodeAt(i);
      into.fill(0, 8 + text.length, start);
      into.set(packing === undefined ? payload : asBytes(packLanes(wordsIn(payload), packing)), start);
      const view = new DataView(into.buffer, into.byteOffset);
      view.setUint32(4, text.length, true);
      view.setInt32(0, checksum(into, 4), true);
    },
  };
}

/**
 * The lanes of a part may be a view into `bytes`. Throws a `CodecError` that says what was expected and found; allocates no more than
 * eight times the bytes at hand.
 */
export function decodeMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  if (bytes.length < 8) throw new CodecError(`A message has at least 8 bytes, and ${bytes.length} came.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(4, true);
  const start = 8 + Math.ceil(length / 4) * 4;
  if (length > MAX_HEADER_BYTES || start > bytes.length)
    throw new CodecError(`A header of ${length} bytes does not fit into a message of ${bytes.length}.`);
  if (view.getInt32(0, true) !== checksum(bytes, 4))
    throw new CodecError('The checksum of a message does not match its bytes.');
  const header = parseHeader(parseJson(bytes, length));
  // Lanes are added up at once, where they lie; what is kept lies alone.
  const payload =
    header.kind === 'part' && (bytes.byteOffset + start) % 4 === 0
      ? bytes.subarray(start)
      : bytes.slice(start);
  const inner = 'message' in header ? header.message : header;
  const message = join(header, 'packing' in inner ? unpacked(payload, inner.packing) : payload);
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

function unpacked(payload: Uint8Array<ArrayBuffer>, packing: Packing | undefined): Uint8Array<ArrayBuffer> {
  if (packing === undefined) return payload;
  const lanes = unpackLanes(asWords(payload), packing);
  if (lanes === undefined)
    throw new CodecError(
      `${packing.lanes} lanes of ${packing.bits} bits do not fit into a payload of ${payload.length} bytes.`,
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

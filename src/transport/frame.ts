// The wire's frame: one data channel message, 16 bytes of header and a payload. Pure; untrusted bytes never throw here.
//
//   0  u8   wire version
//   1  u8   kind (see FRAME_KINDS)
//   2  u8   lane (0 control, 1 bulk)
//   3  u8   reserved, 0
//   4  u32  message id: counts a lane's messages from 0, modulo 2^32
//   8  u32  length of the whole message, in bytes
//  12  u32  offset of this payload in the message
//  16  ...  payload, up to the end of the frame
//
// Integers are little-endian. Messages of a lane follow each other and do not interleave, because lanes are ordered.

import type { Lane } from '../ports/network.ts';

export const WIRE_VERSION = 6;
export const FRAME_HEADER_BYTES = 16;

/**
 * Longest frame on each lane, header included. A data channel would take 262,144 bytes; smaller frames keep a control
 * message from waiting behind a long one, and 64 KiB is what a peer that states no maximum must take (RFC 8841). Measured between
 * two tabs on two cores, 4 MiB each way: frames of 32 KiB cost 5 to 10 % more CPU time than those of 64, and those of 256 KiB save
 * none while the exchange takes longer, because the channel runs dry between them.
 */
export const MAX_FRAME_BYTES: Readonly<Record<Lane, number>> = { control: 16 * 1024, bulk: 64 * 1024 };

/** In the order of their codes. All but `data` belong to the link itself, travel on `control` and are never split. */
export const FRAME_KINDS = ['data', 'hello', 'proof', 'accept', 'refuse', 'credit'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

const LANES = ['control', 'bulk'] as const satisfies readonly Lane[];

export interface Frame {
  readonly kind: FrameKind;
  readonly lane: Lane;
  readonly messageId: number;
  readonly messageLength: number;
  readonly offset: number;
  /** A view into the received bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export type FrameFault = 'version' | 'malformed';

export type DecodedFrame =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly fault: FrameFault; readonly detail: string };

const bad = (detail: string, fault: FrameFault = 'malformed'): DecodedFrame => ({ ok: false, fault, detail });

/** Reads one received frame. `lane` is the channel that it came on. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>, lane: Lane): DecodedFrame {
  if (bytes.length === 0) return bad('an empty frame');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The version comes first, so that it can be told even when everything behind it has changed.
  const version = view.getUint8(0);
  if (version !== WIRE_VERSION) {
    return bad(`expected wire version ${WIRE_VERSION}, found ${version}`, 'version');
  }
  if (bytes.length < FRAME_HEADER_BYTES) {
    return bad(`expected a header of ${FRAME_HEADER_BYTES} bytes, found a frame of ${bytes.length}`);
  }
  if (bytes.length > MAX_FRAME_BYTES[lane]) {
    return bad(
      `expected at most ${MAX_FRAME_BYTES[lane]} bytes on ${lane}, found a frame of ${bytes.length}`,
    );
  }
  const kind = FRAME_KINDS[view.getUint8(1)];
  if (kind === undefined) return bad(`unknown frame kind ${view.getUint8(1)}`);
  const stated = LANES[view.getUint8(2)];
  if (stated !== lane) return bad(`a frame for lane ${view.getUint8(2)} on the ${lane} channel`);
  if (view.getUint8(3) !== 0) return bad(`expected a reserved byte of 0, found ${view.getUint8(3)}`);
  const messageId = view.getUint32(4, true);
  const messageLength = view.getUint32(8, true);
  const offset = view.getUint32(12, true);
  const payload = bytes.subarray(FRAME_HEADER_BYTES);
  if (offset + payload.length > messageLength) {
    return bad(
      `bytes ${offset} to ${offset + payload.length} lie outside a message of ${messageLength} bytes`,
    );
  }
  if (payload.length === 0 && messageLength > 0) return bad('a fragment without a payload');
  if (kind !== 'data') {
    if (lane !== 'control') return bad(`a ${kind} frame on the ${lane} lane`);
    if (messageId !== 0 || payload.length !== messageLength) return bad(`a ${kind} frame in pieces`);
  }
  return { ok: true, frame: { kind, lane, messageId, messageLength, offset, payload } };
}

/** Writes a header in front of a payload that the caller puts (or has put) behind it. */
export function writeFrameHeader(into: Uint8Array<ArrayBuffer>, header: Omit<Frame, 'payload'>): void {
  const view = new DataView(into.buffer, into.byteOffset, FRAME_HEADER_BYTES);
  view.setUint8(0, WIRE_VERSION);
  view.setUint8(1, FRAME_KINDS.indexOf(header.kind));
  view.setUint8(2, LANES.indexOf(header.lane));
  view.setUint8(3, 0);
  view.setUint32(4, header.messageId, true);
  view.setUint32(8, header.messageLength, true);
  view.setUint32(12, header.offset, true);
}

/** A whole frame of the link itself. */
export function encodeLinkFrame(
  kind: Exclude<FrameKind, 'data'>,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, {
    kind,
    lane: 'control',
    messageId: 0,
    messageLength: payload.length,
    offset: 0,
  });
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

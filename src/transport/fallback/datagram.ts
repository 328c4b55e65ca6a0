// What two pages say to each other on a medium: calls, the frames of two lanes, and credit for frames that have arrived. Pure;
// untrusted bytes never throw here.
//
//   0  u8   kind (see KINDS)
//   1  u8   lane (0 control, 1 bulk)
//   2  u16  reserved, 0
//   4  u32  stream: counts the calls between two pages, so that what belongs to an earlier one is told apart
//   8  ...  data: a frame; credit: u32, bytes taken from the lane since the last credit
//
// Integers are little-endian.

import type { Lane } from '../../ports/network.ts';
import { MAX_FRAME_BYTES } from '../frame.ts';

export const DATAGRAM_HEADER_BYTES = 8;
export const MAX_DATAGRAM_BYTES = DATAGRAM_HEADER_BYTES + Math.max(...Object.values(MAX_FRAME_BYTES));

/** In the order of their codes. */
const KINDS = ['call', 'answer', 'data', 'credit', 'hangup'] as const;
const LANES = ['control', 'bulk'] as const satisfies readonly Lane[];

export type Datagram =
  | { readonly kind: 'call' | 'answer' | 'hangup'; readonly stream: number }
  | {
      readonly kind: 'data';
      readonly stream: number;
      readonly lane: Lane;
      readonly frame: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'credit'; readonly stream: number; readonly lane: Lane; readonly bytes: number };

export function encodeDatagram(datagram: Datagram): Uint8Array<ArrayBuffer> {
  const payloadBytes = datagram.kind === 'data' ? datagram.frame.length : datagram.kind === 'credit' ? 4 : 0;
  const bytes = new Uint8Array(DATAGRAM_HEADER_BYTES + payloadBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KINDS.indexOf(datagram.kind));
  view.setUint32(4, datagram.stream, true);
  switch (datagram.kind) {
    case 'data':
      view.setUint8(1, LANES.indexOf(datagram.lane));
      bytes.set(datagram.frame, DATAGRAM_HEADER_BYTES);
      break;
    case 'credit':
      view.setUint8(1, LANES.indexOf(datagram.lane));
      view.setUint32(DATAGRAM_HEADER_BYTES, datagram.bytes, true);
      break;
    case 'call':
    case 'answer':
    case 'hangup':
      break;
  }
  return bytes;
}

/** `undefined` for bytes that are no datagram. A frame is a view into them. */
export function decodeDatagram(bytes: Uint8Array<ArrayBuffer>): Datagram | undefined {
  if (bytes.length < DATAGRAM_HEADER_BYTES || bytes.length > MAX_DATAGRAM_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = KINDS[view.getUint8(0)];
  const lane = LANES[view.getUint8(1)];
  const stream = view.getUint32(4, true);
  const payload = bytes.subarray(DATAGRAM_HEADER_BYTES);
  if (kind === undefined || lane === undefined || view.getUint16(2, true) !== 0) return undefined;
  switch (kind) {
    case 'data':
      return { kind, stream, lane, frame: payload };
    case 'credit':
      return payload.length === 4
        ? { kind, stream, lane, bytes: view.getUint32(DATAGRAM_HEADER_BYTES, true) }
        : undefined;
    case 'call':
    case 'answer':
    case 'hangup':
      return payload.length === 0 ? { kind, stream } : undefined;
  }
}

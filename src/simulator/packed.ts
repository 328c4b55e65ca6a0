// Text as one short string, for links and shells: UTF-8, deflate (RFC 1951), a checksum, base64url without padding. Such a string is
// anybody's: how much it unpacks to is bounded before it is held.

import CRC32 from 'crc-32';
import { deflateSync, Inflate, strFromU8, strToU8 } from 'fflate';
import { ReplayError } from './replay-error.ts';

/** Linux takes no argument of 128 KiB. */
export const MAX_PACKED = 128_000;
/** Bytes. A thousand times as many as what fits into a link: no experiment that does is as long. */
const MAX_UNPACKED = 16 * 1024 * 1024;

/** The first byte. Text that was not packed begins with its own, which is "{". */
const FORM = 1;
const PLAIN = '{'.charCodeAt(0);
/** The form, and the checksum of what is packed. */
const HEAD_BYTES = 5;
/** Deflate makes of one byte at most 1,032: so much is unpacked before it is counted. */
const CHUNK_BYTES = 1024;

export function pack(text: string): string {
  const bytes = strToU8(text);
  const packed = deflateSync(bytes, { level: 9 });
  const whole = new Uint8Array(HEAD_BYTES + packed.length);
  const view = new DataView(whole.buffer);
  view.setUint8(0, FORM);
  view.setInt32(1, CRC32.buf(bytes));
  whole.set(packed, HEAD_BYTES);
  return btoa(strFromU8(whole, true)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** What `pack` was given; `start` is the place of the string in what a person pasted. Throws a `ReplayError`. */
export function unpack(packed: string, start: number): string {
  if (packed.length > MAX_PACKED)
    throw new ReplayError('the whole text', `at most ${MAX_PACKED} characters`, String(packed.length));
  const bad = /[^A-Za-z0-9_-]/.exec(packed);
  if (bad !== null)
    throw new ReplayError(`character ${start + bad.index}`, 'base64url', JSON.stringify(bad[0]));
  const whole = bytesOf(packed, start);
  const [form] = whole;
  if (form === PLAIN) return strFromU8(whole);
  if (form !== FORM)
    throw new ReplayError(
      `character ${start}`,
      'a form that this version reads',
      form === undefined ? 'the end of the text' : `form ${form}`,
    );
  const end = `character ${start + packed.length}`;
  if (whole.length <= HEAD_BYTES) throw new ReplayError(end, 'the rest of the string', 'its end');
  const bytes = inflate(whole.subarray(HEAD_BYTES), end);
  const checksum = new DataView(whole.buffer).getInt32(1);
  if (CRC32.buf(bytes) !== checksum)
    throw new ReplayError(end, 'a text with the checksum that it names', 'one that was changed on its way');
  return strFromU8(bytes);
}

function bytesOf(packed: string, start: number): Uint8Array {
  try {
    return strToU8(atob(packed.replaceAll('-', '+').replaceAll('_', '/')), true);
  } catch {
    // One character more than whole bytes take.
    throw new ReplayError(`character ${start + packed.length}`, 'the rest of the string', 'its end');
  }
}

function inflate(packed: Uint8Array, end: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate((piece) => {
    pieces.push(piece);
    length += piece.length;
  });
  for (let at = 0; at < packed.length; at += CHUNK_BYTES) {
    try {
      stream.push(packed.subarray(at, at + CHUNK_BYTES), at + CHUNK_BYTES >= packed.length);
    } catch {
      throw new ReplayError(end, 'the rest of the string', 'that it breaks off or was changed on its way');
    }
    if (length > MAX_UNPACKED)
      throw new ReplayError('the whole text', `at most ${MAX_UNPACKED} bytes when unpacked`, 'more');
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

// Why a link is refused or dropped: one vocabulary for both ends, the wire and the lab.

import type { MemberId } from '../ports/ids.ts';

/** In the order of their codes on the wire; append only. */
export const REFUSAL_CODES = [
  /** The other end could not prove the room's secret. */
  'wrong-secret',
  /** The other end speaks another version of the wire. */
  'version',
  /** The other end did not finish the handshake in time. */
  'timeout',
  /** The other end broke the rules of the handshake. */
  'malformed',
  /** A member of that id is linked already, from another page. */
  'duplicate-member',
  /** The other end calls itself by our own id. */
  'self',
  /** The other end broke the rules after the handshake: bad frames, bad lengths, a flood. */
  'misbehaved',
  /** The other end asked for the link to be closed: `Network.drop`. */
  'dropped',
  /** The two pages are linked over another carrier, which goes on. */
  'linked-otherwise',
  /** More calls came through the signalling server than a page can hear. */
  'flood',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A link that was refused or dropped, told to both sides' lab. The room goes on. */
export interface Refusal {
  readonly code: RefusalCode;
  /** Who refused: this rank, or the peer. */
  readonly by: 'self' | 'peer';
  /** Who the peer said it was, where it got that far. It is proven only for `misbehaved` and `dropped`. */
  readonly peer: MemberId | undefined;
  /** Expected, found, and what to do, for a person. */
  readonly message: string;
}

const MAX_DETAIL_BYTES = 256;

const ADVICE: Readonly<Record<RefusalCode, string>> = {
  'wrong-secret':
    "Expected proof of this room's secret, found another secret: open the room with the link that its page copies.",
  version: 'Both pages must run the same version of Rankfall: reload the older one.',
  timeout:
    'Expected the handshake within its time limit: the other page may be frozen or overloaded; it may try again.',
  malformed: 'Expected a handshake message: the other end is not a page of Rankfall, or is damaged.',
  'duplicate-member':
    'Expected a member id that is in nobody else’s use: reload the other page to give it a new one.',
  self: 'Expected another member, found our own id: something reflects our messages, or a page was copied.',
  misbehaved: 'The other end broke the rules of the wire and was dropped; it may come back with a new link.',
  dropped: 'The link was closed on purpose.',
  'linked-otherwise': 'These pages are linked over another carrier, and need no second link.',
  flood:
    'More calls came than a page can hear, from somebody who knows the room’s name: if it goes on, open a new room and share its link.',
};

export function refusal(
  code: RefusalCode,
  by: Refusal['by'],
  peer: MemberId | undefined,
  detail?: string,
): Refusal {
  const found = detail === undefined || detail === '' ? '' : ` (${detail})`;
  return { code, by, peer, message: `${ADVICE[code]}${found}` };
}

/** The payload of a `refuse` frame: one byte of code, then the detail in UTF-8. */
export function encodeRefusal(code: RefusalCode, detail: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(detail).subarray(0, MAX_DETAIL_BYTES);
  const payload = new Uint8Array(1 + text.length);
  payload[0] = REFUSAL_CODES.indexOf(code);
  payload.set(text, 1);
  return payload;
}

/** Reads a peer's refusal; `undefined` where it is malformed. The detail is the peer's word: show it as text only. */
export function decodeRefusal(
  payload: Uint8Array,
): { readonly code: RefusalCode; readonly detail: string } | undefined {
  const code = REFUSAL_CODES[payload[0] ?? -1];
  if (code === undefined || payload.length > 1 + MAX_DETAIL_BYTES) return undefined;
  // Controls are cut out, so that a stranger's text cannot play tricks on a terminal or a log.
  const detail = new TextDecoder().decode(payload.subarray(1)).replace(/\p{C}/gu, '');
  return { code, detail };
}

// What a page and the room's relay say to each other over a WebSocket: text for who is there, binary for datagrams.
//
//   binary: 16 bytes, the endpoint it goes to (from a page) or comes from (from the server); then the datagram
//
// The address names place, room, endpoint and member: `/relay?place=…&room=…&endpoint=…&member=…`. A place is 32 hex digits that follow from
// the room and its secret, so that a room's pages name the same one and nobody else can. The room's 32 digits follow from its name alone:
// pages that have the name and not the secret meet elsewhere, and by them both sides learn of it.

import * as v from 'valibot';
import { isMemberId, type MemberId } from '../../ports/ids.ts';
import { MAX_DATAGRAM_BYTES } from './datagram.ts';
import { isEndpointId, MAX_ENDPOINTS, type EndpointId } from './medium.ts';

/** Where the server mounts the relay. */
export const RELAY_PATH = '/relay';

export const isPlace = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** What the server calls a room by: it says which places are of one name, and opens none. */
export const isRoomMark = (text: string): boolean => isPlace(text);

/** Arrivals elsewhere that are told at once; of more, as many. */
export const MAX_ELSEWHERE = 1_000;

/** The address of a page at a relay: what the server asks of each, and refuses a page without. */
export const relayAddress = (
  relay: string,
  page: Readonly<Record<'place' | 'room' | 'endpoint' | 'member', string>>,
): string => `${relay}?${new URLSearchParams(page).toString()}`;

export const ADDRESS_BYTES = 16;
export const MAX_RELAYED_BYTES = ADDRESS_BYTES + MAX_DATAGRAM_BYTES;

const endpoint = v.custom<EndpointId>(isEndpointId);
const member = v.custom<MemberId>((value) => typeof value === 'string' && isMemberId(value));

const PresenceSchema = v.variant('say', [
  v.strictObject({
    say: v.literal('here'),
    pages: v.pipe(v.array(v.strictObject({ endpoint, member })), v.maxLength(MAX_ENDPOINTS)),
  }),
  v.strictObject({ say: v.literal('gone'), endpoint }),
  /** So many pages came to other places of this room's name since this was last told: they have another secret. */
  v.strictObject({
    say: v.literal('elsewhere'),
    pages: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ELSEWHERE)),
  }),
]);
export type Presence = v.InferOutput<typeof PresenceSchema>;

export function parsePresence(text: string): Presence | undefined {
  try {
    const parsed = v.safeParse(PresenceSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

export const addressBytes = (id: EndpointId): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(id.match(/../gu) ?? [], (hex) => Number.parseInt(hex, 16));

/** The endpoint in the first 16 bytes; `undefined` where there are fewer. */
export function readAddress(bytes: Uint8Array): EndpointId | undefined {
  if (bytes.length < ADDRESS_BYTES) return undefined;
  return Array.from(bytes.subarray(0, ADDRESS_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

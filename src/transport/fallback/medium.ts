// What carries links where WebRTC does not open: a way to move datagrams between pages of one room, and to see who is there.

import type { Carrier, Evidence } from '../../ports/network.ts';
import type { MemberId } from '../../ports/ids.ts';

/** A page's address on one medium: 32 hex digits, random, new for every opening. It proves nothing; the handshake does. */
export type EndpointId = string;

export const isEndpointId = (text: unknown): text is EndpointId =>
  typeof text === 'string' && /^[0-9a-f]{32}$/.test(text);

export const newEndpointId = (): EndpointId =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );

export type MediumKind = Exclude<Carrier, 'webrtc'>;

export interface MediumHandlers {
  /** Another page of the room is there, and says who it is. May be told again. */
  here(endpoint: EndpointId, member: MemberId): void;
  gone(endpoint: EndpointId, evidence: Extract<Evidence, 'goodbye' | 'channel-closed'>): void;
  /** So many more pages came to this room's name with another secret, where the medium keeps them apart from its pages. */
  elsewhere(pages: number): void;
  /** Untrusted bytes. The array is the receiver's to keep. */
  datagram(from: EndpointId, bytes: Uint8Array<ArrayBuffer>): void;
}

export interface Medium {
  readonly kind: MediumKind;
  readonly self: EndpointId;
  /** Reliable and in order while both ends are there. Copies the bytes before it returns. */
  send(to: EndpointId, bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Opens a medium; handlers are not called before it has returned. */
export type OpenMedium = (self: MemberId, handlers: MediumHandlers) => Medium;

/** Pages of one room that a medium keeps apart. */
export const MAX_ENDPOINTS = 256;

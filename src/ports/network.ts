// The interface to the other ranks: authenticated links that move whole messages in order, on two lanes.

import type { MemberId } from './ids.ts';

/** `control` is small and never waits long behind `bulk`. */
export type Lane = 'control' | 'bulk';

/** Why a peer is thought gone. No evidence is ever a vote. */
export type Evidence =
  'goodbye' | 'lock-released' | 'heartbeat' | 'ice' | 'channel-closed' | 'progress' | 'misbehaved' | 'leave';

/** Longest message on each lane, in bytes. A longer one is refused on both sides. */
export const MAX_MESSAGE_BYTES: Readonly<Record<Lane, number>> = {
  control: 64 * 1024,
  bulk: 256 * 1024 * 1024,
};

/**
 * What may wait for the wire on each lane, in bytes; past it, a send overflows. A single longer message still goes when
 * nothing else waits.
 */
export const MAX_QUEUED_BYTES: Readonly<Record<Lane, number>> = {
  control: 4 * 1024 * 1024,
  bulk: 64 * 1024 * 1024,
};

/** `overflow`: the queue limit would be exceeded and nothing was sent. `no-link`: there is no open link to that peer. */
export type SendOutcome = 'sent' | 'overflow' | 'no-link';

export interface NetworkHandlers {
  /** Both ends have proved the room's secret. Called once a link; a peer may come back with a new link after `linkDown`. */
  linkUp(peer: MemberId): void;
  linkDown(peer: MemberId, evidence: Evidence): void;
  /** A whole message. Its bytes are untrusted. The array is the receiver's to keep. */
  message(peer: MemberId, lane: Lane, bytes: Uint8Array<ArrayBuffer>): void;
}

/**
 * What carries a link. `webrtc` is direct. Where it does not open: `broadcast`, between pages of one browser, or `relay`, through the
 * room's server.
 */
export type Carrier = 'webrtc' | 'broadcast' | 'relay';

/**
 * A message that is written only when the wire takes it, into memory that the next one is written into again: many that wait cost no more
 * than what they are made of, and new memory costs more than to fill it.
 */
export interface LateMessage {
  readonly length: number;
  /** Fills all of `into`, which is `length` long and may hold anything. The bytes are the same each time. */
  write(into: Uint8Array<ArrayBuffer>): void;
}

/** The bytes of a message, on their own. */
export function bytesOf(message: Uint8Array<ArrayBuffer> | LateMessage): Uint8Array<ArrayBuffer> {
  if (message instanceof Uint8Array) return message;
  const bytes = new Uint8Array(message.length);
  message.write(bytes);
  return bytes;
}

/** One rank's network. It is full mesh up to 8 ranks; a send never blocks and never throws. */
export interface Network {
  send(peer: MemberId, lane: Lane, message: Uint8Array<ArrayBuffer> | LateMessage): SendOutcome;
  /** Bytes accepted by `send` and not yet handed to the wire. */
  queuedBytes(peer: MemberId): number;
  /** Closes the link at once, and does not take it up again unless the peer opens a new one. */
  drop(peer: MemberId, reason: string): void;
  peers(): readonly MemberId[];
}

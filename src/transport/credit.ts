// Credit between the two ends of a link: how much a sender may have under way that its receiver has not taken. A data channel
// acknowledges what the browser has received, not what a busy worker has taken: without credit, the queue in front of one that is
// held up for seconds would grow as fast as the wire allows.
//
// A credit frame's payload: u8 lane, three bytes of 0, u32 bytes taken since the last credit, little-endian.

import type { Lane } from '../ports/network.ts';

/** Bytes of frames that may be under way on each lane, headers included. */
export const CREDIT_WINDOW_BYTES: Readonly<Record<Lane, number>> = {
  control: 512 * 1024,
  // Eight times what a channel buffers: the sender never waits for a receiver that takes what comes.
  bulk: 2 * 1024 * 1024,
};

const CREDIT_BYTES = 8;
const LANES = ['control', 'bulk'] as const satisfies readonly Lane[];

export interface Credit {
  readonly lane: Lane;
  readonly bytes: number;
}

export function encodeCredit({ lane, bytes }: Credit): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(CREDIT_BYTES);
  payload[0] = LANES.indexOf(lane);
  new DataView(payload.buffer).setUint32(4, bytes, true);
  return payload;
}

/** `undefined` for bytes that are no credit. */
export function decodeCredit(payload: Uint8Array<ArrayBuffer>): Credit | undefined {
  if (payload.length !== CREDIT_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const lane = LANES[view.getUint8(0)];
  if (lane === undefined || view.getUint8(1) !== 0 || view.getUint16(2, true) !== 0) return undefined;
  const bytes = view.getUint32(4, true);
  return bytes === 0 ? undefined : { lane, bytes };
}

/** The sender's side: what of each lane is under way. */
export interface CreditSpent {
  /** Whether so many more bytes may leave now. */
  allows(bytes: number): boolean;
  spend(bytes: number): void;
  /** False for credit on what was never sent. */
  restore(bytes: number): boolean;
}

export function createCreditSpent(windowBytes: number): CreditSpent {
  let underWay = 0;
  return {
    allows: (bytes) => underWay + bytes <= windowBytes,
    spend(bytes) {
      underWay += bytes;
    },
    restore(bytes) {
      if (bytes > underWay) return false;
      underWay -= bytes;
      return true;
    },
  };
}

/** The receiver's side: tells how much credit is due, a quarter of the window at a time. */
export function createCreditDue(windowBytes: number): (taken: number) => number {
  let due = 0;
  return (taken) => {
    due += taken;
    if (due < windowBytes / 4) return 0;
    const given = due;
    due = 0;
    return given;
  };
}

/**
 * More frames than this within a second are a flood, which costs a rank its time however small they are. An honest rank sends some
 * hundred control messages a second at most, and some thousand small parts.
 */
export const FLOOD_FRAMES: Readonly<Record<Lane, number>> = { control: 2_000, bulk: 20_000 };
export const FLOOD_MS = 1_000;

// Credit between the two ends of a link: how much a sender may have under way that its receiver has not taken. A data channel
// acknowledges what the browser has received, not what a busy worker has taken: without credit, the queue in front of one that is
// held up for seconds would grow as fast as the wire allows.
//
// A credit frame's payload: u8 lane, three bytes of 0, u32 bytes taken since the last credit, little-endian.

import type { Lane } from '../ports/network.ts';

/** Bytes of frames that may be under way on a lane, headers included. */
export interface CreditWindow {
  /** What a lane begins with. */
  readonly least: number;
  readonly most: number;
}

/**
 * All of a link's bytes take one way: whatever is under way on bulk, a control message waits behind, in the sender's and in the
 * receiver's queues. So the window is as small as keeps the way busy, also while the other tab waits for its turn on a core. Measured
 * between two tabs on two cores, 4 MiB each way, by turns: an exchange took 220 ms with 256 KiB under way, 206 with 512 and with 1,024,
 * and a control round trip 10, 20 and 33 ms in the middle, 37, 52 and 140 ms at p99. Where other work slows the tabs to half of that, 256
 * KiB last as long as 512 do here, and as much makes control wait as long. So a fast or a long way has a larger window.
 */
export const CREDIT_WINDOW_BYTES: Readonly<Record<Lane, CreditWindow>> = {
  control: { least: 512 * 1024, most: 512 * 1024 },
  bulk: { least: 256 * 1024, most: 2 * 1024 * 1024 },
};

/** Bytes taken for which a receiver gives credit at once: two full frames on bulk, and no more than half of the least window. */
export const CREDIT_GRAIN_BYTES: Readonly<Record<Lane, number>> = {
  control: 128 * 1024,
  bulk: 96 * 1024,
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

/** The window against what the way holds, the rate times the round trip: half of it is on the way, half waits. */
const GAIN = 2;
/** A slower rate counts for so little at a time: pauses of the sender are slow as well. */
const SLOWER = 1 / 64;
/** Round trips are timed for bytes this far apart. */
const MARK_BYTES = 16 * 1024;
/** The window lasts at least so long, in milliseconds, at the mean rate of late: a tab waits for its turn on a core about as long. */
export const HOLD_MS = 25;
/** The mean is taken over so long, in milliseconds, in which something was always under way. */
const MEAN_MS = 50;

/**
 * The window follows the way: twice its fastest rate of late times its shortest round trip, or what its mean rate moves in `HOLD_MS`. `now`
 * in milliseconds.
 */
export function createCreditSpent({ least, most }: CreditWindow, now: () => number): CreditSpent {
  let window = least;
  let spent = 0;
  let restored = 0;
  /** Bytes that were sent up to a time, and how many had been credited then: oldest first. */
  const marks: { readonly end: number; readonly at: number; readonly restored: number }[] = [];
  let shortestMs = Infinity;
  let fastest = 0;
  /** Bytes a millisecond; and what it is taken from next. */
  let mean = 0;
  let busy = { since: 0, restored: 0 };

  /** As BBR does it (Cardwell et al., 2016): what was credited since a byte left, over its round trip. */
  function measure(end: number): void {
    const busyMs = now() - busy.since;
    if (busyMs >= MEAN_MS) {
      mean = (end - busy.restored) / busyMs;
      busy = { since: now(), restored: end };
    }
    let mark: (typeof marks)[number] | undefined;
    while (marks[0] !== undefined && marks[0].end <= end) mark = marks.shift();
    if (mark === undefined) return;
    const ms = now() - mark.at;
    if (ms <= 0) return;
    shortestMs = Math.min(shortestMs, ms);
    const rate = (end - mark.restored) / ms;
    fastest = rate > fastest ? rate : fastest + (rate - fastest) * SLOWER;
    window = Math.min(most, Math.max(least, GAIN * fastest * shortestMs, HOLD_MS * mean));
  }

  return {
    allows: (bytes) => spent - restored + bytes <= window,
    spend(bytes) {
      if (spent === restored) busy = { since: now(), restored };
      spent += bytes;
      if (least < most && spent - (marks.at(-1)?.end ?? restored) >= MARK_BYTES)
        marks.push({ end: spent, at: now(), restored });
    },
    restore(bytes) {
      if (bytes > spent - restored) return false;
      restored += bytes;
      measure(restored);
      return true;
    },
  };
}

/** The receiver's side: tells how much credit is due, a grain at a time. */
export function createCreditDue(grainBytes: number): (taken: number) => number {
  let due = 0;
  return (taken) => {
    due += taken;
    if (due < grainBytes) return 0;
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

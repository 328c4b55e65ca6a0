// One direction of a link as bytes: each lane's send queue in front of a wire of some bandwidth.

import type { Lane } from '../ports/network.ts';

/** Bytes a millisecond. Between two tabs of one machine, 7 to 14 MB/s were measured. */
export const USUAL_BANDWIDTH = 10_000;

interface Queue {
  bytes: number;
  /** When `bytes` was right. */
  at: number;
}

export interface Wire {
  /** Each lane moves this many bytes a millisecond. */
  bandwidth: number;
  readonly queues: Readonly<Record<Lane, Queue>>;
}

export const createWire = (): Wire => ({
  bandwidth: USUAL_BANDWIDTH,
  queues: { control: { bytes: 0, at: 0 }, bulk: { bytes: 0, at: 0 } },
});

/** Bytes that were accepted on a lane and are not yet on the wire. */
export function queuedOn({ bandwidth, queues }: Wire, lane: Lane, now: number): number {
  const queue = queues[lane];
  queue.bytes = Math.max(0, queue.bytes - (now - queue.at) * bandwidth);
  queue.at = now;
  return queue.bytes;
}

/**
 * Takes a message whole, and tells how many milliseconds pass until its last byte is on the wire; undefined: it would not fit.
 * A single message that is longer than the limit still goes when nothing waits.
 */
export function offer(wire: Wire, lane: Lane, bytes: number, limit: number, now: number): number | undefined {
  const waiting = queuedOn(wire, lane, now);
  if (waiting > 0 && waiting + bytes > limit) return undefined;
  wire.queues[lane].bytes = waiting + bytes;
  return (waiting + bytes) / wire.bandwidth;
}

/** Another bandwidth from now on. What was accepted before keeps its time of arrival. */
export function setBandwidth(wire: Wire, bandwidth: number, now: number): void {
  queuedOn(wire, 'control', now);
  queuedOn(wire, 'bulk', now);
  wire.bandwidth = bandwidth;
}

/** The connection has ended, and what waited with it. */
export function clearWire({ queues }: Wire): void {
  queues.control.bytes = 0;
  queues.bulk.bytes = 0;
}

// One direction of a link as bytes: each lane's send queue in front of a wire of some bandwidth.

import type { Lane } from '../ports/network.ts';

/** Bytes a millisecond. Between two tabs of one machine, 7 to 14 MB/s were measured. */
export const USUAL_BANDWIDTH = 10_000;

interface Queue {
  bytes: number;
  /** When `bytes` was right. */
  at: number;
  /** When the last message arrives: nothing arrives before what was sent earlier on its lane. */
  lastArrival: number;
}

/** A lane has a queue once something was sent on it: of the many links of a large room, most never carry bulk. */
export interface Wire extends Record<Lane, Queue | undefined> {
  /** Each lane moves this many bytes a millisecond. */
  bandwidth: number;
}

export const createWire = (): Wire => ({ bandwidth: USUAL_BANDWIDTH, control: undefined, bulk: undefined });

const queueOf = (wire: Wire, lane: Lane): Queue => (wire[lane] ??= { bytes: 0, at: 0, lastArrival: 0 });

/** Bytes that were accepted on a lane and are not yet on the wire. */
export function queuedOn(wire: Wire, lane: Lane, now: number): number {
  const queue = wire[lane];
  return queue === undefined ? 0 : drain(queue, wire.bandwidth, now);
}

function drain(queue: Queue, bandwidth: number, now: number): number {
  queue.bytes = Math.max(0, queue.bytes - (now - queue.at) * bandwidth);
  queue.at = now;
  return queue.bytes;
}

/** When a message arrives that would do so at `due`, if nothing overtakes what was sent earlier on its lane. */
export function inOrder(wire: Wire, lane: Lane, due: number): number {
  const queue = queueOf(wire, lane);
  queue.lastArrival = Math.max(due, queue.lastArrival);
  return queue.lastArrival;
}

/**
 * Takes a message whole, and tells how many milliseconds pass until its last byte is on the wire; undefined: it would not fit.
 * A single message that is longer than the limit still goes when nothing waits.
 */
export function offer(wire: Wire, lane: Lane, bytes: number, limit: number, now: number): number | undefined {
  const queue = queueOf(wire, lane);
  const waiting = drain(queue, wire.bandwidth, now);
  if (waiting > 0 && waiting + bytes > limit) return undefined;
  queue.bytes = waiting + bytes;
  return (waiting + bytes) / wire.bandwidth;
}

/** Another bandwidth from now on. What was accepted before keeps its time of arrival. */
export function setBandwidth(wire: Wire, bandwidth: number, now: number): void {
  queuedOn(wire, 'control', now);
  queuedOn(wire, 'bulk', now);
  wire.bandwidth = bandwidth;
}

/** The connection has ended, and what waited with it. */
export function clearWire({ control, bulk }: Wire): void {
  for (const queue of [control, bulk]) if (queue !== undefined) queue.bytes = 0;
}

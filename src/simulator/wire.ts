// One direction of a link as bytes: each lane's send queue in front of a wire of some bandwidth.
//
// A large room has tens of thousands of wires, and every message touches one. So a wire is a row of eight numbers in one list: a single
// line of a processor's cache, where objects would take one for each number.

import type { Lane } from '../ports/network.ts';

/** Bytes a millisecond. Between two tabs of one machine, 7 to 14 MB/s were measured. */
export const USUAL_BANDWIDTH = 10_000;

/** Which row. */
export type Wire = number & { readonly brand: 'Wire' };

export interface Wires {
  create(): Wire;
  /**
   * Takes a message whole, and tells how many milliseconds pass until its last byte is on the wire; undefined: it would not fit.
   * A single message that is longer than the limit still goes when nothing waits.
   */
  offer(wire: Wire, lane: Lane, bytes: number, limit: number, now: number): number | undefined;
  /** Bytes that were accepted on a lane and are not yet on the wire. */
  queuedOn(wire: Wire, lane: Lane, now: number): number;
  /** When a message arrives that would do so at `due`, if nothing overtakes what was sent earlier on its lane. */
  inOrder(wire: Wire, lane: Lane, due: number): number;
  /** When the last message of any lane arrives; 0 where none was sent. */
  lastArrival(wire: Wire): number;
  /** Another bandwidth from now on, of each lane. What was accepted before keeps its time of arrival. */
  setBandwidth(wire: Wire, bandwidth: number, now: number): void;
  /** The connection has ended, and what waited with it. */
  clear(wire: Wire): void;
}

/** Of a row: the bandwidth, then for each lane the bytes that wait, when that was right, and the last arrival. */
const ROW = 8;
const BANDWIDTH = 0;
const LANE: Readonly<Record<Lane, number>> = { control: 1, bulk: 4 };
const BYTES = 0;
const AT = 1;
/** Nothing arrives before what was sent earlier on its lane. */
const LAST_ARRIVAL = 2;

const INITIAL_ROWS = 64;

export function createWires(): Wires {
  let numbers = new Float64Array(INITIAL_ROWS * ROW);
  let count = 0;

  const read = (place: number): number => numbers[place] ?? 0;

  function drain(wire: Wire, lane: Lane, now: number): number {
    const queue = wire + LANE[lane];
    const bytes = Math.max(0, read(queue + BYTES) - (now - read(queue + AT)) * read(wire + BANDWIDTH));
    numbers[queue + BYTES] = bytes;
    numbers[queue + AT] = now;
    return bytes;
  }

  return {
    create() {
      const wire = (count++ * ROW) as Wire;
      if (wire === numbers.length) {
        const larger = new Float64Array(2 * numbers.length);
        larger.set(numbers);
        numbers = larger;
      }
      numbers[wire + BANDWIDTH] = USUAL_BANDWIDTH;
      return wire;
    },
    offer(wire, lane, bytes, limit, now) {
      const waiting = drain(wire, lane, now);
      if (waiting > 0 && waiting + bytes > limit) return undefined;
      numbers[wire + LANE[lane] + BYTES] = waiting + bytes;
      return (waiting + bytes) / read(wire + BANDWIDTH);
    },
    queuedOn: drain,
    inOrder(wire, lane, due) {
      const place = wire + LANE[lane] + LAST_ARRIVAL;
      const at = Math.max(due, read(place));
      numbers[place] = at;
      return at;
    },
    lastArrival: (wire) =>
      Math.max(read(wire + LANE.control + LAST_ARRIVAL), read(wire + LANE.bulk + LAST_ARRIVAL)),
    setBandwidth(wire, bandwidth, now) {
      drain(wire, 'control', now);
      drain(wire, 'bulk', now);
      numbers[wire + BANDWIDTH] = bandwidth;
    },
    clear(wire) {
      for (const lane of Object.values(LANE)) numbers[wire + lane + BYTES] = 0;
    },
  };
}

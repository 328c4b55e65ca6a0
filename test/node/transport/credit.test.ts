// Credit: enough to keep a way busy, and not much more, since control waits behind it.

import { describe, expect, it } from 'vitest';
import {
  createCreditDue,
  createCreditSpent,
  CREDIT_GRAIN_BYTES,
  CREDIT_WINDOW_BYTES,
  decodeCredit,
  encodeCredit,
  HOLD_MS,
} from '../../../src/transport/credit.ts';

const FRAME = 64 * 1024;
const { least, most } = CREDIT_WINDOW_BYTES.bulk;

/** A way that moves nothing but in turns, as where tabs share a core: so long, then so long not, in milliseconds. */
interface Turns {
  readonly onMs: number;
  readonly offMs: number;
}

/** When a way that begins at a time has worked for so long. */
function workedAt(from: number, workMs: number, { onMs, offMs }: Turns): number {
  let at = from;
  let left = workMs;
  for (;;) {
    const into = at % (onMs + offMs);
    const turn = Math.max(0, onMs - into);
    if (turn >= left) return at + left;
    left -= turn;
    at += onMs + offMs - into;
  }
}

/**
 * A sender with ever more to send, on a way of so many bytes a millisecond while it works and so long a trip, for a while of virtual time.
 */
function run(
  bytesPerMs: number,
  tripMs: number,
  ms: number,
  turns: Turns = { onMs: 1_000, offMs: 0 },
): { readonly rate: number; readonly waitMs: number } {
  let now = 0;
  const spent = createCreditSpent(CREDIT_WINDOW_BYTES.bulk, CREDIT_GRAIN_BYTES.bulk, () => now);
  const due = createCreditDue(CREDIT_GRAIN_BYTES.bulk);
  const events: { readonly at: number; readonly act: () => void }[] = [];
  const at = (time: number, act: () => void): void => {
    const place = events.findIndex((event) => event.at > time);
    events.splice(place < 0 ? events.length : place, 0, { at: time, act });
  };
  /** When the way has taken all that was given to it. */
  let freeAt = 0;
  let taken = 0;
  let longestWait = 0;
  const send = (): void => {
    while (spent.allows(FRAME)) {
      spent.spend(FRAME);
      if (now > ms / 2) longestWait = Math.max(longestWait, freeAt - now);
      freeAt = workedAt(Math.max(now, freeAt), FRAME / bytesPerMs, turns);
      at(freeAt + tripMs, () => {
        if (now > ms / 2) taken += FRAME;
        const credit = due(FRAME);
        if (credit > 0)
          at(now + tripMs, () => {
            expect(spent.restore(credit)).toBe(true);
            send();
          });
      });
    }
  };
  send();
  for (let next = events.shift(); next !== undefined && next.at < ms; next = events.shift()) {
    now = next.at;
    next.act();
  }
  return { rate: taken / (ms / 2), waitMs: longestWait };
}

describe('credit', () => {
  it.each([
    ['two tabs of a busy machine', 10_000, 0.5],
    ['two tabs of an idle one', 60_000, 0.5],
    ['a local network', 60_000, 2],
    ['a town', 10_000, 20],
    ['an ocean', 5_000, 75],
  ])(
    'keeps the way between %s busy, and makes nothing wait for longer than a round trip, the least window or 25 ms',
    (_, bytesPerMs, tripMs) => {
      const { rate, waitMs } = run(bytesPerMs, tripMs, 20_000);
      expect(rate).toBeGreaterThan(0.85 * bytesPerMs);
      const roundTrip = 2 * (2 * tripMs + FRAME / bytesPerMs);
      expect(waitMs).toBeLessThanOrEqual(Math.max(least / bytesPerMs, roundTrip, HOLD_MS));
    },
  );

  it('makes nothing wait for 50 ms between two of eight tabs on two cores, which move 2.7 MB in a second each', () => {
    const { rate, waitMs } = run(2_700, 0.5, 20_000);
    expect(rate).toBeGreaterThan(0.95 * 2_700);
    expect(waitMs).toBeLessThan(50);
  });

  it('is not taken in by a tab that gets a core in turns, and is fast then', () => {
    const turns = { onMs: 5, offMs: 20 };
    const { rate, waitMs } = run(15_000, 1, 20_000, turns);
    expect(rate).toBeGreaterThan(0.85 * 3_000);
    expect(waitMs).toBeLessThan(least / 3_000);
  });

  it('learns how fast a way is also of bursts, with pauses between them', () => {
    let now = 0;
    const spent = createCreditSpent(CREDIT_WINDOW_BYTES.bulk, CREDIT_GRAIN_BYTES.bulk, () => now);
    const due = createCreditDue(CREDIT_GRAIN_BYTES.bulk);
    let widest = 0;
    for (let burst = 0; burst < 40; burst++) {
      for (let left = 16; left > 0;) {
        let sent = 0;
        for (; left > 0 && spent.allows(FRAME); left--, sent += FRAME) spent.spend(FRAME);
        widest = Math.max(widest, sent);
        // A frame a millisecond, and two until word comes back.
        now += 2;
        for (; sent > 0; sent -= FRAME) {
          now += 1;
          const credit = due(FRAME);
          if (credit > 0) expect(spent.restore(credit)).toBe(true);
        }
      }
      now += 1_000;
    }
    expect(widest).toBeGreaterThanOrEqual(16 * FRAME);
  });

  it('never lets more be under way than the most that it may, however long the way is', () => {
    let now = 0;
    const spent = createCreditSpent(CREDIT_WINDOW_BYTES.bulk, CREDIT_GRAIN_BYTES.bulk, () => now);
    let underWay = 0;
    for (let round = 0; round < 50; round++) {
      while (spent.allows(FRAME)) {
        spent.spend(FRAME);
        underWay += FRAME;
      }
      expect(underWay).toBeLessThanOrEqual(most);
      now += 1000;
      expect(spent.restore(underWay)).toBe(true);
      underWay = 0;
    }
    expect(spent.restore(1)).toBe(false);
  });

  it('is given a grain at a time, for all that was taken', () => {
    const due = createCreditDue(100);
    expect([30, 60, 20, 250, 0].map(due)).toEqual([0, 0, 110, 250, 0]);
    expect(decodeCredit(encodeCredit({ lane: 'bulk', bytes: 110 }))).toEqual({ lane: 'bulk', bytes: 110 });
  });
});

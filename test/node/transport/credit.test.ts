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

/** A sender with ever more to send, on a way of so many bytes a millisecond and so long a trip, for a while of virtual time. */
function run(
  bytesPerMs: number,
  tripMs: number,
  ms: number,
): { readonly rate: number; readonly waitMs: number } {
  let now = 0;
  const spent = createCreditSpent(CREDIT_WINDOW_BYTES.bulk, () => now);
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
      freeAt = Math.max(now, freeAt) + FRAME / bytesPerMs;
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

  it('never lets more be under way than the most that it may, however long the way is', () => {
    let now = 0;
    const spent = createCreditSpent(CREDIT_WINDOW_BYTES.bulk, () => now);
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

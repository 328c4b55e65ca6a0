// Seats are given up in an order in which no vote can be forgotten.

import { expect, it } from 'vitest';
import { createSeats } from '../../../src/live/seats.ts';
import type { SeatId } from '../../../src/ports/ids.ts';
import { emptyRecord } from '../../../src/protocol/votes.ts';
import { createProfile } from './memory-ports.ts';
import { createVirtualClock } from './virtual-clock.ts';

const OWN = '0'.repeat(32) as SeatId;
const DEAD = '1'.repeat(32) as SeatId;

it('a seat goes to its next holder only when the ballots that were begun for it are written', async () => {
  const clock = createVirtualClock();
  const profile = createProfile(clock);
  const page = {};
  let land = (): void => undefined;
  const acquired: SeatId[] = [];
  const seats = createSeats({
    own: OWN,
    clock,
    locks: profile.seatLocks(page),
    ballots: {
      ...profile.ballotStore,
      async save(seat, record) {
        if (seat === DEAD) await new Promise<void>((resolve) => (land = resolve));
        await profile.ballotStore.save(seat, record);
      },
    },
    acquired: (seat) => void acquired.push(seat),
    unusable: () => undefined,
  });
  await seats.open();
  await profile.ballotStore.save(DEAD, emptyRecord(DEAD, undefined));
  seats.watch([DEAD]);
  await expect.poll(() => acquired).toEqual([DEAD]);

  const vote = { ...emptyRecord(DEAD, undefined), promised: { round: 4, proposer: OWN as never } };
  const stored = seats.store(vote);
  seats.release(DEAD);
  let found: unknown;
  profile.seatLocks({}).watch(
    DEAD,
    () => (found = profile.ballots.get(DEAD)),
    () => undefined,
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(found).toBeUndefined();
  land();
  await stored;
  await expect.poll(() => found).toEqual(vote);
});

// The ballot store over an IndexedDB in memory: records come back as they were, in the order in which they were saved.

import 'fake-indexeddb/auto';
import { describe, expect, test } from 'vitest';
import { openBallotStore } from '../../../src/checkpoint/ballots.ts';
import type { SeatId } from '../../../src/ports/ids.ts';
import { StoreError } from '../../../src/ports/store.ts';
import { runUntilCrash } from './crashing-database.ts';

const SEAT = '1'.repeat(32) as SeatId;
const OTHER = '2'.repeat(32) as SeatId;

describe('a ballot store', () => {
  test('gives back each seat its own record, and nothing for a seat it does not know', async () => {
    const store = openBallotStore('ballots 1');
    await store.save(SEAT, { round: 1, proposer: 'a' });
    await store.save(OTHER, { round: 2 });
    expect(await store.load(SEAT)).toEqual({ round: 1, proposer: 'a' });
    expect(await openBallotStore('ballots 1').load(OTHER)).toEqual({ round: 2 });
    await store.delete(SEAT);
    expect(await store.load(SEAT)).toBeUndefined();
  });

  test('stores the records in the order of the calls', async () => {
    const store = openBallotStore('ballots 2');
    await Promise.all([1, 2, 3, 4, 5].map((round) => store.save(SEAT, { round })));
    expect(await store.load(SEAT)).toEqual({ round: 5 });
  });

  test('holds the old record or the new one when its page dies', async () => {
    const store = openBallotStore('ballots 3');
    await store.save(SEAT, { round: 1 });
    for (const dieAt of [1, 2]) {
      await runUntilCrash(dieAt, () => store.save(SEAT, { round: 2 }));
      expect(await openBallotStore('ballots 3').load(SEAT)).toEqual({ round: 1 });
    }
    await runUntilCrash(3, () => store.save(SEAT, { round: 2 }));
    expect(await openBallotStore('ballots 3').load(SEAT)).toEqual({ round: 2 });
  });

  test('refuses what cannot be stored, in words', async () => {
    const store = openBallotStore('ballots 4');
    await expect(store.save(SEAT, { call: () => undefined })).rejects.toThrow(/Store plain data only/);
    await expect(store.save(SEAT, { call: () => undefined })).rejects.toBeInstanceOf(StoreError);
    await store.save(SEAT, { round: 1 });
    expect(await store.load(SEAT)).toEqual({ round: 1 });
  });
});

// A browser that stores nothing, as some do in private windows: it trains all the same, and says what it lacks.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBallotStore } from '../../../src/checkpoint/ballots.ts';
import { deviceIn } from '../../../src/checkpoint/device.ts';
import { openCheckpointStore } from '../../../src/checkpoint/store.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { withoutIndexedDB } from '../../support/without-indexeddb.ts';
import { createRoom } from './room.ts';
import type { TestRank } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

/** The real stores, in an environment without IndexedDB. */
const NOTHING = () => ({
  ballots: openBallotStore(),
  checkpoints: openCheckpointStore({ keep: 3, now: () => 0 }),
  device: () => deviceIn('ROOMAA'),
});

const isDone = ({ host }: TestRank): boolean => host.status().phase === 'done';
const eventsOf = ({ host }: TestRank): readonly TraceEvent[] => host.log(0, 10_000).map(({ event }) => event);

describe('without IndexedDB', () => {
  let putBack = (): void => undefined;
  beforeEach(() => {
    putBack = withoutIndexedDB();
  });
  afterEach(() => {
    putBack();
  });

  test('a rank alone trains to the same end, and each save that fails says why', async () => {
    expect('indexedDB' in globalThis).toBe(false);
    const room = createRoom();
    const usual = await room.open({ options: { fresh: true } });
    await room.clock.until('the usual one is done', () => isDone(usual));
    const hash = usual.host.status().stateHash;
    usual.kill();

    const rank = await room.open({ ports: NOTHING(), options: { fresh: true } });
    await room.clock.until('it is done', () => isDone(rank));
    expect(rank.host.status().stateHash).toBe(hash);
    expect(eventsOf(rank)).toContainEqual(
      expect.objectContaining({
        kind: 'checkpointFailed',
        reason: expect.stringMatching(
          /no IndexedDB\. Use a current browser, outside of a private window/,
        ) as string,
      }),
    );
    expect(eventsOf(rank).filter(({ kind }) => kind === 'stopped' || kind === 'violated')).toEqual([]);
    await expect(rank.host.copies()).rejects.toThrow(/no IndexedDB/);
  });

  test('a rank is taken in by others, trains with them, and tells that it cannot vote', async () => {
    const room = createRoom({ ...SMALL_JOB, steps: 200 });
    const ranks = await room.openAll(2);
    const late = await room.open({ ports: NOTHING(), options: { autostart: false } });
    await room.clock.until('there are three', () => late.host.status().members.length === 3);
    expect(late.host.status().problem).toMatch(/does not store votes, so this rank cannot vote/);
    ranks[0]?.host.command('start');
    await room.clock.until('all are done', () => [...ranks, late].every(isDone));
    expect(new Set([...ranks, late].map(({ host }) => host.status().stateHash)).size).toBe(1);
  });
});

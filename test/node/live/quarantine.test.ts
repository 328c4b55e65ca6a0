// A room of live ranks whose data holds bad samples: all agree to leave them out, and come to the state of one rank that does.

import { describe, expect, test } from 'vitest';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { faultyLoader } from '../../../src/faults/loader.ts';
import { recoveryOf } from '../../../src/job/recovery-schema.ts';
import type { Job } from '../../../src/job/job.ts';
import { parseJob } from '../../../src/job/job.ts';
import { guardedLoader } from '../../../src/live/guarded-loader.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { injectInto } from '../faults/inject-into.ts';
import { createRoom } from './room.ts';
import type { TestRank } from './room.ts';
import { SMALL_JOB, smallLoader } from './small-job.ts';

/** Of 64 samples in batches of 16, each comes up in the first four steps. */
const BAD = [3, 17, 40];

const engineWith = (bad: readonly number[], job: Job, clock: Clock): Engine => {
  const faulty = faultyLoader(smallLoader);
  for (const row of bad) injectInto(faulty.faults, { kind: 'bad-sample', row });
  const recovery = recoveryOf(job.policies);
  return createCpuEngine({
    job,
    loader: guardedLoader({ loader: faulty.loader, recovery, clock, note: () => undefined }),
    reason: 'The test asked for it.',
  });
};

async function train(ranks: number, job: Job, badOf: (rank: number) => readonly number[]) {
  const room = createRoom(job);
  const { clock } = room;
  const open = (rank: number): Promise<TestRank> =>
    room.open({
      options: { fresh: rank === 0, autostart: false },
      ports: { openEngine: (wanted) => Promise.resolve(engineWith(badOf(rank), wanted, clock)) },
    });
  const all: TestRank[] = [];
  for (let rank = 0; rank < ranks; rank++) all.push(await open(rank));
  await clock.until('all are members', () =>
    all.every(({ host }) => host.status().members.length === ranks && host.status().phase === 'idle'),
  );
  all[0]?.host.command('start');
  return { room, clock, all, open };
}

const quarantinedIn = (rank: TestRank): readonly number[] =>
  rank.host
    .log(0, 100_000)
    .flatMap(({ event }) => (event.kind === 'quarantined' ? event.rows : []))
    .toSorted((a, b) => a - b);

describe('bad samples', () => {
  test('are left out by all ranks, whoever finds them; whoever comes later knows them; the bits are those of one rank', async () => {
    const alone = await train(1, SMALL_JOB, () => BAD);
    await alone.clock.until('it is done', () => alone.all[0]?.host.status().phase === 'done');
    const [single] = alone.all;
    expect(single === undefined ? [] : quarantinedIn(single)).toEqual(BAD);

    const { clock, all, open } = await train(3, SMALL_JOB, () => BAD);
    await clock.until('some steps are committed', () =>
      all.every(({ host }) => host.status().committed >= 6),
    );
    for (const rank of all) expect(quarantinedIn(rank)).toEqual(BAD);
    // A newcomer whose own loader finds nothing wrong heals the list with the state.
    all[2]?.kill('lock-released');
    const late = await open(3);
    const left = [...all.slice(0, 2), late];
    await clock.until('all are done', () => left.every(({ host }) => host.status().phase === 'done'));
    const hash = single?.host.status().stateHash;
    expect(left.map(({ host }) => host.status().stateHash)).toEqual([hash, hash, hash]);
  });

  test('of one rank alone are left out by the others too', async () => {
    const { clock, all } = await train(3, SMALL_JOB, (rank) => (rank === 1 ? BAD : []));
    await clock.until('all are done', () => all.every(({ host }) => host.status().phase === 'done'));
    expect(new Set(all.map(({ host }) => host.status().stateHash)).size).toBe(1);
    // Whatever share it had of them; over eight epochs it comes to each.
    const lists = all.map(quarantinedIn);
    expect(new Set(lists.map(String)).size).toBe(1);
    expect(lists[0]?.every((row) => BAD.includes(row))).toBe(true);
  });

  test('past what the job allows stop the room, on all ranks, with the reason', async () => {
    const job = parseJob({
      ...SMALL_JOB,
      policies: { ...SMALL_JOB.policies, recovery: { quarantine: 2 } },
    });
    const { clock, all } = await train(2, job, () => BAD);
    await clock.until('both have stopped', () => all.every(({ host }) => host.status().phase === 'stopped'));
    for (const { host } of all) expect(host.status().problem).toContain('bad sample');
  });

  test('survive all tabs: the list is in the checkpoint', async () => {
    const { room, clock, all, open } = await train(2, SMALL_JOB, () => BAD);
    await clock.until('a checkpoint is behind them', () =>
      [...room.profile.records.values()].some(({ summary }) => summary.step >= 10),
    );
    for (const rank of all) rank.kill();
    // Its own loader finds nothing wrong any more.
    const again = await open(5);
    again.host.command('start');
    await clock.until('it is done', () => again.host.status().phase === 'done');
    const alone = await train(1, SMALL_JOB, () => BAD);
    await alone.clock.until('it is done', () => alone.all[0]?.host.status().phase === 'done');
    expect(again.host.status().stateHash).toBe(alone.all[0]?.host.status().stateHash);
  });
});

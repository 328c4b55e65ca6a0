// A running room of real ranks that goes back to a checkpoint which somebody chose: as one, and to the same end.

import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/job/job.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { createProfile } from './memory-ports.ts';
import { createRoom } from './room.ts';
import type { Room, TestRank } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const JOB: Job = {
  ...SMALL_JOB,
  steps: 60,
  policies: { ...SMALL_JOB.policies, checkpointEvery: 10, checkpointsKept: 20 },
};

const isDone = ({ host }: TestRank): boolean => host.status().phase === 'done';

const told = <Kind extends TraceEvent['kind']>({ host }: TestRank, kind: Kind) =>
  host
    .log(0, 100_000)
    .flatMap(({ event }) => (event.kind === kind ? [event as Extract<TraceEvent, { kind: Kind }>] : []));

/** A room of so many, in which all train, and step `step` is saved. */
async function trained(room: Room, count: number, step: number): Promise<TestRank[]> {
  const ranks = await room.openAll(count);
  ranks[0]?.host.command('start');
  await room.clock.until(`step ${step} is saved`, () =>
    [...room.profile.records.values()].some(({ summary }) => summary.step === step),
  );
  return ranks;
}

const idOf = ({ profile }: Room, step: number): string => {
  const found = [...profile.records].find(([, { summary }]) => summary.step === step);
  if (found === undefined) throw new Error(`step ${step} was saved`);
  return found[0];
};

/** What became of asking, once something has. */
async function asked({ clock }: Room, rank: TestRank | undefined, id: string): Promise<string> {
  let came: string | undefined;
  rank?.host.rollBack(id).then(
    () => (came = 'gone back'),
    (error: unknown) => (came = String(error)),
  );
  await clock.until('something has become of it', () => came !== undefined);
  return came ?? '';
}

describe('a room that somebody takes back', () => {
  test('trains on from that checkpoint with all its ranks, whoever has it, and ends in the same state', async () => {
    const room = createRoom(JOB);
    const ranks = await trained(room, 3, 40);
    expect(await asked(room, ranks[1], idOf(room, 20))).toBe('gone back');
    expect(ranks[1]?.host.status().resumedFromStep).toBe(20);
    await room.clock.until('all are one generation again', () =>
      ranks.every(({ host }) => host.status().members.length === 3),
    );
    await room.clock.until('all are done', () => ranks.every(isDone));
    const hashes = ranks.map(({ host }) => host.status().stateHash);
    expect(ranks.flatMap((rank) => told(rank, 'violated'))).toEqual([]);
    expect(ranks.flatMap((rank) => told(rank, 'founded')).map(({ why, step }) => [why, step])).toEqual([
      ['new', 0],
      ['rolled-back', 20],
    ]);
    // Everybody knew where to, before it happened.
    for (const rank of ranks) expect(told(rank, 'installed').map(({ back }) => back)).toContain(20);

    const calm = createRoom(JOB);
    const [alone] = await trained(calm, 1, 60);
    expect(hashes).toEqual(hashes.map(() => alone?.host.status().stateHash));
  });

  test('comes back to what it went on to, and not to what it left, when all of its pages were closed', async () => {
    const room = createRoom({ ...JOB, steps: 400 });
    const ranks = await trained(room, 2, 40);
    const summaries = () => [...room.profile.records.values()].map(({ summary }) => summary);
    const furthest = Math.max(...summaries().map(({ step }) => step));
    expect(await asked(room, ranks[0], idOf(room, 10))).toBe('gone back');
    const since = () => summaries().filter(({ generation }) => generation.incarnation.startsWith('00000002'));
    await room.clock.until('a step since is saved', () => since().length > 0);
    for (const rank of ranks) rank.kill();
    await room.clock.settle();
    const newest = Math.max(...since().map(({ step }) => step));
    // One of the old line, of a step further on, is there as well.
    const old = summaries().find(({ step }) => step === furthest);
    const record = room.profile.records.get(old?.id ?? '');
    if (old === undefined || record === undefined) throw new Error('it was saved');
    room.profile.records.set('older', { ...record, summary: { ...old, id: 'older', step: newest + 5 } });
    const again = await room.open({ options: { autostart: false } });
    await room.clock.until('it has come back', () => again.host.status().resumedFromStep !== undefined);
    expect(again.host.status().resumedFromStep).toBe(newest);
  });

  test('is told why it stays where it is: the checkpoint is damaged, gone, or of another job', async () => {
    const room = createRoom(JOB);
    const ranks = await trained(room, 2, 40);
    const id = idOf(room, 10);
    const record = room.profile.records.get(id);
    if (record === undefined) throw new Error('it is there');
    room.profile.records.set(id, { ...record, file: record.file.slice(0, 100) });
    expect(await asked(room, ranks[0], id)).toMatch(/cannot go back to this checkpoint: .*do not verify/);
    expect(await asked(room, ranks[0], 'nowhere')).toMatch(/deleted, or replaced by newer ones/);
    room.profile.records.set(id, {
      ...record,
      summary: { ...record.summary, jobHash: '0'.repeat(64) as typeof record.summary.jobHash },
    });
    expect(await asked(room, ranks[0], id)).toMatch(/belongs to another job/);
    await room.clock.until('all are done', () => ranks.every(isDone));
    expect(ranks.flatMap((rank) => told(rank, 'founded'))).toHaveLength(1);
  });

  test('stays where it is when its majority is out of reach, and nobody goes back later by surprise', async () => {
    const room = createRoom(JOB);
    const ranks: TestRank[] = [];
    for (const place of [0, 1, 2])
      ranks.push(
        await room.open({
          profile: place === 0 ? room.profile : createProfile(room.clock),
          options: { fresh: place === 0, autostart: false },
        }),
      );
    await room.clock.until('they are one generation', () =>
      ranks.every(({ host }) => host.status().members.length === 3),
    );
    const [here] = ranks;
    if (here === undefined) throw new Error('there are three');
    here.host.command('start');
    await room.clock.until('step 20 is saved', () => room.profile.records.size >= 2);
    for (const rank of ranks.slice(1)) rank.kill();
    expect(await asked(room, here, idOf(room, 10))).toMatch(/members have not agreed in time/);
    expect(told(here, 'founded')).toHaveLength(1);
  });
});

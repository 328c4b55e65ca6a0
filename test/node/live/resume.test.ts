// Saved under four ranks, resumed under others: the same final state as of a run that nothing happened to, whatever was lost or damaged.

import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/job/job.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { createProfile } from './memory-ports.ts';
import { createRoom } from './room.ts';
import type { Room, TestRank } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const JOB: Job = { ...SMALL_JOB, microBatches: 8, steps: 40 };

const isDone = ({ host }: TestRank): boolean => host.status().phase === 'done';

async function undisturbed(): Promise<string | undefined> {
  const { clock, open } = createRoom(JOB);
  const rank = await open({ options: { fresh: true } });
  await clock.until('it is done', () => isDone(rank));
  return rank.host.status().stateHash;
}

/** Four ranks train until step 20 is saved, and are killed. */
async function savedUnderFour(room: Room): Promise<void> {
  const ranks = await room.openAll(4);
  ranks[0]?.host.command('start');
  await room.clock.until('step 20 is saved', () => stepsIn(room.profile).includes(20));
  for (const rank of ranks) rank.kill();
}

const stepsIn = ({ records }: Pick<ReturnType<typeof createProfile>, 'records'>): number[] =>
  [...records.values()].map(({ summary }) => summary.step).sort((a, b) => a - b);

const told = <Kind extends TraceEvent['kind']>({ host }: TestRank, kind: Kind) =>
  host
    .log(0, 100_000)
    .flatMap(({ event }) => (event.kind === kind ? [event as Extract<TraceEvent, { kind: Kind }>] : []));

describe('a run that was saved under four ranks', () => {
  test.each([1, 2, 3, 7])('ends the same when %d ranks resume it', async (count) => {
    const room = createRoom(JOB);
    await savedUnderFour(room);
    const again: TestRank[] = [];
    for (let i = 0; i < count; i++) again.push(await room.open());
    await room.clock.until('all are done', () => again.every(isDone));
    const hash = await undisturbed();
    expect(again.map(({ host }) => host.status().stateHash)).toEqual(again.map(() => hash));
    expect(again.map(({ host }) => host.status().resumedFromStep)).toContain(20);
  });

  test('falls back step by step past what is torn or of another job, and says what it skipped and why', async () => {
    const room = createRoom(JOB);
    await savedUnderFour(room);
    const { records } = room.profile;
    const find = (step: number) => [...records].find(([, { summary }]) => summary.step === step);
    const [torn, whole] = find(20) ?? [];
    const [foreign, other] = find(15) ?? [];
    if (torn === undefined || whole === undefined || foreign === undefined || other === undefined)
      throw new Error('both were saved');
    records.set(torn, { ...whole, file: whole.file.slice(0, 100) });
    records.set(foreign, {
      ...other,
      summary: { ...other.summary, jobHash: 'f'.repeat(64) as typeof other.summary.jobHash },
    });
    const rank = await room.open();
    await room.clock.until('it is done', () => isDone(rank));
    expect(rank.host.status()).toMatchObject({ resumedFromStep: 10, stateHash: await undisturbed() });
    const skipped = told(rank, 'checkpointSkipped').map(({ step, reason }) => `${step}: ${reason}`);
    expect(skipped).toContainEqual(expect.stringMatching(/^20: .*(cut short|do not verify)/));
    expect(skipped).toContainEqual(expect.stringMatching(/^15: .*another job/));
  });

  test('goes on from the newest that any member has, whoever comes first', async () => {
    for (const newestFirst of [true, false]) {
      const room = createRoom(JOB);
      await savedUnderFour(room);
      // Another device, whose newest checkpoint is older.
      const behind = createProfile(room.clock);
      for (const [id, record] of room.profile.records)
        if (record.summary.step <= 10) behind.records.set(id, record);
      const profiles = newestFirst ? [room.profile, behind] : [behind, room.profile];
      // Together, as people come back to a room: each has looked for a checkpoint before it hears of the other.
      const again = await Promise.all(profiles.map((profile) => room.open({ profile })));
      await room.clock.until('both are done', () => again.every(isDone));
      const hash = await undisturbed();
      expect(again.map(({ host }) => host.status().stateHash)).toEqual([hash, hash]);
      const founded = again.flatMap((rank) => told(rank, 'founded'));
      expect(Math.max(...founded.map(({ step }) => step))).toBe(20);
      const first = again.flatMap((rank) => told(rank, 'applied')).map(({ step }) => step);
      expect(Math.min(...first)).toBe(20);
    }
  });

  test('lies on every device once, however many ranks each has', async () => {
    const room = createRoom(JOB);
    const other = createProfile(room.clock);
    const written: string[] = [];
    const spied = [room.profile, other].map((profile, device) => ({
      ...profile,
      checkpointStore: {
        ...profile.checkpointStore,
        save: (...what: Parameters<typeof profile.checkpointStore.save>) => {
          written.push(`device ${device} step ${what[0].step}`);
          return profile.checkpointStore.save(...what);
        },
      },
    }));
    const [mine, theirs] = spied;
    if (mine === undefined || theirs === undefined) throw new Error('there are two');
    const options = { autostart: false };
    const ranks = [await room.open({ profile: mine, options: { ...options, fresh: true } })];
    for (const profile of [mine, theirs, theirs]) ranks.push(await room.open({ profile, options }));
    await room.clock.until('four are members', () =>
      ranks.every(({ host }) => host.status().members.length === 4 && host.status().phase === 'idle'),
    );
    ranks[0]?.host.command('start');
    await room.clock.until('all are done', () => ranks.every(isDone));
    await room.clock.until('the last step is on both', () =>
      [room.profile, other].every((profile) => stepsIn(profile).includes(40)),
    );
    expect(written).toContain('device 0 step 20');
    expect(written).toContain('device 1 step 20');
    expect(new Set(written).size).toBe(written.length);
  });

  test('needs no checkpoint while one tab is left: the others get its copy from memory', async () => {
    const room = createRoom(JOB);
    const ranks = await room.openAll(4);
    ranks[0]?.host.command('start');
    await room.clock.until('they train', () => (ranks[0]?.host.status().step ?? 0) > 5);
    for (const rank of ranks.slice(1)) rank.kill('lock-released');
    room.profile.records.clear();
    const late = await room.open();
    await room.clock.until('both are done', () => [ranks[0], late].every((rank) => rank && isDone(rank)));
    expect(late.host.status().stateHash).toBe(await undisturbed());
    expect([ranks[0], late].map((rank) => rank?.host.status().resumedFromStep)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

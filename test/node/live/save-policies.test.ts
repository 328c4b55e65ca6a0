// When rooms save: by steps, epochs, seconds, before hiding, automatically; under which name; and from which checkpoint they go on.

import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/job/job.ts';
import { jobHash, parseJob } from '../../../src/job/job.ts';
import { savePolicy } from '../../../src/lab/query.ts';
import { createSavePacer } from '../../../src/live/save-pacer.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { ledgerOf } from '../../../src/trace/ledger.ts';
import { createRoom } from './room.ts';
import type { Room } from './room.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';

type When = Job['policies']['checkpointWhen'];

const jobWith = (checkpointWhen: When, changes: Partial<Job> = {}): Job =>
  parseJob({
    ...SMALL_JOB,
    ...changes,
    policies: { ...SMALL_JOB.policies, checkpointEvery: 1_000_000, checkpointsKept: 100, checkpointWhen },
  });

const savedSteps = ({ profile }: Room): number[] =>
  [...profile.records.values()].map(({ summary }) => summary.step).sort((a, b) => a - b);

async function stepsSaved(job: Job): Promise<number[]> {
  const room = createRoom(job);
  const { host } = await room.open({ options: { fresh: true } });
  await room.clock.until(
    'the last step is saved',
    () => host.status().phase === 'done' && savedSteps(room).includes(job.steps),
  );
  return savedSteps(room);
}

const applied = (step: number) =>
  ({ kind: 'applied', step, loss: 1, correct: 1, samples: 1 }) as unknown as Parameters<
    ReturnType<typeof createSavePacer>['overhear']
  >[0];

/** A pacer that watches steps of a tenth of a second, each save of which costs so much. */
function paced(job: Job, steps: number, heldUpMs: number, failEvery = Infinity) {
  let now = 0;
  let wanted = false as boolean;
  const at: number[] = [];
  const pacer = createSavePacer(
    () => now,
    () => {
      wanted = true;
    },
  );
  for (let step = 0; step < steps; step++) {
    now += 100;
    pacer.overhear(applied(step), job, 64);
    if (step % failEvery === failEvery - 1)
      pacer.overhear({ kind: 'suspected' } as Parameters<typeof pacer.overhear>[0], job, 64);
    if (!wanted) continue;
    wanted = false;
    at.push(now);
    pacer.heldUp(heldUpMs);
    pacer.saved(10 * heldUpMs);
  }
  return { at, pace: pacer.pace(job), gaps: at.slice(1).map((time, i) => time - (at[i] ?? 0)) };
}

describe('a room saves', () => {
  test('the last step alone when nothing else is asked for', async () => {
    expect(await stepsSaved(jobWith(undefined))).toEqual([30]);
  });

  test('at the end of every epoch', async () => {
    // 64 samples in batches of 16 are four steps.
    expect(await stepsSaved(jobWith({ epochEnds: true }))).toEqual([4, 8, 12, 16, 20, 24, 28, 30]);
  });

  test('when its tab is about to be hidden, if the job says so', async () => {
    for (const tabHides of [true, false]) {
      const room = createRoom(jobWith({ tabHides }, { steps: 400 }));
      const [first, second] = await room.openAll(2);
      if (first === undefined || second === undefined) throw new Error('two were opened');
      first.host.command('start');
      await room.clock.until('they train', () => first.host.status().step > 10);
      for (const { host } of [first, second]) host.visibility(true);
      await room.clock.until('they are further', () => first.host.status().step > 20);
      // One writer saves, however many ranks are hidden.
      expect(savedSteps(room)).toHaveLength(tabHides ? 1 : 0);
      for (const rank of [first, second]) rank.kill();
    }
  });

  test('and books what its saves held up: the update waits for the copy of the state', async () => {
    const room = createRoom({
      ...SMALL_JOB,
      steps: 12,
      policies: { ...SMALL_JOB.policies, checkpointEvery: 5 },
    });
    const { clock } = room;
    const openEngine = async (job: Job): Promise<Engine> => {
      const engine = smallEngine(job);
      return {
        ...engine,
        async snapshot() {
          await new Promise<void>((resolve) => void clock.after(7, resolve));
          return await engine.snapshot();
        },
      };
    };
    const { host } = await room.open({ options: { fresh: true }, ports: { openEngine } });
    await clock.until('it is done', () => host.status().phase === 'done');
    const log = host.log(0, 10_000);
    const heldUp = log.flatMap(({ event }) => (event.kind === 'heldUp' ? [event] : []));
    expect(heldUp).toMatchObject([
      { step: 5, ms: 7 },
      { step: 10, ms: 7 },
    ]);
    const ledger = ledgerOf(log);
    expect(ledger.checkpoint).toBe(14);
    const booked = (Object.values(ledger) as readonly number[]).reduce((sum, ms) => sum + ms, 0);
    expect(booked).toBeCloseTo((log.at(-1)?.at ?? 0) - (log[0]?.at ?? 0), 6);
  });

  test('every so many seconds', () => {
    expect(paced(jobWith({ seconds: 2 }), 101, 1).at).toEqual([2000, 4000, 6000, 8000, 10_000]);
  });

  test('automatically at √(2 · MTBF · cost), more often when saves get cheap or tabs fail', () => {
    const automatic = jobWith({ automatic: { mtbfSeconds: 600 } });
    const calm = paced(automatic, 1000, 20);
    // The first save measures. √(2 · 600 s · 20 ms) is 4.9 s, and grows a little while nothing fails.
    expect(calm.at[0]).toBe(100);
    expect(calm.gaps.length).toBeGreaterThan(10);
    for (const gap of calm.gaps) expect(gap).toBeGreaterThanOrEqual(4900);
    for (const gap of calm.gaps) expect(gap).toBeLessThanOrEqual(5500);
    expect(calm.pace).toMatchObject({ failures: 0, heldUpMs: 20, saveMs: 200 });
    expect(paced(automatic, 1000, 2).gaps.at(-1)).toBeLessThan(2000);
    const stormy = paced(automatic, 1000, 20, 50);
    expect(stormy.pace.failures).toBe(20);
    expect(stormy.gaps.at(-1)).toBeLessThan(2000);
    expect(stormy.pace.mtbfMs).toBeLessThan(calm.pace.mtbfMs / 10);
  });

  test('what its address says', () => {
    expect(savePolicy('')).toEqual({});
    expect(savePolicy('50')).toEqual({ checkpointEvery: 50 });
    expect(savePolicy('30s,epoch,hide')).toEqual({
      checkpointEvery: 1_000_000,
      checkpointWhen: { seconds: 30, epochEnds: true, tabHides: true },
    });
    expect(savePolicy('auto:600')?.checkpointWhen).toEqual({ automatic: { mtbfSeconds: 600 } });
    expect(savePolicy('auto')?.checkpointWhen).toEqual({ automatic: { mtbfSeconds: 3600 } });
    for (const bad of ['0', '0s', 'never', 'auto:', '20,', '-1']) expect(savePolicy(bad)).toBeUndefined();
  });
});

describe('under a name of its own', () => {
  test('a run is taken up by a new room, and another job starts anew beside it', async () => {
    const { clock, open, profile } = createRoom();
    const first = await open({ options: { fresh: true, path: 'my digits' } });
    await clock.until('it is done', () => first.host.status().phase === 'done');
    await clock.until('it is saved', () =>
      [...profile.records.values()].some(({ summary }) => summary.step === 30),
    );
    first.kill();
    const again = await open({ options: { room: 'ROOMBB', fresh: true, path: 'my digits' } });
    await clock.until('it is done again', () => again.host.status().phase === 'done');
    expect(again.host.status()).toMatchObject({
      resumedFromStep: 30,
      stateHash: first.host.status().stateHash,
    });
    again.kill();
    const job = { ...SMALL_JOB, seed: 99 };
    const other = await open({ options: { room: 'ROOMCC', fresh: true, path: 'my digits', job } });
    await clock.until('the other is done', () => other.host.status().phase === 'done');
    expect(other.host.status()).toMatchObject({ resumedFromStep: undefined, jobHash: jobHash(job) });
    expect(
      other.host
        .log(0, 1000)
        .flatMap(({ event }) => (event.kind === 'checkpointSkipped' ? [event.reason] : [])),
    ).toContainEqual(expect.stringContaining('another job'));
  });

  test('a new room without a name knows nothing of others', async () => {
    const { clock, open } = createRoom();
    const first = await open({ options: { fresh: true } });
    await clock.until('it is done', () => first.host.status().phase === 'done');
    first.kill();
    const second = await open({ options: { room: 'ROOMBB', fresh: true } });
    await clock.until('it is done', () => second.host.status().phase === 'done');
    expect(second.host.status().resumedFromStep).toBeUndefined();
  });

  test('a chosen checkpoint is gone on from, though there are newer ones', async () => {
    const { clock, open, profile } = createRoom();
    const first = await open({ options: { fresh: true } });
    await clock.until('it is saved', () =>
      [...profile.records.values()].some(({ summary }) => summary.step === 30),
    );
    first.kill();
    const chosen = [...profile.records.values()].find(({ summary }) => summary.step === 10)?.summary;
    const again = await open({
      options: { room: 'ROOMBB', fresh: true, path: 'ROOMAA', from: chosen?.id },
    });
    await clock.until('it is done', () => again.host.status().phase === 'done');
    expect(again.host.status()).toMatchObject({
      resumedFromStep: 10,
      stateHash: first.host.status().stateHash,
    });
  });
});

test('while a store is slow snapshots replace each other, and each checkpoint that comes of it is told once', async () => {
  const { clock, open, profile } = createRoom();
  let release = (): void => undefined;
  const storeWakes = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = await open({
    options: { fresh: true },
    ports: {
      checkpoints: {
        ...profile.checkpointStore,
        save: async (...saved) => {
          await storeWakes;
          return profile.checkpointStore.save(...saved);
        },
      },
    },
  });
  await clock.until('several more are due', () => first.host.status().step >= 26);
  release();
  await clock.until(
    'it is done, and saved',
    () => profile.records.size > 1 && first.host.status().phase === 'done',
  );
  const told = (): readonly number[] =>
    first.host.log(0, 100_000).flatMap(({ event }) => (event.kind === 'checkpointed' ? [event.step] : []));
  await clock.until('the last one is told', () => told().includes(30));
  expect(told()).toEqual([...new Set(told())]);
  expect(told().length).toBeLessThan(5);
});

// A room in a real browser: frames with workers, WebRTC, Web Locks and IndexedDB, against the real server.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { RankOptions, RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { FramedRank, Lab } from './frames.ts';

const JOB: Job = { ...DEFAULT_JOB, steps: 40, policies: { ...DEFAULT_JOB.policies, checkpointEvery: 10 } };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab.close();
});

const allDone = (statuses: readonly RankStatus[]): boolean => statuses.every(({ phase }) => phase === 'done');
const hashes = (statuses: readonly RankStatus[]): readonly unknown[] =>
  statuses.map(({ stateHash }) => stateHash);

/** A room that nobody is in yet; `open` takes the options that differ. */
async function makeRoom(job: Job, engine: RankOptions['engine'] = 'cpu') {
  const frames = await openFrames(lab);
  const link = newRoom();
  const open = (options: Partial<RankOptions> = {}): Promise<FramedRank> =>
    frames.open({ ...link, fresh: false, engine, autostart: false, tune: false, job, ...options });
  return { frames, open };
}

async function openAll(open: (options?: Partial<RankOptions>) => Promise<FramedRank>, count: number) {
  const ranks = await Promise.all(
    Array.from({ length: count }, (_, i) => open(i === 0 ? { fresh: true } : {})),
  );
  await until(`${count} ranks are members`, ranks, (all) =>
    all.every(({ phase, members }) => phase === 'idle' && members.length === count),
  );
  return ranks;
}

/** The state that one rank arrives at when nothing happens. */
async function undisturbed(job: Job, engine: RankOptions['engine'] = 'cpu'): Promise<unknown> {
  const { frames, open } = await makeRoom(job, engine);
  const rank = await open({ fresh: true, autostart: true });
  const [status] = await until('the single rank is done', [rank], allDone);
  await frames.page.close();
  return status?.stateHash;
}

describe('a room in a browser', () => {
  test('loses a rank in mid-step, takes another in, and ends with the state of a single rank', async () => {
    const { frames, open } = await makeRoom(JOB);
    const [first, second, third] = await openAll(open, 3);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await first.ask('start');
    await until(
      'the third is in mid-step',
      [third],
      ([status]) => status !== undefined && status.step >= 5 && status.phase !== 'idle',
    );
    await third.kill();
    await until('the two others go on', [first, second], (all) =>
      all.every(({ members, step }) => members.length === 2 && step >= 10),
    );
    const late = await open();
    const all = await until('all three are done', [first, second, late], allDone);
    expect(all.map(({ members }) => members.length)).toEqual([3, 3, 3]);
    const hash = await undisturbed(JOB);
    expect(hashes(all)).toEqual([hash, hash, hash]);
    const log = await late.log();
    expect(log.map(({ event }) => event.kind)).toContain('healed');
    expect(frames.complaints).toEqual([]);
    await frames.page.close();
  });

  test('resumes from its checkpoint when all of its pages were closed', async () => {
    const job = { ...JOB, steps: 60 };
    const { frames, open } = await makeRoom(job);
    const ranks = await openAll(open, 2);
    await ranks[0]?.ask('start');
    await until('two checkpoints are behind them', ranks, (all) => all.every(({ step }) => step >= 25));
    await Promise.all(ranks.map((rank) => rank.kill()));
    const again = [await open({ autostart: true }), await open({ autostart: true })];
    const all = await until('the reopened room is done', again, allDone);
    const hash = await undisturbed(job);
    expect(hashes(all)).toEqual([hash, hash]);
    const resumed = all.map(({ resumedFromStep }) => resumedFromStep ?? 0);
    expect(Math.max(...resumed)).toBeGreaterThanOrEqual(20);
    await frames.page.close();
  });

  test('trains on WebGPU in nested workers, and agrees with a single rank on the same adapter', async () => {
    const job = { ...JOB, steps: 6 };
    const { frames, open } = await makeRoom(job, 'webgpu');
    const ranks = await openAll(open, 2);
    await ranks[0]?.ask('start');
    const all = await until('both are done', ranks, allDone);
    expect(all.map(({ engine }) => engine?.kind)).toEqual(['webgpu', 'webgpu']);
    const hash = await undisturbed(job, 'webgpu');
    expect(hashes(all)).toEqual([hash, hash]);
    await frames.page.close();
  });

  test('one rank on the CPU and one on WebGPU hold the same bits at every step, and say what is promised', async () => {
    for (const wire of [JOB.wire, { format: 'narrow', bits: 8 }] as const) {
      const job: Job = { ...JOB, steps: 10, wire };
      const { frames, open } = await makeRoom(job);
      const ranks = [await open({ fresh: true }), await open({ engine: 'webgpu' })];
      await until('both are members', ranks, (all) =>
        all.every(({ phase, members }) => phase === 'idle' && members.length === 2),
      );
      await ranks[0]?.ask('start');
      const all = await until('both are done', ranks, allDone);
      expect(all.map(({ engine }) => engine?.kind)).toEqual(['cpu', 'webgpu']);
      expect(all.map(({ exactness }) => exactness.kind)).toEqual(['unpromised', 'unpromised']);
      const [one = [], other = []] = await Promise.all(
        ranks.map(async (rank) =>
          (await rank.log()).flatMap(({ event }) =>
            event.kind === 'applied' ? [`${event.step}: ${event.hash}`] : [],
          ),
        ),
      );
      expect(one).toHaveLength(job.steps);
      expect(other).toEqual(one);
      expect(frames.complaints).toEqual([]);
      await frames.page.close();
    }
  });

  test('takes smaller passes, or none at all, while GPU memory is short, and ends with the same state', async () => {
    const job = { ...JOB, steps: 24 };
    const { frames, open } = await makeRoom(job, 'webgpu');
    const ranks = await openAll(open, 2);
    const [first, second] = ranks;
    if (first === undefined || second === undefined) throw new Error('two were opened');
    await first.ask('start');
    await until('they train', ranks, (all) => all.every(({ step }) => step >= 2));
    await second.inject({ kind: 'exhaust-gpu', maxBytes: 32 * 1024 * 1024, forMs: 1_000 });
    await second.inject({ kind: 'refuse-gpu', forMs: 1_000 });
    const all = await until(
      'both are done',
      ranks,
      (seen) => allDone(seen) && seen.every(({ members }) => members.length === 2),
    );
    const hash = await undisturbed(job, 'webgpu');
    expect(hashes(all)).toEqual([hash, hash]);
    expect(await frames.asked()).toEqual(['gpu-memory']);
    const said = (await second.log()).map(({ event }) => (event.kind === 'engine' ? event.detail : ''));
    expect(said.some((detail) => detail.startsWith('Smaller passes'))).toBe(true);
    expect(said.some((detail) => detail.includes('of GPU memory held'))).toBe(true);
    await frames.page.close();
  });

  test('goes on from its checkpoint when the browser’s GPU process dies, and ends with the same state', async () => {
    const job = { ...JOB, steps: 16, policies: { ...JOB.policies, checkpointEvery: 4 } };
    const { frames, open } = await makeRoom(job, 'webgpu');
    const ranks = await openAll(open, 2);
    await ranks[0]?.ask('start');
    await until('a checkpoint is behind them', ranks, (all) => all.every(({ step }) => step >= 6));
    const devtools = await lab.context.newCDPSession(frames.page);
    await devtools.send('Browser.crashGpuProcess');
    const all = await until('both are done', ranks, allDone);
    expect(all.map(({ engine }) => engine?.kind)).toEqual(['webgpu', 'webgpu']);
    const hash = await undisturbed(job, 'webgpu');
    expect(hashes(all)).toEqual([hash, hash]);
    await frames.page.close();
  });

  test('fences a rank that froze, and takes it back when it wakes', async () => {
    const job = { ...JOB, steps: 100_000 };
    const { frames, open } = await makeRoom(job);
    const ranks = await openAll(open, 3);
    const [first, second, third] = ranks;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await first.ask('start');
    await until('they train', ranks, (all) => all.every(({ step }) => step >= 3));
    await third.inject({ kind: 'freeze', forMs: 6_000 });
    await until('the others go on without it', [first, second], (all) =>
      all.every(({ members }) => members.length === 2),
    );
    await until('it is a member again and trains', ranks, (all) =>
      all.every(({ members, phase }) => members.length === 3 && phase !== 'healing'),
    );
    const [before] = await Promise.all(ranks.map((rank) => rank.status()));
    await until('all go on together', ranks, (all) =>
      all.every(({ committed }) => committed > (before?.committed ?? 0) + 3),
    );
    await frames.page.close();
  });

  test('goes on without a rank whose data loader hangs', async () => {
    const job = { ...JOB, steps: 100_000 };
    const { frames, open } = await makeRoom(job);
    const ranks = await openAll(open, 3);
    const [first, second, third] = ranks;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await first.ask('start');
    await until('they train', ranks, (all) => all.every(({ step }) => step >= 3));
    await third.inject({ kind: 'loader-hangs' });
    const [stalled] = await until('the others go on without it', [first, second], (all) =>
      all.every(({ members }) => members.length === 2),
    );
    await until('they commit steps', [first, second], (all) =>
      all.every(({ committed }) => committed > (stalled?.committed ?? 0) + 3),
    );
    await frames.page.close();
  });

  test('pauses, takes checkpoints on demand and lets a rank leave, all on the word of one of them', async () => {
    const job = { ...JOB, steps: 100_000 };
    const { frames, open } = await makeRoom(job);
    const ranks = await openAll(open, 3);
    const [first, second, third] = ranks;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await second.ask('start');
    await until('they train', ranks, (all) => all.every(({ step }) => step >= 3));
    await third.ask('pause');
    const paused = await until('all have paused', ranks, (all) => all.every(({ phase }) => phase === 'idle'));
    expect(new Set(paused.map(({ step }) => step)).size).toBe(1);

    const refusal = await second.inject({ kind: 'refuse-storage' });
    await expect(second.ask('checkpointNow')).rejects.toThrow('refuses storage until it is healed');
    expect((await second.status()).faults).toMatchObject([{ fault: { kind: 'refuse-storage' } }]);
    await second.heal(refusal);
    expect((await second.status()).faults).toEqual([]);
    await third.ask('checkpointNow');
    const saved = (await third.log()).map(({ event }) => (event.kind === 'checkpointed' ? event.step : -1));
    expect(saved).toContain(paused[0]?.step);

    await third.ask('leave');
    await until('two are left', [first, second], (all) => all.every(({ members }) => members.length === 2));
    await first.ask('start');
    await until('they go on', [first, second], (all) =>
      all.every(({ step }) => step >= (paused[0]?.step ?? 0) + 3),
    );
    await frames.page.close();
  });

  test('loses a rank that a fault kills, within a quarter of a second', async () => {
    const job = { ...JOB, steps: 100_000 };
    const { frames, open } = await makeRoom(job);
    const ranks = await openAll(open, 3);
    const [first, second, third] = ranks;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await first.ask('start');
    await until('they train', ranks, (all) => all.every(({ step }) => step >= 3));
    const { member } = await third.status();
    const at = Date.now();
    await third.inject({ kind: 'kill' });
    await until('the others go on without it', [first, second], (all) =>
      all.every(({ members }) => members.length === 2),
    );
    const suspected = [...(await first.log()), ...(await second.log())].find(
      ({ event }) => event.kind === 'suspected' && event.peer === member,
    );
    expect((suspected?.at ?? Infinity) - at).toBeLessThan(250);
    await frames.page.close();
  });
});

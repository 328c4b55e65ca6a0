// A room in a real browser: frames with workers, WebRTC, Web Locks and IndexedDB, against the real server.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { RankOptions, RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { FramedRank, Lab } from './frames.ts';

const STEPS = 24;
/** Time enough for a link to be missed, and for a while without it. */
const CUT_STEPS = 60;
const JOB: Job = {
  ...DEFAULT_JOB,
  steps: STEPS,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 4 },
};
const ENDLESS: Job = { ...JOB, steps: 100_000 };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
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

/** Three ranks of a room that goes on for long. */
async function openThree() {
  const { frames, open } = await makeRoom(ENDLESS);
  const ranks = await openAll(open, 3);
  const [first, second, third] = ranks;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('three were opened');
  return { frames, ranks, first, second, third };
}

/** What a rank's state was after each step. */
const applied = async (rank: FramedRank): Promise<ReadonlyMap<number, string>> =>
  new Map(
    (await rank.log()).flatMap(({ event }) => (event.kind === 'applied' ? [[event.step, event.hash]] : [])),
  );

const undisturbedRuns = new Map<string, Promise<ReadonlyMap<number, string>>>();

/** The state that one rank has after so many steps when nothing happens: computed once for each engine and length. */
async function undisturbed(steps: number, engine: 'cpu' | 'webgpu' = 'cpu'): Promise<string | undefined> {
  let run = undisturbedRuns.get(`${engine} ${steps}`);
  if (run === undefined) {
    run = (async () => {
      const { frames, open } = await makeRoom({ ...JOB, steps }, engine);
      const rank = await open({ fresh: true, autostart: true });
      await until('the single rank is done', [rank], allDone);
      const states = await applied(rank);
      await frames.page.close();
      return states;
    })();
    undisturbedRuns.set(`${engine} ${steps}`, run);
  }
  return (await run).get(steps - 1);
}

// At the same time: rooms mostly wait.
describe.concurrent('a room in a browser', () => {
  test('loses a rank in mid-step, takes another in, and ends with the state of a single rank', async () => {
    const { frames, open } = await makeRoom(JOB);
    const [first, second, third] = await openAll(open, 3);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    await first.ask('start');
    await until(
      'the third is in mid-step',
      [third],
      ([status]) => status !== undefined && status.step >= 3 && status.phase !== 'idle',
    );
    await third.kill();
    await until('the two others go on', [first, second], (all) =>
      all.every(({ members, step }) => members.length === 2 && step >= 6),
    );
    const late = await open();
    const all = await until('all three are done', [first, second, late], allDone);
    expect(all.map(({ members }) => members.length)).toEqual([3, 3, 3]);
    const hash = await undisturbed(STEPS);
    expect(hashes(all)).toEqual([hash, hash, hash]);
    const log = await late.log();
    // In its generation or, where the room was further on, beside the ring.
    expect(
      log.map(({ event }) => event.kind).filter((kind) => kind === 'healed' || kind === 'learned'),
    ).not.toEqual([]);
    expect(frames.complaints).toEqual([]);
    await frames.page.close();
  });

  test('resumes from its checkpoint when all of its pages were closed', async () => {
    const { frames, open } = await makeRoom(JOB);
    const ranks = await openAll(open, 2);
    await ranks[0]?.ask('start');
    const saved = async (): Promise<number> => {
      const events = (await Promise.all(ranks.map((rank) => rank.log()))).flat().map(({ event }) => event);
      return Math.max(...events.map((event) => (event.kind === 'checkpointed' ? event.step : 0)));
    };
    await expect.poll(saved, { timeout: 60_000 }).toBeGreaterThanOrEqual(8);
    await Promise.all(ranks.map((rank) => rank.kill()));
    const again = [await open({ autostart: true }), await open({ autostart: true })];
    const all = await until('the reopened room is done', again, allDone);
    const hash = await undisturbed(STEPS);
    expect(hashes(all)).toEqual([hash, hash]);
    const resumed = all.map(({ resumedFromStep }) => resumedFromStep ?? 0);
    expect(Math.max(...resumed)).toBeGreaterThanOrEqual(8);
    await frames.page.close();
  });

  test('one rank on the CPU and one on WebGPU hold the same bits at every step, and say what is promised', async () => {
    for (const wire of [JOB.wire, { format: 'narrow', bits: 8 }] as const) {
      const job: Job = { ...JOB, steps: 5, wire };
      const { frames, open } = await makeRoom(job);
      const ranks = await Promise.all([open({ fresh: true }), open({ engine: 'webgpu' })]);
      await until('both are members', ranks, (all) =>
        all.every(({ phase, members }) => phase === 'idle' && members.length === 2),
      );
      await ranks[0].ask('start');
      const all = await until('both are done', ranks, allDone);
      expect(all.map(({ engine }) => engine?.kind)).toEqual(['cpu', 'webgpu']);
      expect(all.map(({ exactness }) => exactness.kind)).toEqual(['unpromised', 'unpromised']);
      const [one, other] = await Promise.all(ranks.map(applied));
      expect(one?.size).toBe(job.steps);
      expect(other).toEqual(one);
      expect(frames.complaints).toEqual([]);
      await frames.page.close();
    }
  });

  test('keeps three ranks of which two have no link that works: the third carries, and the state is that of a single rank', async () => {
    const { frames, open } = await makeRoom({ ...JOB, steps: CUT_STEPS });
    const ranks = await openAll(open, 3);
    const [first, second] = ranks;
    if (first === undefined || second === undefined) throw new Error('three were opened');
    await first.ask('start');
    const [before] = await until('they train', ranks, (all) => all.every(({ step }) => step >= 3));
    const other = (await second.status()).members.findIndex(({ self }) => self);
    await first.inject({ kind: 'cut', to: other, direction: 'both' });
    await until('the next generation has all three', ranks, (all) =>
      all.every(
        ({ members, generation }) =>
          members.length === 3 && (generation?.number ?? 0) > (before?.generation?.number ?? 0),
      ),
    );
    const all = await until('they are done', ranks, allDone);
    expect(all.map(({ members }) => members.length)).toEqual([3, 3, 3]);
    const log = await first.log();
    expect(
      log.flatMap(({ event }) => (event.kind === 'installed' ? [event.apart?.length ?? 0] : [])).at(-1),
    ).toBe(1);
    const hash = await undisturbed(CUT_STEPS);
    expect(hashes(all)).toEqual([hash, hash, hash]);
    expect(frames.complaints).toEqual([]);
    await frames.page.close();
  });

  test('pauses and takes checkpoints on the word of one, goes on without one whose loader hangs, and lets one leave', async () => {
    const { frames, ranks, first, second, third } = await openThree();
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

    await third.inject({ kind: 'loader-hangs' });
    await first.ask('start');
    const [stalled] = await until('the others go on without it', [first, second], (all) =>
      all.every(({ members }) => members.length === 2),
    );
    const [, leaver] = await until('they commit steps', [first, second], (all) =>
      all.every(({ committed }) => committed > (stalled?.committed ?? 0) + 3),
    );
    await third.kill();

    await second.ask('leave');
    const [left] = await until('the second has left', [first], (all) =>
      all.every(({ members }) => members.every(({ member }) => member !== leaver?.member)),
    );
    await until('the first goes on', [first], (all) =>
      all.every(({ committed }) => committed > (left?.committed ?? 0) + 3),
    );
    await frames.page.close();
  });
});

// One after the other: what is done to the GPU process is done to every page of the browser, and detection is held to a limit.
describe('a room by itself in a browser', () => {
  test('on WebGPU takes smaller passes, or none at all, while GPU memory is short, and ends with the state of one rank', async () => {
    const steps = 12;
    const { frames, open } = await makeRoom({ ...JOB, steps }, 'webgpu');
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
    expect(all.map(({ engine }) => engine?.kind)).toEqual(['webgpu', 'webgpu']);
    const hash = await undisturbed(steps, 'webgpu');
    expect(hashes(all)).toEqual([hash, hash]);
    expect(await frames.asked()).toEqual(['gpu-memory']);
    const said = (await second.log()).map(({ event }) => (event.kind === 'engine' ? event.detail : ''));
    expect(said.some((detail) => detail.startsWith('Smaller passes'))).toBe(true);
    expect(said.some((detail) => detail.includes('of GPU memory held'))).toBe(true);
    await frames.page.close();
  });

  test('goes on from its checkpoint when the browser’s GPU process dies, and ends with the same state', async () => {
    const steps = 12;
    const { frames, open } = await makeRoom({ ...JOB, steps }, 'webgpu');
    const ranks = await openAll(open, 2);
    await ranks[0]?.ask('start');
    await until('a checkpoint is behind them', ranks, (all) => all.every(({ step }) => step >= 5));
    const devtools = await lab.context.newCDPSession(frames.page);
    await devtools.send('Browser.crashGpuProcess');
    const all = await until('both are done', ranks, allDone);
    expect(all.map(({ engine }) => engine?.kind)).toEqual(['webgpu', 'webgpu']);
    const hash = await undisturbed(steps, 'webgpu');
    expect(hashes(all)).toEqual([hash, hash]);
    await frames.page.close();
  });

  test('fences a rank that froze, takes it back when it wakes, and misses it within a quarter of a second when it is killed', async () => {
    const { frames, ranks, first, second, third } = await openThree();
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

    const { member } = await third.status();
    const at = Date.now();
    await third.inject({ kind: 'kill' });
    await until('the others go on without it', [first, second], (all) =>
      all.every(({ members }) => members.length === 2),
    );
    const suspected = [...(await first.log()), ...(await second.log())].find(
      ({ at: when, event }) => event.kind === 'suspected' && event.peer === member && when >= at,
    );
    expect((suspected?.at ?? Infinity) - at).toBeLessThan(250);
    await frames.page.close();
  });
});

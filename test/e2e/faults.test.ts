// Faults in real tabs, one after the other in one room: what notices it, and that the room goes on as one. At the end the
// state is that of one rank that nothing happened to. DEBUG=1 prints how long each took, as docs/faults.md tells it.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import { batchRows } from '../../src/job/sampler.ts';
import type { RankOptions, RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import type { Fault } from '../../src/faults/vocabulary.ts';
import type { TraceEvent, TraceRecord } from '../../src/trace/events.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { FramedRank, Lab } from './frames.ts';

const DIGITS = new URL('../../public/data/digits.json', import.meta.url);
const JOB: Job = { ...DEFAULT_JOB, steps: 1_000_000 };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab.close();
});

type Notice = (event: TraceEvent, own: boolean) => boolean;

const said =
  (text: string): Notice =>
  (event, own) =>
    own && event.kind === 'engine' && event.detail.includes(text) && !event.detail.startsWith('fault-');
const outcome =
  (text: string): Notice =>
  (event, own) =>
    own && event.kind === 'engine' && event.detail.includes(text);

interface Case {
  readonly fault: Fault;
  /** The record that shows it; absent: it is to harm nobody, and nobody may be suspected. */
  readonly notice?: Notice;
}

const CASES: readonly Case[] = [
  { fault: { kind: 'hide', forMs: 2200 } },
  { fault: { kind: 'clock-drift', rate: 1.25, forMs: 1000 } },
  { fault: { kind: 'lose-signalling', forMs: 1000 } },
  { fault: { kind: 'hog-cpu', where: 'page', forMs: 1000 }, notice: outcome("the page's thread is busy") },
  {
    fault: { kind: 'hog-cpu', where: 'worker', forMs: 1000 },
    notice: outcome("the worker's thread is busy"),
  },
  {
    fault: { kind: 'grow-memory', maxBytes: 64 * 1024 * 1024, forMs: 1500 },
    notice: outcome('of memory held'),
  },
  { fault: { kind: 'clock-jump', ms: 3000 } },
  { fault: { kind: 'delay', to: 0, ms: 50, forMs: 800 } },
  { fault: { kind: 'jitter', to: 0, ms: 50, forMs: 800 } },
  { fault: { kind: 'limit-bandwidth', to: 0, bytesPerSecond: 2_000_000, forMs: 800 } },
  { fault: { kind: 'slow-gpu', factor: 2, forMs: 800 } },
  { fault: { kind: 'slow-map', ms: 100, forMs: 800 } },
  { fault: { kind: 'hang-kernel', forMs: 800 } },
  { fault: { kind: 'loader-throws', times: 2 } },
  { fault: { kind: 'loader-garbles', how: 'short', times: 1 } },
  { fault: { kind: 'loader-garbles', how: 'labels', times: 1 } },
  { fault: { kind: 'loader-garbles', how: 'non-finite', times: 1 } },
  // Three for the one load and two for another: a batch and a look at the held-out samples may be loaded at the same time.
  { fault: { kind: 'loader-throws', times: 5 }, notice: said('The safe loader takes over') },
  { fault: { kind: 'loader-hangs', forMs: 600 } },
];

/** Ranks of a room in frames of one page; `open` takes the options that differ. */
async function makeRoom(job: Job, engine: RankOptions['engine'] = 'cpu') {
  const frames = await openFrames(lab);
  // Whoever injects what uses the machine up has agreed.
  frames.page.on('dialog', (dialog) => void dialog.accept().catch(() => undefined));
  const link = newRoom();
  const open = (options: Partial<RankOptions> = {}): Promise<FramedRank> =>
    frames.open({ ...link, fresh: false, engine, autostart: false, tune: false, job, ...options });
  const openAll = async (count: number): Promise<readonly FramedRank[]> => {
    const ranks = await Promise.all(
      Array.from({ length: count }, (_, i) => open(i === 0 ? { fresh: true } : {})),
    );
    await until(`${count} ranks are members`, ranks, (all) =>
      all.every(({ phase, members }) => phase === 'idle' && members.length === count),
    );
    return ranks;
  };
  return { frames, open, openAll };
}

const WORKING: ReadonlySet<RankStatus['phase']> = new Set(['computing', 'reducing', 'applying', 'idle']);

/** All are one room again, and each has gone on by a few steps. */
const whole =
  (from: number) =>
  (all: readonly RankStatus[]): boolean =>
    all.every(
      ({ members, phase, committed }) =>
        members.length === all.length && WORKING.has(phase) && committed >= from + 3,
    );

/** What the ranks have logged since the last look. */
function follow(ranks: readonly FramedRank[]): () => Promise<readonly TraceRecord[]> {
  const next = ranks.map(() => 0);
  return async () => {
    const logs = await Promise.all(ranks.map((rank, i) => rank.log(next[i])));
    logs.forEach((log, i) => (next[i] = (log.at(-1)?.seq ?? (next[i] ?? 0) - 1) + 1));
    return logs.flat();
  };
}

async function noticed(
  what: string,
  look: () => Promise<readonly TraceRecord[]>,
  shows: (record: TraceRecord) => boolean,
): Promise<readonly TraceRecord[]> {
  const limit = Date.now() + 60_000;
  const seen: TraceRecord[] = [];
  for (;;) {
    seen.push(...(await look()));
    if (seen.some(shows)) return seen;
    if (Date.now() > limit) throw new Error(`Nothing showed ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('in real tabs', () => {
  test(
    'each kind of fault is noticed, the room goes on as one, and its state is that of an undisturbed rank',
    { timeout: 400_000 },
    async () => {
      const { frames, openAll } = await makeRoom(JOB);
      const ranks = await openAll(3);
      const [first] = ranks;
      await first?.ask('start');
      const look = follow(ranks);
      const rows: string[] = [];
      for (const { fault, notice } of CASES) {
        // Whose place has moved in the ring is struck at its place: `to: 0` is never itself.
        const before = await until('the room is whole', ranks, whole(0));
        const at = before.findIndex(({ members }) => members.findIndex(({ self }) => self) === 2);
        const struck = ranks[at];
        const member = before[at]?.member;
        if (struck === undefined || member === undefined) throw new Error('There is a rank 2.');
        await look();
        const began = Date.now();
        await struck.inject(fault);
        const name = JSON.stringify(fault);
        const shows = (record: TraceRecord): boolean =>
          notice?.(record.event, record.member === member) === true;
        const records = notice === undefined ? [] : [...(await noticed(name, look, shows))];
        // One that strikes so many loads is over when they have come: a rank that was slow before may have no work for some steps.
        const isOver = ({ member: by, event }: TraceRecord): boolean =>
          by === member && event.kind === 'faultHealed' && event.fault === fault.kind;
        if ('times' in fault && !records.some(isOver))
          records.push(...(await noticed(`the end of ${name}`, look, isOver)));
        const shown = records.find(shows);
        const forMs = 'forMs' in fault ? (fault.forMs ?? 0) : 0;
        const committed = Math.max(...before.map((status) => status.committed));
        await until(
          `the room is whole after ${name}`,
          ranks,
          (all) => Date.now() >= began + forMs && whole(committed)(all),
        );
        const later = [...records, ...(await look())];
        if (notice === undefined)
          expect(
            later.filter(({ event }) => event.kind === 'suspected').map(({ event }) => event),
            name,
          ).toEqual([]);
        const from = shown?.at ?? began;
        const next = later.find(({ event, at }) => at > from && event.kind === 'committed');
        const detect = shown === undefined ? '' : String(Math.max(0, shown.at - began));
        rows.push(`${name}: ${detect}, ${next === undefined ? '' : next.at - from}`);
      }
      if (process.env['DEBUG'] !== undefined) process.stderr.write(`${rows.join('\n')}\n`);

      await first?.ask('pause');
      const rest = await until('the room rests', ranks, (all) =>
        all.every(({ phase, running }) => phase === 'idle' && !running),
      );
      const steps = rest[0]?.committed ?? 0;
      expect(new Set(rest.map(({ committedHash }) => committedHash)).size).toBe(1);
      await frames.page.close();

      const alone = await makeRoom({ ...JOB, name: 'alone' });
      const single = await alone.open({ fresh: true, autostart: true });
      await until('the single rank is as far', [single], ([status]) => (status?.committed ?? 0) >= steps);
      const hash = (await single.log()).find(
        ({ event }) => event.kind === 'committed' && event.step === steps,
      )?.event;
      expect(hash).toMatchObject({ hash: rest[0]?.committedHash });
      await alone.frames.page.close();
    },
  );

  test('a bad sample is left out by all, and the state is that of one rank that finds it bad', async () => {
    const job = { ...JOB, steps: 30 };
    const { train } = JSON.parse(readFileSync(DIGITS, 'utf8')) as { readonly train: number };
    const [, , , row = 0] = batchRows(job, train, 6);
    const bad: Fault = { kind: 'bad-sample', row };
    const { frames, openAll } = await makeRoom(job);
    const ranks = await openAll(3);
    for (const rank of ranks) await rank.inject(bad);
    await ranks[0]?.ask('start');
    const done = await until('all are done', ranks, (all) => all.every(({ phase }) => phase === 'done'));
    for (const rank of ranks)
      expect((await rank.log()).map(({ event }) => event)).toContainEqual(
        expect.objectContaining({ kind: 'quarantined', step: 6, rows: [row] }),
      );
    await frames.page.close();

    const alone = await makeRoom(job);
    const single = await alone.open({ fresh: true });
    await until('it is a member', [single], ([status]) => status?.phase === 'idle');
    await single.inject(bad);
    await single.ask('start');
    const [end] = await until('the single rank is done', [single], ([status]) => status?.phase === 'done');
    expect(done.map(({ stateHash }) => stateHash)).toEqual(done.map(() => end?.stateHash));
    await alone.frames.page.close();
  });

  test('a number that is not finite stops the room, with the reason on every rank', async () => {
    const { frames, openAll } = await makeRoom(JOB);
    const ranks = await openAll(2);
    await ranks[0]?.ask('start');
    await until('they train', ranks, (all) => all.every(({ committed }) => committed > 3));
    await ranks[1]?.inject({ kind: 'nan' });
    const all = await until('both have stopped', ranks, (statuses) =>
      statuses.every(({ phase }) => phase === 'stopped'),
    );
    for (const { problem } of all) expect(problem).toContain('is not finite');
    await frames.page.close();
  });

  test('a GPU that refuses, and a device that is lost, cost no committed step', async () => {
    const { frames, openAll } = await makeRoom(
      { ...JOB, model: { kind: 'mlp', layers: [784, 16, 10], activation: 'relu' } },
      'webgpu',
    );
    const ranks = await openAll(2);
    await ranks[0]?.ask('start');
    for (const fault of [
      { kind: 'oversize-buffer', times: 1 },
      { kind: 'refuse-gpu', forMs: 500 },
      { kind: 'lose-device' },
    ] as const) {
      const before = await until('the room is whole', ranks, whole(0));
      await ranks[1]?.inject(fault);
      await until(
        `the room is whole after ${fault.kind}`,
        ranks,
        whole(Math.max(...before.map((one) => one.committed))),
      );
    }
    await frames.page.close();
  });
});

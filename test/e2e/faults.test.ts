// Faults in real tabs, one after the other in a few rooms of one browser, which run at the same time since faults are mostly waited out: what notices each, and that the room goes on as one. At the end the
// state is that of one rank that nothing happened to. DEBUG=1 prints how long each took, as docs/faults.md tells it.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import { batchRows } from '../../src/job/sampler.ts';
import type { RankOptions, RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import type { Fault } from '../../src/faults/vocabulary.ts';
import type { MemberId } from '../../src/ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../src/trace/events.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { FramedRank, Lab } from './frames.ts';

const DIGITS = new URL('../../public/data/digits.json', import.meta.url);
/** Small, so that faults take most of the time and not the steps, which an undisturbed rank does again. */
const JOB: Job = {
  ...DEFAULT_JOB,
  model: { kind: 'mlp', layers: [784, 16, 10], activation: 'relu' },
  steps: 1_000_000,
};

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
});
afterAll(async () => {
  await lab.close();
});

/** `own`: told by the rank that was struck, which is `member`. */
type Notice = (event: TraceEvent, own: boolean, member: MemberId) => boolean;

const said =
  (text: string): Notice =>
  (event, own) =>
    own && event.kind === 'engine' && event.detail.includes(text) && !event.detail.startsWith('fault-');
const outcome =
  (text: string): Notice =>
  (event, own) =>
    own && event.kind === 'engine' && event.detail.includes(text);

/** Somebody takes it for gone, or it somebody. */
const missed: Notice = (event, own, member) =>
  (event.kind === 'suspected' || event.kind === 'linkDown') && (own || event.peer === member);
const refused: Notice = (event, own, member) =>
  event.kind === 'rejected' && event.reason === 'malformed' && (own || event.from === member);
const notSaved: Notice = (event, own) => own && event.kind === 'checkpointFailed';
const healed: Notice = (event, own) => own && event.kind === 'healed';

interface Case {
  readonly fault: Fault;
  /** The record that shows it; absent: it is to harm nobody, and nobody may be suspected. */
  readonly notice?: Notice;
  /** A rank that cannot do its part for as long as it lasts, on a machine that is slow besides, may be put out. */
  readonly mayBePutOut?: true;
  /** Whether it lasts until a checkpoint that was asked for has failed. */
  readonly saves?: true;
  /** Whether it lasts until it is noticed: a rank that was slow before may have no work for some steps, and then loads nothing. */
  readonly untilNoticed?: true;
}

const LOADER: readonly Case[] = [
  {
    fault: { kind: 'lose-data', how: 'missing' },
    notice: said('The safe loader takes over'),
    untilNoticed: true,
  },
  { fault: { kind: 'lose-data', how: 'truncated', forMs: 800 }, mayBePutOut: true },
  { fault: { kind: 'loader-throws', times: 2 } },
  { fault: { kind: 'loader-garbles', how: 'short', times: 1 } },
  { fault: { kind: 'loader-garbles', how: 'labels', times: 1 } },
  { fault: { kind: 'loader-garbles', how: 'non-finite', times: 1 } },
  { fault: { kind: 'loader-hangs', forMs: 600 } },
];

const MACHINE: readonly Case[] = [
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
];

/** Longer than a silence is borne with: it is missed within two seconds, and before it ends also where many rooms share two busy cores. */
const SILENT_MS = 3000;

const NETWORK: readonly Case[] = [
  { fault: { kind: 'corrupt', to: 0, chance: 0.3, forMs: 800 }, notice: refused },
  { fault: { kind: 'repeat-late', to: 0, chance: 0.5, ms: 500, forMs: 800 } },
  { fault: { kind: 'hold-link', to: 0, forMs: 600 } },
  { fault: { kind: 'cut', to: 0, direction: 'out', forMs: 600 } },
  { fault: { kind: 'stall-collective', to: 0, forMs: 800 } },
  { fault: { kind: 'reset-link', to: 0 }, notice: missed },
  { fault: { kind: 'reconnect-storm', to: 0, everyMs: 300, forMs: 800 }, notice: missed },
  { fault: { kind: 'fill-queue', to: 0, closes: true, forMs: 400 }, notice: missed },
  // One death after the other teaches nobody patience.
  { fault: { kind: 'freeze', forMs: SILENT_MS }, notice: missed },
  { fault: { kind: 'freeze', forMs: SILENT_MS }, notice: missed },
  { fault: { kind: 'kill' }, notice: missed },
  { fault: { kind: 'mute', forMs: SILENT_MS }, notice: missed },
  { fault: { kind: 'close' }, notice: missed },
  { fault: { kind: 'silent-link', to: 0, forMs: SILENT_MS }, notice: missed },
  { fault: { kind: 'partition', forMs: SILENT_MS }, notice: missed },
];

const STATE_AND_STORAGE: readonly Case[] = [
  { fault: { kind: 'refuse-storage' }, notice: notSaved, saves: true },
  { fault: { kind: 'limit-storage', maxBytes: 0 }, notice: notSaved, saves: true },
  { fault: { kind: 'ambiguous-storage' }, notice: notSaved, saves: true },
  { fault: { kind: 'flip-bit', where: 'moments' }, notice: healed },
];

/**
 * Per cent of the time that ranks work in the rooms of many faults: what they come to in a minute, one rank alone then has to do again.
 */
const SHARE = 20;

/** Ranks of a room in frames of one page; `open` takes the options that differ. */
async function makeRoom(job: Job, engine: RankOptions['engine'] = 'cpu', share = 100, place = lab) {
  const frames = await openFrames(place);
  const link = newRoom();
  const open = (options: Partial<RankOptions> = {}): Promise<FramedRank> =>
    frames.open({ ...link, fresh: false, engine, autostart: false, tune: false, job, share, ...options });
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

/** All are one room again, each with a link to each, and has gone on by a few steps. */
const whole =
  (from: number) =>
  (all: readonly RankStatus[]): boolean =>
    all.every(
      ({ members, links, phase, committed }) =>
        members.length === all.length &&
        links.length >= all.length - 1 &&
        WORKING.has(phase) &&
        committed >= from + 3,
    );

/** What the ranks have logged since the last look, in order of time. One that is frozen is waited for. */
function follow(ranks: readonly FramedRank[]): () => Promise<readonly TraceRecord[]> {
  const next = new Map<FramedRank, number>();
  const newOf = async (rank: FramedRank): Promise<readonly TraceRecord[]> => {
    const from = next.get(rank) ?? 0;
    const log = await rank.log(from);
    next.set(rank, (log.at(-1)?.seq ?? from - 1) + 1);
    return log;
  };
  return async () => (await Promise.all(ranks.map(newOf))).flat().toSorted((a, b) => a.at - b.at);
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

/** From the strike to what shows it, and from there to the next committed step, in milliseconds: a row of docs/faults.md. */
function tellTimes(
  fault: object,
  began: number,
  shown: TraceRecord | undefined,
  records: readonly TraceRecord[],
): void {
  // What the injector itself says of a fault is no detection.
  const isDetected =
    shown !== undefined && !(shown.event.kind === 'engine' && shown.event.detail.startsWith('fault-'));
  const from = isDetected ? shown.at : began;
  const next = records.find(({ event, at }) => at > from && event.kind === 'committed');
  tell(fault, isDetected ? Math.max(0, from - began) : undefined, next && next.at - from);
}

/** In milliseconds; undefined: there is no such time. */
function tell(fault: object, detect: number | undefined, recover: number | undefined): void {
  if (process.env['DEBUG'] === undefined) return;
  process.stderr.write(`${JSON.stringify(fault)}: ${detect ?? '–'}, ${recover ?? '–'}\n`);
}

describe.concurrent('in real tabs', () => {
  test.each([
    ['the network and the page', NETWORK],
    ['the machine', MACHINE],
    ['the loader', LOADER],
    ['state and storage', STATE_AND_STORAGE],
  ] as const)(
    'each fault of %s is noticed, the room goes on as one, and its state is that of an undisturbed rank',
    { timeout: 400_000 },
    async (_, cases) => {
      const { frames, open, openAll } = await makeRoom(JOB, 'cpu', SHARE);
      const ranks = [...(await openAll(3))];
      await ranks[0]?.ask('start');
      const look = follow(ranks);
      for (const { fault, notice, saves, untilNoticed, mayBePutOut } of cases) {
        // Whose place has moved in the ring is struck at its place: `to: 0` is never itself.
        const before = await until('the room is whole', ranks, whole(0));
        const at = before.findIndex(({ members }) => members.findIndex(({ self }) => self) === 2);
        const struck = ranks[at];
        const member = before[at]?.member;
        if (struck === undefined || member === undefined) throw new Error('There is a rank 2.');
        await look();
        const began = Date.now();
        const id = await struck.inject(fault);
        if (saves) {
          await expect(struck.ask('checkpointNow')).rejects.toThrow('checkpoint');
          await struck.heal(id);
        }
        const opened = Date.now();
        if (fault.kind === 'kill' || fault.kind === 'close') ranks[at] = await open();
        const name = JSON.stringify(fault);
        const shows = (record: TraceRecord): boolean =>
          notice?.(record.event, record.member === member, member) === true;
        const records = notice === undefined ? [] : [...(await noticed(name, look, shows))];
        if (untilNoticed) await struck.heal(id);
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
        if (notice === undefined && mayBePutOut === undefined)
          expect(
            later.filter(({ event }) => event.kind === 'suspected').map(({ event }) => event),
            name,
          ).toEqual([]);
        tellTimes(fault, began, shown, later);
        if (forMs === SILENT_MS) expect((shown?.at ?? Infinity) - began, name).toBeLessThan(SILENT_MS);
        if (fault.kind === 'close') {
          const newcomer = (await ranks[at]?.status())?.member;
          const isIn = ({ event }: TraceRecord): boolean =>
            event.kind === 'installed' && newcomer !== undefined && event.members.includes(newcomer);
          tellTimes({ kind: 'open' }, opened, later.find(isIn), later);
        }
      }

      const asked = Date.now();
      await ranks[0]?.ask('pause');
      const rest = await until('the room rests', ranks, (all) =>
        all.every(({ phase, running }) => phase === 'idle' && !running),
      );
      tell({ kind: 'command', command: 'pause' }, undefined, Date.now() - asked);
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
    const records = (await ranks[0]?.log()) ?? [];
    const reached = records.find(({ event }) => event.kind === 'applied' && event.step === 5)?.at ?? 0;
    const refusal = records.find(({ event }) => event.kind === 'sampleRefused');
    tellTimes({ kind: 'bad-sample' }, reached, refusal, records);
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

  test('a flipped bit of a gradient or of a weight leaves all ranks in one state', async () => {
    const { frames, openAll } = await makeRoom(JOB);
    const ranks = await openAll(3);
    await ranks[0]?.ask('start');
    const look = follow(ranks);
    for (const where of ['gradient', 'parameters'] as const) {
      const before = await until('the room is whole', ranks, whole(0));
      await look();
      const began = Date.now();
      await ranks[1]?.inject({ kind: 'flip-bit', where });
      if (where === 'parameters') {
        const shows = ({ event }: TraceRecord): boolean => event.kind === 'healed';
        const records = await noticed('the flipped weight', look, shows);
        tellTimes({ kind: 'flip-bit', where }, began, records.find(shows), [...records, ...(await look())]);
      }
      await until(
        `the room is whole after a flipped bit of ${where}`,
        ranks,
        whole(Math.max(...before.map(({ committed }) => committed))),
      );
    }
    await ranks[0]?.ask('pause');
    const rest = await until('the room rests', ranks, (all) =>
      all.every(({ phase, running }) => phase === 'idle' && !running),
    );
    expect(new Set(rest.map(({ committedHash }) => committedHash)).size).toBe(1);
    await frames.page.close();
  });

  test('a checkpoint that is damaged, gone or evicted is passed over for the newest that is whole', async () => {
    // Saved by hand alone.
    const policies = { ...JOB.policies, checkpointEvery: 1_000_000 };
    const { frames, open } = await makeRoom({ ...JOB, policies });
    let rank = await open({ fresh: true });
    for (const fault of [
      { kind: 'damage-checkpoint', how: 'rotten' },
      { kind: 'damage-checkpoint', how: 'torn' },
      { kind: 'damage-checkpoint', how: 'stale' },
      { kind: 'evict-checkpoints' },
    ] as const satisfies readonly Fault[]) {
      const name = JSON.stringify(fault);
      let step = (await rank.status()).committed;
      const saved: number[] = [];
      while (saved.length < 2) {
        await until('it rests', [rank], ([status]) => status?.phase === 'idle');
        await rank.ask('start');
        const from = step;
        await until('it trains', [rank], ([status]) => (status?.committed ?? 0) > from + 3);
        await rank.ask('pause');
        const [rest] = await until(
          'it rests again',
          [rank],
          ([status]) => status?.phase === 'idle' && !status.running,
        );
        step = rest?.committed ?? 0;
        await rank.ask('checkpointNow');
        saved.push(step);
      }
      await rank.inject(fault);
      await noticed(
        name,
        () => rank.log(),
        ({ event }) => event.kind === 'engine' && event.detail.startsWith('fault-'),
      );
      await rank.kill();
      const reopened = Date.now();
      rank = await open();
      const [again] = await until(`it is back after ${name}`, [rank], ([status]) => status?.phase === 'idle');
      const records = await rank.log();
      const skipped = records.flatMap(({ event }) =>
        event.kind === 'checkpointSkipped' ? [event.step] : [],
      );
      const skip = records.find(({ event }) => event.kind === 'checkpointSkipped')?.at;
      const founded = records.find(({ event }) => event.kind === 'founded')?.at ?? Date.now();
      tell(fault, skip && skip - reopened, founded - (skip ?? reopened));
      const [older, newest] = saved;
      expect(again?.resumedFromStep, name).toBe(fault.kind === 'evict-checkpoints' ? undefined : older);
      const isRead = fault.kind === 'damage-checkpoint' && fault.how !== 'stale';
      // Told by whoever looks: once before it asks for a room, and once as it founds one.
      expect([...new Set(skipped)], name).toEqual(isRead ? [newest] : []);
    }
    await frames.page.close();
  });

  test('a browser whose storage is really full refuses a checkpoint, and the room trains on and saves when there is room', async () => {
    // A browser of its own, with a small disk from the first: how much room there is, a browser remembers for half a minute.
    const small = await openLab({ pages: 'built' });
    const { origin, context } = small;
    const devtools = await context.newCDPSession(await context.newPage());
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 24 * 1024 * 1024 });
    const { frames, openAll } = await makeRoom(JOB, 'cpu', SHARE, small);
    const ranks = await openAll(2);
    const [first] = ranks;
    if (first === undefined) throw new Error('Two were opened.');
    await first.ask('start');
    const look = follow(ranks);
    await until('they train', ranks, whole(0));
    await look();
    const began = Date.now();
    const fault = { kind: 'fill-storage', maxBytes: 64 * 1024 * 1024 } as const;
    const id = await first.inject(fault);
    const filled = ({ event }: TraceRecord): boolean =>
      event.kind === 'engine' && event.detail.endsWith('of storage held, and more was refused');
    await noticed('that storage is full', look, filled);
    expect(await frames.asked()).toEqual(['storage']);
    await expect(first.ask('checkpointNow')).rejects.toThrow('storage is full');
    const shows = ({ event }: TraceRecord): boolean => event.kind === 'checkpointFailed';
    const records = await noticed('the checkpoint that failed', look, shows);
    const before = Math.max(
      ...(await until('they train', ranks, whole(0))).map(({ committed }) => committed),
    );
    await until('they train on', ranks, whole(before));
    tellTimes(fault, began, records.find(shows), [...records, ...(await look())]);
    await first.heal(id);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    await first.ask('checkpointNow');
    await small.close();
  });

  test('a number that is not finite stops the room, with the reason on every rank', async () => {
    const { frames, openAll } = await makeRoom(JOB);
    const ranks = await openAll(2);
    await ranks[0]?.ask('start');
    await until('they train', ranks, (all) => all.every(({ committed }) => committed > 3));
    const began = Date.now();
    // One that has been slow may have no share of the work, and then the other has it all.
    for (const rank of ranks) await rank.inject({ kind: 'nan' });
    const all = await until('both have stopped', ranks, (statuses) =>
      statuses.every(({ phase }) => phase === 'stopped'),
    );
    for (const { problem } of all) expect(problem).toContain('is not finite');
    const records = await follow(ranks)();
    tellTimes(
      { kind: 'nan' },
      began,
      records.find(({ event }) => event.kind === 'stopped'),
      [],
    );
    await frames.page.close();
  });
});

// By themselves: what is done to the GPU process is done to every page of the browser.
describe('in real tabs, the GPU', () => {
  test('a GPU that refuses, and a device that is lost, cost no committed step', async () => {
    const { frames, openAll } = await makeRoom(JOB, 'webgpu');
    const ranks = await openAll(2);
    await ranks[0]?.ask('start');
    const look = follow(ranks);
    const shows = ({ event }: TraceRecord): boolean =>
      event.kind === 'engine' && !event.detail.startsWith('fault-');
    for (const fault of [
      { kind: 'oversize-buffer', times: 1 },
      { kind: 'refuse-gpu', forMs: 1500 },
      { kind: 'exhaust-gpu', maxBytes: 32 * 1024 * 1024, forMs: 500 },
      { kind: 'lose-device' },
    ] as const) {
      const before = await until('the room is whole', ranks, whole(0));
      await look();
      const began = Date.now();
      await ranks[1]?.inject(fault);
      const name = JSON.stringify(fault);
      // Within its budget, memory of a machine that has plenty is refused to nobody.
      const records =
        fault.kind === 'exhaust-gpu'
          ? await noticed(name, look, ({ event }) => event.kind === 'engine' && event.detail.includes('held'))
          : await noticed(name, look, shows);
      await until(
        `the room is whole after ${fault.kind}`,
        ranks,
        whole(Math.max(...before.map((one) => one.committed))),
      );
      tellTimes(fault, began, records.find(shows), [...records, ...(await look())]);
    }
    expect(await frames.asked()).toEqual(['gpu-memory']);
    await frames.page.close();
  });

  // The last one: a browser whose GPU process has died twice gives its pages no adapter any more.
  test('a GPU process that dies twice leaves the room on the CPU, from its checkpoint', async () => {
    const job: Job = { ...JOB, policies: { ...JOB.policies, checkpointEvery: 4 } };
    const { frames, openAll } = await makeRoom(job, 'webgpu');
    const ranks = await openAll(2);
    await ranks[0]?.ask('start');
    const devtools = await lab.context.newCDPSession(frames.page);
    for (const kind of ['webgpu', 'cpu']) {
      const before = await until('a checkpoint is behind them', ranks, (all) =>
        all.every(({ committed }) => committed >= 6),
      );
      const look = follow(ranks);
      await look();
      const began = Date.now();
      await devtools.send('Browser.crashGpuProcess');
      const records = await noticed('the lost GPU', look, ({ event }) => event.kind === 'engine');
      const after = await until(`they train on ${kind}`, ranks, (all) =>
        whole(Math.max(...before.map((one) => one.committed)))(all),
      );
      tellTimes(
        { kind: 'lose-gpu-process' },
        began,
        records.find(({ event }) => event.kind === 'engine'),
        [...records, ...(await look())],
      );
      expect(after.map(({ engine }) => engine?.kind)).toEqual([kind, kind]);
    }
    await frames.page.close();
  });
});

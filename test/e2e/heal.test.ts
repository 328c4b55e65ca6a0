// A state of 10 MB on its way to a newcomer, in real tabs.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import type { TraceEvent, TraceRecord } from '../../src/trace/events.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { FramedRank, Frames, Lab } from './frames.ts';

/** 871,882 parameters: 10.5 MB with both moments. */
const JOB: Job = {
  ...DEFAULT_JOB,
  steps: 1000,
  // Little to compute: it is about what travels.
  globalBatch: 8,
  microBatches: 8,
  model: { kind: 'mlp', layers: [784, 1024, 64, 10], activation: 'relu' },
};
const STATE_BYTES = 10_400_000;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
});
afterAll(async () => {
  await lab.close();
});

type Of<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { kind: Kind }>;
const only = <Kind extends TraceEvent['kind']>(
  log: readonly TraceRecord[],
  kind: Kind,
): { readonly at: number; readonly event: Of<Kind> }[] =>
  log.flatMap(({ at, event }) => (event.kind === kind ? [{ at, event: event as Of<Kind> }] : []));

/** More than the donor's first answer has come, and some are to come. */
const isUnderWay = (incoming: RankStatus['incoming']): boolean =>
  incoming !== undefined && incoming.pieces > 3 && incoming.pieces < incoming.of;

/** A room of that many ranks which trains. */
async function trainingRoom(count: number) {
  const frames: Frames = await openFrames(lab);
  const options = { ...newRoom(), engine: 'cpu', autostart: false, tune: false, job: JOB } as const;
  const open = (fresh: boolean): Promise<FramedRank> => frames.open({ ...options, fresh });
  const ranks = [await open(true)];
  while (ranks.length < count) ranks.push(await open(false));
  await until(`${count} ranks are members`, ranks, (all) =>
    all.every(({ phase, members }) => phase === 'idle' && members.length === count),
  );
  await ranks[0]?.ask('start');
  await until('they train', ranks, (all) => all.every(({ step }) => step >= 2));
  return { frames, ranks, open };
}

describe('a state of 10 MB', () => {
  test('is learned by a newcomer beside the ring, while the room trains on without it', async () => {
    const { frames, ranks, open } = await trainingRoom(3);
    const [first] = ranks;
    if (first === undefined) throw new Error('a room of three has a first rank');
    await until('some steps are committed', [first], ([status]) => (status?.committed ?? 0) >= 10);
    const opened = Date.now();
    const late = await open(false);
    await until('the newcomer trains', [late], ([status]) => status?.phase === 'computing');
    const { committed } = await late.status();
    await until(
      'a step is committed with it',
      [late],
      ([status]) => (status?.committed ?? 0) > committed + 1,
    );
    const log = await late.log();
    const [listed] = only(log, 'learns');
    const [learned] = only(log, 'learned').filter(({ event }) => event.by === 'state');
    const [over] = only(log, 'lessonOver');
    expect(learned?.event.bytes).toBeGreaterThan(STATE_BYTES);
    expect(over?.event.why).toBe('caught-up');
    // What it lacked when it came in, gradients made good.
    expect(only(log, 'healed').filter(({ event }) => event.by === 'state')).toEqual([]);
    const began = listed?.at ?? Infinity;
    const ended = over?.at ?? -Infinity;
    const commits = only(await first.log(), 'committed');
    const gaps = (from: number, to: number): number[] =>
      commits.flatMap(({ at }, i) => {
        const before = commits[i - 1];
        return before !== undefined && at > from && at <= to ? [Math.round(at - before.at)] : [];
      });
    const meanwhile = commits.filter(({ at }) => at >= opened && at <= ended).length;
    process.stderr.write(
      `learned ${learned?.event.bytes} bytes in ${Math.round((learned?.at ?? Infinity) - began)} ms, and caught up after ${Math.round(ended - began)} ms; ` +
        `the room committed ${meanwhile} steps from its opening until then. Longest gap between two: ` +
        `${Math.max(...gaps(0, opened))} ms before, ${Math.max(...gaps(opened, ended))} ms meanwhile, ${Math.max(...gaps(ended, Infinity))} ms as it came in\n`,
    );
    expect(meanwhile).toBeGreaterThan(0);
    expect(ended - began).toBeLessThan(3000);
    await frames.page.close();
  });

  test('comes, in a room that rests, from another donor when the first is killed in mid-heal, from where it was', async () => {
    const { frames, ranks, open } = await trainingRoom(3);
    // Where nothing is held up, a newcomer is taken in at once, and heals as a member.
    await ranks[0]?.ask('pause');
    await until('they rest', ranks, (all) => all.every(({ phase }) => phase === 'idle'));
    // Slow enough to be killed in between, whoever the donor is.
    const slow = new Map<FramedRank, string>();
    for (const rank of ranks)
      slow.set(rank, await rank.inject({ kind: 'limit-bandwidth', bytesPerSecond: 2_000_000 }));
    const late = await open(false);
    const { member } = await late.status();
    const gives = async (rank: FramedRank): Promise<boolean> =>
      only(await rank.log(), 'donated').some(({ event }) => event.to === member && event.by === 'state');
    let donor: FramedRank | undefined;
    await until('it heals', [late], ([status]) => status?.phase === 'healing');
    while (donor === undefined) {
      const giving = await Promise.all(ranks.map(gives));
      donor = ranks.find((_, i) => giving[i]);
    }
    await until('a few pieces have come, and more are to come', [late], ([status]) =>
      isUnderWay(status?.incoming),
    );
    await donor.kill();
    const left = ranks.filter((rank) => rank !== donor);
    await until('the three that are left have the state', [...left, late], (all) =>
      all.every(
        ({ members, incoming, phase }) => phase === 'idle' && incoming === undefined && members.length === 3,
      ),
    );
    const { step } = await late.status();
    for (const rank of left) await rank.heal(slow.get(rank) ?? '');
    await late.ask('start');
    await until(
      'a step is committed with the newcomer',
      [late],
      ([status]) => (status?.committed ?? 0) > step,
    );
    const resumed = (await Promise.all(left.map((rank) => rank.log())))
      .flatMap((log) => only(log, 'donated'))
      .filter(({ event }) => event.to === member && event.piece !== undefined);
    expect(resumed.map(({ event }) => event.piece ?? 0)).toEqual([expect.any(Number)]);
    expect(resumed[0]?.event.piece).toBeGreaterThan(2);
    expect(only(await late.log(), 'violated')).toEqual([]);
    await frames.page.close();
  });
});

// A room that goes back to a checkpoint on purpose: all of it or nobody, whoever dies or is cut off meanwhile, and to the same end.

import { describe, expect, test } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import { createWorld, hashesOf, type World } from '../../../src/simulator/world.ts';
import type { Strike } from '../../../src/faults/schedule.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';

const MINUTE = 60_000;
const STEPS = 60;
const JOB: Job = {
  ...DEFAULT_JOB,
  steps: STEPS,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 15 },
};
const REFERENCE = referenceRun(hashCompute(JOB.seed, JOB.microBatches, 'uniform'), STEPS).at(-1);

interface Story {
  readonly world: World;
  readonly members: readonly MemberId[];
  readonly records: readonly TraceRecord[];
}

/** A room of these profiles, which has committed 31 steps. */
function roomOf(seed: number, profiles: readonly string[]): Story {
  const records: TraceRecord[] = [];
  const world = createWorld({ seed, job: JOB, onRecord: (record) => records.push(record) });
  const members = profiles.map((profile, i) => world.open(profile, { fresh: i === 0 }));
  const trained = world.runUntil(
    () =>
      world.committed() >= 31 &&
      world.living().every(({ core }) => core.membership?.generation.members.length === members.length),
    MINUTE,
  );
  expect(trained).toBe(true);
  return { world, members, records };
}

/** One rank asks for the oldest checkpoint that its profile has; returns its step. */
function askFor({ world, members }: Story, place: number): number {
  const member = members[place];
  const host = member === undefined ? undefined : world.ranks.get(member);
  const oldest = host && world.profile(host.profile).checkpoints.at(-1);
  if (member === undefined || oldest === undefined) throw new Error('a checkpoint was saved');
  world.rollBack(member, oldest.saved.standing);
  return oldest.saved.standing.step;
}

const of = <Kind extends TraceEvent['kind']>(records: readonly TraceRecord[], kind: Kind) =>
  records.flatMap(({ event }) => (event.kind === kind ? [event as Extract<TraceEvent, { kind: Kind }>] : []));

function expectExactEnd({ world }: Story): void {
  const ended = world.runUntil(
    () => world.living().length > 0 && world.living().every(({ core }) => core.phase === 'done'),
    10 * MINUTE,
  );
  expect(world.violations.map(({ invariant, sentence }) => `${invariant}: ${sentence}`)).toEqual([]);
  expect(
    ended,
    world
      .living()
      .map(({ core }) => `${core.phase} at ${core.training?.step ?? '-'}`)
      .join(),
  ).toBe(true);
  expect(new Set(hashesOf(world))).toEqual(new Set([REFERENCE]));
}

describe('a room that is told to go back', () => {
  test.each([0, 2])('by rank %d goes back as one, and comes to the same end', (place) => {
    const story = roomOf(1, ['a', 'a', 'b', 'c']);
    const before = story.records.length;
    const step = askFor(story, place);
    expect(step).toBeLessThan(30);
    expectExactEnd(story);
    const after = story.records.slice(before);
    expect(of(after, 'founded')).toMatchObject([{ why: 'rolled-back', step }]);
    expect(of(after, 'restored')).toMatchObject([{ step }]);
    // The others heal from whoever went back, which trains on meanwhile.
    const healed = after.filter(({ event }) => event.kind === 'healed');
    expect(healed.map(({ member }) => member).sort()).toEqual(
      story.members.filter((_, rank) => rank !== place).sort(),
    );
    const mine = after.filter((record) => record.member === story.members[place]);
    expect(of(mine, 'applied').map((event) => event.step)).toEqual(
      expect.arrayContaining(Array.from({ length: STEPS - step }, (_, i) => step + i)),
    );
  });

  test('alone goes back as well', () => {
    const story = roomOf(2, ['a']);
    const step = askFor(story, 0);
    expectExactEnd(story);
    expect(of(story.records, 'founded').at(-1)).toMatchObject({ why: 'rolled-back', step });
  });

  test('to a checkpoint that is damaged since goes back all the same: it is held in memory', () => {
    const story = roomOf(3, ['a', 'b']);
    const step = askFor(story, 0);
    for (const checkpoint of story.world.profile('a').checkpoints) checkpoint.damaged = true;
    expectExactEnd(story);
    expect(of(story.records, 'founded').at(-1)).toMatchObject({ why: 'rolled-back', step });
  });

  test('to a checkpoint that cannot be read loses nothing', () => {
    const story = roomOf(3, ['a', 'b']);
    for (const checkpoint of story.world.profile('a').checkpoints) checkpoint.damaged = true;
    askFor(story, 0);
    expectExactEnd(story);
    const [, founded] = of(story.records, 'founded');
    expect(founded?.step).toBeGreaterThanOrEqual(31);
  });

  test('while a member cannot be reached takes that one along when it comes back, however far it had come', () => {
    const story = roomOf(4, ['a', 'b', 'c']);
    const [a, b, c] = story.members;
    if (a === undefined || b === undefined || c === undefined) throw new Error('there are three');
    story.world.partition([[a, b], [c]]);
    story.world.runUntil(
      () => story.world.ranks.get(a)?.core.membership?.generation.members.length === 2,
      MINUTE,
    );
    const step = askFor(story, 0);
    story.world.runUntil(() => of(story.records, 'founded').some(({ why }) => why === 'rolled-back'), MINUTE);
    story.world.healLinks();
    expectExactEnd(story);
    expect(of(story.records, 'founded').filter(({ why }) => why !== 'new')).toMatchObject([{ step }]);
    expect(story.records.some(({ member, event }) => member === c && event.kind === 'healed')).toBe(true);
  });

  test('keeps every invariant under the faults of 60 drawn experiments, by all that watch over them', () => {
    let wentBack = 0;
    for (let seed = 100; seed < 160; seed++) {
      const drawn = drawExperiment(seed);
      const roll = (step: number, page: number): Strike => ({
        at: { step },
        page,
        fault: { kind: 'command', command: 'roll-back' },
      });
      const { verdict, reason } = runExperiment(
        { ...drawn, plan: [...drawn.plan, roll(8, 0), roll(9, 1), roll(14, seed % 3)] },
        {
          onRecord({ event }) {
            if (event.kind === 'founded' && event.why === 'rolled-back') wentBack++;
          },
        },
      );
      expect(verdict, `seed ${seed}: ${reason ?? ''}`).not.toBe('violated');
    }
    // Where nothing is saved yet, or whoever asks dies before the vote, nobody goes back.
    expect(wentBack).toBeGreaterThan(40);
  });
});

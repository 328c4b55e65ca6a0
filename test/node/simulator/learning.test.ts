// A newcomer that learns beside the ring of a simulated room, whose state is big and whose links are slow: the room trains on meanwhile.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { createWorld, hashesOf, type World } from '../../../src/simulator/world.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';

/** The simulated state has 39 bytes. */
const PIECES = 13;
const MINUTE = 60_000;
const JOB: Job = {
  ...DEFAULT_JOB,
  steps: 200,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 20 },
};
const COMPUTE = { ...hashCompute(JOB.seed, JOB.microBatches, 'uniform'), pieces: PIECES };
/** A message with a piece takes a twentieth of a second. */
const SLOW_LINK = { kind: 'bandwidth', bytesPerMs: 10 } as const;
/** As if the state had a million parameters. */
const LEARNING: Rules = {
  ...RULES,
  learnsFirst: (_parameters, lacks) => RULES.learnsFirst(1_000_000, lacks),
};
/** As a rank did before it could learn. */
const HEALING: Rules = { ...LEARNING, learnsFirst: () => false };

type Of<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { kind: Kind }>;

interface Room {
  readonly world: World;
  readonly late: MemberId;
  readonly opened: number;
  of<Kind extends TraceEvent['kind']>(
    kind: Kind,
    member?: MemberId,
  ): { readonly at: number; readonly event: Of<Kind> }[];
  /** The longest time between two commits of the room in that time. */
  longestGap(from: number, to: number): number;
}

/** A room of three that trains, and a newcomer over slow links. */
function newcomer(seed: number, rules: Rules): Room {
  const world = createWorld({ seed, job: JOB, compute: COMPUTE, rules });
  for (const [i, profile] of ['a', 'b', 'c'].entries()) world.open(profile, { fresh: i === 0 });
  expect(world.runUntil(() => world.committed() >= 10, MINUTE)).toBe(true);
  const members = world.living().map(({ member }) => member);
  const late = world.open('d');
  for (const member of members) {
    world.setLink(member, late, SLOW_LINK);
    world.setLink(late, member, SLOW_LINK);
  }
  const of: Room['of'] = (kind, member = late) =>
    world.log.flatMap((record) =>
      record.member === member && record.event.kind === kind
        ? [{ at: record.at, event: record.event as Of<typeof kind> }]
        : [],
    );
  return {
    world,
    late,
    opened: world.now(),
    of,
    longestGap(from, to) {
      const commits = of('committed', members[0]).map(({ at }) => at);
      return Math.max(...commits.map((at, i) => (at > from && at <= to ? at - (commits[i - 1] ?? at) : 0)));
    },
  };
}

const isMember = ({ world, late }: Room): boolean => world.ranks.get(late)?.core.membership?.synced === true;

function expectExactEnd(world: World): void {
  const ended = world.runUntil(() => world.living().every(({ core }) => core.phase === 'done'), 5 * MINUTE);
  expect(world.violations).toEqual([]);
  expect(ended).toBe(true);
  expect(new Set(hashesOf(world))).toEqual(new Set([referenceRun(COMPUTE, JOB.steps).at(-1)]));
}

describe('a newcomer to a room that trains', () => {
  it('learns beside the ring, and costs the room no more than a regroup and a step', () => {
    const [learning, healing] = [newcomer(1, LEARNING), newcomer(1, HEALING)];
    const gaps = [learning, healing].map((room) => {
      expect(room.world.runUntil(() => isMember(room), MINUTE)).toBe(true);
      const joined = room.world.now();
      room.world.runUntil(() => false, 1000);
      return room.longestGap(room.opened, joined + 1000);
    });
    const before = learning.longestGap(0, learning.opened);
    const [over] = learning.of('lessonOver');
    const meanwhile = learning.longestGap(learning.opened, over?.at ?? Infinity);
    expect(over?.event.why).toBe('caught-up');
    expect(learning.of('learned').map(({ event }) => event.by)).toContain('gradient');
    expect(learning.of('healed').filter(({ event }) => event.by === 'state')).toEqual([]);
    // While it learns, the room does not notice; when it comes in, one regroup over slow links is all.
    expect(meanwhile).toBeLessThan(before);
    expect(gaps[0]).toBeLessThan(0.7 * (gaps[1] ?? 0));
    expectExactEnd(learning.world);
  });

  it.each([2, 3, 4])('learns of another when its teacher dies, and comes in (seed %i)', (seed) => {
    const room = newcomer(seed, LEARNING);
    const { world } = room;
    expect(world.runUntil(() => room.of('learns').length === 1, MINUTE)).toBe(true);
    const first = room.of('learns')[0]?.event.teacher;
    world.runUntil(() => false, 100);
    world.depart(first ?? room.late, 'kill');
    expect(world.runUntil(() => isMember(room), MINUTE)).toBe(true);
    const teachers = room.of('learns').map(({ event }) => event.teacher);
    expect(new Set(teachers).size).toBe(2);
    expectExactEnd(world);
  });

  it('comes in at once where the room rests, and in mid-lesson when it comes to rest', () => {
    const room = newcomer(5, LEARNING);
    const { world } = room;
    expect(world.runUntil(() => room.of('learns').length === 1, MINUTE)).toBe(true);
    for (const { member } of world.living()) world.command(member, 'pause');
    expect(world.runUntil(() => isMember(room), MINUTE)).toBe(true);
    expect(room.of('lessonOver').map(({ event }) => event.why)).toEqual(['come-in']);
    const second = world.open('e');
    const isIn = (): boolean => world.ranks.get(second)?.core.membership?.synced === true;
    expect(world.runUntil(isIn, MINUTE)).toBe(true);
    expect(room.of('learns', second)).toEqual([]);
    for (const { member } of world.living()) world.command(member, 'start');
    expectExactEnd(world);
  });

  it('comes in as it is where the room is faster than it can follow, and heals there', () => {
    const room = newcomer(6, { ...LEARNING, keepsForLearners: (gradients) => gradients <= 2 });
    const { world } = room;
    expect(world.runUntil(() => isMember(room), MINUTE)).toBe(true);
    expect(room.of('lessonOver').map(({ event }) => event.why)).toEqual(['come-in']);
    expect(room.of('healed').map(({ event }) => event.by)).toContain('state');
    expectExactEnd(world);
  });

  it('comes in as it is where it follows about as fast as the room and gets no nearer', () => {
    const room = newcomer(10, { ...LEARNING, hasCaughtUp: () => false });
    const { world } = room;
    expect(world.runUntil(() => isMember(room), MINUTE)).toBe(true);
    expect(room.of('lessonOver').map(({ event }) => event.why)).toEqual(['stays-behind']);
    const [learned] = room.of('learned');
    const [over] = room.of('lessonOver');
    expect((over?.at ?? Infinity) - (learned?.at ?? 0)).toBeLessThan(1.2 * JOB.policies.joinMs);
    expect(room.of('healed').filter(({ event }) => event.by === 'state')).toEqual([]);
    expectExactEnd(world);
  });

  it('takes no whole state where its teacher was cut off in a step that others have completed', () => {
    let cutOff = 0;
    for (let seed = 100; seed < 160; seed++) {
      const room = newcomer(seed, LEARNING);
      const { world } = room;
      expect(world.runUntil(() => isMember(room), MINUTE)).toBe(true);
      const [over] = room.of('lessonOver');
      const teacher = room.of('learns').at(-1)?.event.teacher ?? room.late;
      const isBehind = room.of('healed', teacher).some(({ at }) => at > (over?.at ?? Infinity));
      if (!isBehind || over?.event.why !== 'caught-up') continue;
      cutOff += 1;
      const whole = room.of('healed').filter(({ event }) => event.by === 'state');
      expect(whole, `seed ${seed}`).toEqual([]);
    }
    expect(cutOff).toBeGreaterThan(0);
  });

  it('is no member before it has its place: it has no vote, no share and no seat, and nobody waits for it', () => {
    const room = newcomer(7, LEARNING);
    const { world, late } = room;
    world.runUntil(() => room.of('learned').length > 0, MINUTE);
    for (const { core } of world.living().filter(({ member }) => member !== late)) {
      const { membership } = core;
      expect(membership?.generation.members.map(({ member }) => member)).not.toContain(late);
      expect(membership?.target?.donors).not.toContain(late);
      expect(membership?.healRequests.size).toBe(0);
    }
    expect(room.of('contributed')).toEqual([]);
    const { training } = world.ranks.get(late)?.core ?? {};
    expect(training?.step).toBeGreaterThan(0);
    // What it has learned no generation has vouched for: it counts for nothing where states are weighed.
    expect(training?.lineage).toBeUndefined();
  });

  it('goes back to no state that only it has: when all others die in mid-lesson it begins with what it has whole', () => {
    const room = newcomer(8, LEARNING);
    const { world, late } = room;
    expect(world.runUntil(() => room.of('learns').length === 1, MINUTE)).toBe(true);
    world.runUntil(() => false, 150);
    expect(world.ranks.get(late)?.core.incoming).toBeDefined();
    for (const { member } of world.living()) if (member !== late) world.depart(member, 'kill');
    expect(world.runUntil(() => room.of('founded').length > 0, MINUTE)).toBe(true);
    // Its pieces are no state: this newcomer had none.
    expect(room.of('founded')[0]?.event.step).toBe(0);
    expectExactEnd(world);
  });

  it('leaves nothing behind, with its teacher or with itself', () => {
    const { world } = newcomer(9, LEARNING);
    expectExactEnd(world);
    for (const { core } of world.living()) {
      expect(core.teaching).toBeUndefined();
      expect(core.study).toBeUndefined();
      expect(core.incoming).toBeUndefined();
    }
  });
});

describe('a rank that would be two steps behind at most', () => {
  it('does not learn: the gradient that members retain heals it', () => {
    expect(RULES.learnsFirst(1_000_000, 1)).toBe(false);
    expect(RULES.learnsFirst(1_000_000, 2)).toBe(true);
    // One piece: it is here with the first answer.
    expect(RULES.learnsFirst(20_000, 1000)).toBe(false);
  });
});

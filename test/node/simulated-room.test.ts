// The protocol core in the simulated world: stories of rooms that lose ranks and go on.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../src/job/job.ts';
import type { MemberId } from '../../src/ports/ids.ts';
import { viewRank } from '../../src/protocol/view.ts';
import { referenceRun } from '../../src/simulator/compute.ts';
import { hashCompute } from '../../src/simulator/hash-engine.ts';
import { createWorld, hashesOf, type World } from '../../src/simulator/world.ts';
import type { TraceEvent, TraceRecord } from '../../src/trace/events.ts';

const job = (steps: number, policies: Partial<Job['policies']> = {}): Job => ({
  ...DEFAULT_JOB,
  steps,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 5, ...policies },
});

const MINUTE = 60_000;

const done = (world: World) => (): boolean =>
  world.living().length > 0 && world.living().every((rank) => rank.core.phase === 'done');

/** Opens pages in the given profiles and waits until all are members of one generation. */
function openRoom(world: World, profiles: readonly string[]): readonly MemberId[] {
  const members = profiles.map((profile, i) => world.open(profile, { fresh: i === 0 }));
  expect(
    world.runUntil(
      () => world.living().every((r) => r.core.membership?.generation.members.length === members.length),
      MINUTE,
    ),
  ).toBe(true);
  return members;
}

/** All living ranks are done, in the state of the fault-free run, and no invariant was broken. */
function expectExactEnd(world: World, theJob: Job): void {
  const ended = world.runUntil(done(world), 10 * MINUTE);
  expect(world.violations.map((v) => `${v.invariant}: ${v.sentence}`)).toEqual([]);
  const phases = world
    .living()
    .map((r) => `${r.core.phase}@${r.core.training?.step ?? '-'} ${r.core.problem ?? ''}`);
  expect(ended, phases.join(' | ')).toBe(true);
  const reference = referenceRun(hashCompute(theJob.seed, theJob.microBatches, 'uniform'), theJob.steps).at(
    -1,
  );
  expect(new Set(hashesOf(world))).toEqual(new Set([reference]));
}

describe('states that differ', () => {
  /** Flips a bit of these pages' states at a step, and looks at what comes of it. */
  function flipped(profiles: readonly string[], struck: readonly number[], checkpointEvery = 5) {
    const theJob = job(40, { checkpointEvery });
    const records: TraceRecord[] = [];
    const world = createWorld({ seed: 6, job: theJob, onRecord: (record) => records.push(record) });
    const members = openRoom(world, profiles);
    world.runUntil(() => world.committed() >= 13, MINUTE);
    const hosts = struck.flatMap((place) => {
      const host = world.ranks.get(members[place] ?? ('' as MemberId));
      return host === undefined ? [] : [host];
    });
    for (const host of hosts) {
      const bytes = host.compute.encode(host.engine);
      const last = bytes.length - 1;
      bytes[last] = (bytes[last] ?? 0) ^ 1;
      host.engine = host.compute.decode(bytes);
    }
    const ended = world.runUntil(done(world), 10 * MINUTE);
    expect(ended).toBe(true);
    const reference = referenceRun(hashCompute(theJob.seed, theJob.microBatches, 'uniform'), 40).at(-1);
    expect(new Set(hashesOf(world))).toEqual(new Set([reference]));
    return { world, members, records };
  }
  const kinds = (records: readonly TraceRecord[], kind: TraceEvent['kind']) =>
    records.filter(({ event }) => event.kind === kind);

  it('on two ranks go back to the last state that was agreed on and saved, and the end is that of an undisturbed rank', () => {
    const { records } = flipped(['a', 'b'], [1]);
    const [restored] = kinds(records, 'restored');
    expect(restored?.event).toMatchObject({ kind: 'restored', step: 10 });
  });

  it('on two against two go back as well', () => {
    const { records } = flipped(['a', 'a', 'b', 'b'], [1, 3]);
    expect(kinds(records, 'restored').length).toBeGreaterThan(0);
  });

  it('go back to the beginning where nothing was saved yet', () => {
    const { records } = flipped(['a', 'b'], [0], 30);
    expect(kinds(records, 'restored')).toEqual([]);
    expect(kinds(records, 'founded').map(({ event }) => event)).toMatchObject([{ why: 'new' }, { step: 0 }]);
  });

  it('on one of three are told by the majority: that one is named, and heals', () => {
    const { members, records } = flipped(['a', 'b', 'c'], [1]);
    const named = kinds(records, 'stalled').filter(
      ({ event }) => event.kind === 'stalled' && event.cause === 'different-state',
    );
    expect(named.map(({ event }) => event)).toMatchObject(
      named.map(() => ({ peer: members[1], operation: 'all-reduce' })),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(kinds(records, 'restored')).toEqual([]);
    expect(kinds(records, 'healed').some(({ member }) => member === members[1])).toBe(true);
  });
});

describe('a simulated room', () => {
  it('trains with one rank to the reference hash', () => {
    const theJob = job(10);
    const world = createWorld({ seed: 1, job: theJob });
    openRoom(world, ['a']);
    expectExactEnd(world, theJob);
  });

  it('trains with four ranks to the hash of one', () => {
    const theJob = job(10);
    const world = createWorld({ seed: 2, job: theJob });
    openRoom(world, ['a', 'a', 'b', 'c']);
    expectExactEnd(world, theJob);
  });

  it('stops before anything is applied when a number is not finite, and every rank names step, micro-batch and tensor', () => {
    const world = createWorld({ seed: 4, job: job(40) });
    openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 5, MINUTE);
    const [struck] = world.living();
    if (struck === undefined) throw new Error('three members were opened');
    struck.gpu.poisoned = 1;
    expect(world.runUntil(() => world.living().every((r) => r.core.problem !== undefined), MINUTE)).toBe(
      true,
    );
    const [step] = world.living().map((r) => r.core.training?.step);
    for (const rank of world.living()) {
      expect(rank.core.training?.step).toBe(step);
      expect(rank.core.problem).toContain(
        `In step ${step}, the gradient of weight in micro-batch 0 is not finite`,
      );
    }
  });

  it('loses a killed tab of the same browser, and goes on within a quarter of a second without losing a committed step', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 3, job: theJob });
    const members = openRoom(world, ['a', 'a', 'a', 'a']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    const at = world.now();
    const victim = members[1];
    if (victim === undefined) throw new Error('four members were opened');
    world.depart(victim, 'kill');
    world.runUntil(
      () => world.living().every((r) => r.core.membership?.generation.members.length === 3),
      MINUTE,
    );
    const suspected = world.log.find((r) => r.at >= at && r.event.kind === 'suspected');
    expect((suspected?.at ?? Infinity) - at).toBeLessThan(250);
    expect(world.now() - at).toBeLessThan(500);
    expectExactEnd(world, theJob);
  });

  it('loses a killed tab of another machine by its silence', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 4, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    const at = world.now();
    world.depart(members[3] ?? ('' as MemberId), 'kill');
    world.runUntil(
      () => world.living().every((r) => r.core.membership?.generation.members.length === 3),
      MINUTE,
    );
    expect(world.now() - at).toBeLessThan(3000);
    expectExactEnd(world, theJob);
  });

  it('goes on when the page that opened the room is killed', () => {
    const theJob = job(30);
    const world = createWorld({ seed: 5, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    world.depart(members[0] ?? ('' as MemberId), 'kill');
    expectExactEnd(world, theJob);
  });

  it('takes a newcomer in mid-run, healed by a donor', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 6, job: theJob });
    openRoom(world, ['a', 'b']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    const late = world.open('c');
    expectExactEnd(world, theJob);
    expect(world.log.some((r) => r.member === late && r.event.kind === 'healed')).toBe(true);
    expect(
      world.log.some(
        (r) => r.member === late && r.event.kind === 'contributed' && r.event.microBatches.length > 0,
      ),
    ).toBe(true);
  });

  it('resumes from the newest checkpoint when all pages were closed', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 7, job: theJob });
    const members = openRoom(world, ['a', 'a', 'a']);
    world.runUntil(() => world.committed() >= 22, MINUTE);
    for (const member of members) world.depart(member, 'kill');
    world.runUntil(() => false, 1000);
    world.open('a');
    world.open('a');
    expectExactEnd(world, theJob);
    const restored = world.log.flatMap((r) => (r.event.kind === 'restored' ? [r.event.step] : []));
    expect(restored).toContain(20);
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'pauses on the word of one rank, though another dies in that moment (seed %i)',
    (seed) => {
      const world = createWorld({ seed, job: job(2000) });
      const [first, second, third] = openRoom(world, ['a', 'a', seed % 2 === 0 ? 'a' : 'b']);
      if (first === undefined || second === undefined || third === undefined)
        throw new Error('three members were opened');
      world.runUntil(() => world.committed() >= 5, MINUTE);
      const { entropy } = world;
      const soon = (): number => world.now() + entropy.between('workload', 'moment', 0, 300);
      world.at(soon(), () => world.command(second, 'pause'));
      world.at(soon(), () => world.depart(entropy.chance('workload', 'who', 0.5) ? first : third, 'kill'));
      const resting = (): boolean => world.living().every((rank) => rank.core.phase === 'idle');
      expect(world.runUntil(() => world.living().length === 2 && resting(), 20_000)).toBe(true);
      world.runUntil(() => false, 3000);
      expect(resting()).toBe(true);
      const steps = new Set(world.living().map((rank) => rank.core.training?.step));
      expect(steps.size).toBe(1);
      world.command(second, 'start');
      const before = world.committed();
      expect(world.runUntil(() => world.committed() >= before + 5, 10_000)).toBe(true);
      expect(world.violations).toEqual([]);
    },
  );

  it('asked for a checkpoint while an engine is being changed, saves the state that comes of it', () => {
    const world = createWorld({ seed: 11, job: job(2000, { checkpointEvery: 1000 }) });
    const [first] = openRoom(world, ['a', 'b']);
    const rank = world.living().find(({ member }) => member === first);
    if (first === undefined || rank === undefined) throw new Error('two members were opened');
    world.runUntil(() => world.committed() >= 3, MINUTE);
    world.command(first, 'pause');
    expect(world.runUntil(() => rank.core.phase === 'idle', MINUTE)).toBe(true);
    const rested = rank.core.training?.step ?? 0;
    world.command(first, 'start');
    expect(world.runUntil(() => rank.core.changing === 'apply', MINUTE)).toBe(true);
    expect(rank.core.training?.step).toBe(rested);
    world.command(first, 'checkpoint');
    const saved = () => world.log.flatMap((r) => (r.event.kind === 'checkpointed' ? [r.event] : []));
    expect(world.runUntil(() => saved().some(({ step }) => step >= rested), MINUTE)).toBe(true);
    const { step, hash } = saved().at(-1) ?? {};
    expect(step).toBe(rested + 1);
    const states = referenceRun(
      hashCompute(DEFAULT_JOB.seed, DEFAULT_JOB.microBatches, 'uniform'),
      rested + 1,
    );
    expect(hash).toBe(states[rested + 1]);
  });

  it('fences a frozen tab that wakes, and takes it back as a newcomer', () => {
    const theJob = job(200);
    const world = createWorld({ seed: 8, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    const zombie = members[2] ?? ('' as MemberId);
    world.freeze(zombie);
    world.runUntil(() => false, 5000);
    world.wake(zombie);
    expectExactEnd(world, theJob);
    expect(world.log.some((r) => r.member === zombie && r.event.kind === 'left')).toBe(true);
    expect(world.log.some((r) => r.member === zombie && r.event.kind === 'healed')).toBe(true);
  });

  it('lets only the majority go on in a split, and unites afterwards', () => {
    const theJob = job(300);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd', 'e']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    world.partition([members.slice(0, 2), members.slice(2)]);
    world.runUntil(() => false, 15_000);
    const few = world.living().filter((r) => members.slice(0, 2).includes(r.member));
    expect(few.every((r) => r.core.phase === 'stuck')).toBe(true);
    const before = few.map((r) => r.core.training?.committed ?? 0);
    world.runUntil(() => false, 5000);
    expect(few.map((r) => r.core.training?.committed ?? 0)).toEqual(before);
    world.healLinks();
    expectExactEnd(world, theJob);
    expect(world.living().every((r) => r.core.membership?.generation.members.length === 5)).toBe(true);
  });

  it('reopened in two groups that cannot meet goes on as two incarnations, and the shorter dissolves when they meet', () => {
    const theJob = job(600);
    const world = createWorld({ seed: 10, job: theJob });
    const members = openRoom(world, ['a', 'b']);
    world.runUntil(() => world.committed() >= 22, MINUTE);
    for (const member of members) world.depart(member, 'kill');
    world.runUntil(() => false, 1000);
    const [one, two] = [world.open('a'), world.open('b')];
    world.partition([[one], [two]]);
    world.runUntil(() => world.living().every((r) => r.core.membership !== undefined), MINUTE);
    const incarnations = new Set(world.living().map((r) => r.core.membership?.generation.id.incarnation));
    expect(incarnations.size).toBe(2);
    world.healLinks();
    expectExactEnd(world, theJob);
    expect(world.log.some((r) => r.event.kind === 'left' && r.event.why === 'dissolved')).toBe(true);
  });

  it('loses every GPU at once except one, and heals them all', () => {
    const theJob = job(60);
    const world = createWorld({ seed: 11, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    for (const member of members.slice(1)) world.loseDevice(member);
    expectExactEnd(world, theJob);
  });

  it('goes on from the newest checkpoint when every GPU is lost at once', () => {
    const theJob = job(60);
    const world = createWorld({ seed: 16, job: theJob });
    const members = openRoom(world, ['a', 'a']);
    world.runUntil(() => world.committed() >= 22, MINUTE);
    for (const member of members) world.loseDevice(member);
    expectExactEnd(world, theJob);
    const founded = world.log.flatMap((r) => (r.event.kind === 'founded' ? [r.event.step] : []));
    expect(founded.slice(1).every((step) => step >= 20)).toBe(true);
  });

  it('repairs a link that corrupts every third message without a regroup', () => {
    const theJob = job(30);
    const world = createWorld({ seed: 12, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.setLink(members[0] ?? ('' as MemberId), members[1] ?? ('' as MemberId), {
      kind: 'corrupt',
      chance: 0.33,
    });
    expectExactEnd(world, theJob);
    expect(world.log.filter((r) => r.event.kind === 'resent').length).toBeGreaterThan(0);
    expect(world.living()[0]?.core.membership?.generation.id.number).toBeLessThanOrEqual(3);
  });

  it('pauses on all ranks at the same step and starts again', () => {
    const theJob = job(60);
    const world = createWorld({ seed: 13, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    world.command(members[1] ?? ('' as MemberId), 'pause');
    world.runUntil(() => world.living().every((r) => r.core.phase === 'idle'), MINUTE);
    expect(new Set(world.living().map((r) => r.core.training?.step)).size).toBe(1);
    world.command(members[2] ?? ('' as MemberId), 'start');
    expectExactEnd(world, theJob);
  });

  it('lets a rank leave in order', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 14, job: theJob });
    const members = openRoom(world, ['a', 'b']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    const leaver = members[0] ?? ('' as MemberId);
    world.command(leaver, 'leave');
    world.runUntil(() => world.ranks.get(leaver)?.core.phase === 'stopped', MINUTE);
    world.depart(leaver, 'close');
    expectExactEnd(world, theJob);
  });

  it('lets all ranks leave at once', () => {
    const theJob = job(40);
    const world = createWorld({ seed: 17, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    for (const member of members) world.command(member, 'leave');
    expect(world.runUntil(() => world.living().every((r) => r.core.stopped?.reason === 'left'), MINUTE)).toBe(
      true,
    );
    expect(world.log.some((r) => r.event.kind === 'waitingForQuorum')).toBe(false);
  });

  it('goes on when two of three browsers have their only tab killed and opened anew: the new pages vote for the dead ones', () => {
    const theJob = job(60);
    for (let seed = 20; seed < 26; seed++) {
      const world = createWorld({ seed, job: theJob });
      const members = openRoom(world, ['a', 'b', 'c']);
      world.runUntil(() => world.committed() >= 10, MINUTE);
      for (const member of members.slice(1)) world.depart(member, 'kill');
      for (const profile of ['b', 'c']) world.open(profile);
      expectExactEnd(world, theJob);
      const founded = world.log.filter((r) => r.event.kind === 'founded').length;
      expect(founded, `seed ${seed}`).toBe(1);
      expect(world.log.some((r) => r.event.kind === 'seatAcquired')).toBe(true);
    }
  });

  it('goes on without its last member when that cannot compute and others ask to come in', () => {
    const theJob = job(60);
    const world = createWorld({ seed: 27, job: theJob });
    const [first] = openRoom(world, ['a']);
    const host = first === undefined ? undefined : world.ranks.get(first);
    world.runUntil(() => world.committed() >= 10, MINUTE);
    if (host !== undefined) host.gpu.refusing += 1;
    world.runUntil(() => host?.core.stopped !== undefined, MINUTE);
    expect(host?.core.membership).toBeUndefined();
    world.open('b');
    world.open('c');
    const others = () => world.living().filter((rank) => rank !== host);
    expect(world.runUntil(() => others().every((rank) => rank.core.phase === 'done'), 5 * MINUTE)).toBe(true);
    expect(new Set(others().map((rank) => rank.core.training?.hash)).size).toBe(1);
  });

  it('founds anew when the only member of the room has lost its GPU before it took anybody in', () => {
    const theJob = job(5, { checkpointEvery: 1000 });
    for (let seed = 60; seed < 66; seed++) {
      const world = createWorld({ seed, job: theJob });
      const alone = world.open('a', { fresh: true });
      world.refuseStorage('a', true);
      const others = ['b', 'c', 'd'].map((profile) => world.open(profile));
      const toldOf = (member: MemberId): boolean =>
        world.ranks.get(member)?.core.peers.get(alone)?.room !== undefined;
      world.runUntil(() => others.every(toldOf), MINUTE);
      world.loseDevice(alone);
      world.refuseStorage('a', false);
      expectExactEnd(world, theJob);
    }
  });

  it.each([true, false])('survives a swarm of departures, newcomers and cuts (uniform: %s)', (uniform) => {
    for (let seed = 1; seed <= 40; seed++) {
      const theJob = job(60);
      const world = createWorld({ seed, job: theJob, salt: uniform ? 'uniform' : 'salted' });
      const { entropy } = world;
      world.open('p0', { fresh: true });
      for (let i = 1; i < 4; i++) world.open(`p${i % 3}`);
      for (let fault = 0; fault < 6; fault++) {
        world.runUntil(() => false, entropy.between('sched', 'pause', 100, 3000));
        const living = world.living();
        const victim = entropy.pick('sched', 'victim', living).member;
        const other = entropy.pick('sched', 'other', living).member;
        const kind = entropy.pick('sched', 'fault', [
          'kill',
          'close',
          'open',
          'freeze',
          'cut',
          'corrupt',
          'device',
        ] as const);
        if ((kind === 'kill' || kind === 'close') && living.length > 2) world.depart(victim, kind);
        else if (kind === 'open') world.open(`p${entropy.between('sched', 'profile', 0, 3)}`);
        else if (kind === 'freeze') {
          world.freeze(victim);
          world.runUntil(() => false, entropy.between('sched', 'frozen', 100, 4000));
          world.wake(victim);
        } else if (kind === 'cut') world.setLink(victim, other, { kind: 'cut' });
        else if (kind === 'corrupt') world.setLink(victim, other, { kind: 'corrupt', chance: 0.2 });
        else if (kind === 'device' && living.length > 1) world.loseDevice(victim);
      }
      world.healLinks();
      // A room whose majority is gone for good waits for a person, who forces it on.
      let ended = false;
      for (let minute = 0; minute < 20 && !ended; minute++) {
        ended = world.runUntil(done(world), MINUTE);
        const stuck = world.living().find((r) => r.core.phase === 'stuck');
        if (stuck !== undefined) world.command(stuck.member, 'force');
      }
      const where = world
        .living()
        .map(
          (r) =>
            `${r.core.phase}@${r.core.training?.step ?? '-'} of gen ${r.core.membership?.generation.id.number ?? '-'} ${r.core.problem ?? ''}`,
        );
      expect(
        world.violations.map((v) => v.sentence),
        `seed ${seed}`,
      ).toEqual([]);
      expect(ended, `seed ${seed}: ${where.join(' | ')}`).toBe(true);
      expect(new Set(hashesOf(world)).size, `seed ${seed}`).toBe(1);
    }
  });
});

describe('a witness, as a rank shows it', () => {
  it('has a vote among two ranks and none among three, and is not shown once it is gone', () => {
    const world = createWorld({ seed: 3, job: job(100_000) });
    const [first] = openRoom(world, ['a', 'b']);
    const seen = () => {
      const core = first === undefined ? undefined : world.ranks.get(first)?.core;
      return core === undefined ? undefined : viewRank(core, world.now()).witness;
    };
    expect(seen()).toBeUndefined();
    const server = world.openWitness();
    expect(world.runUntil(() => seen()?.votes === true, MINUTE)).toBe(true);
    expect(seen()).toEqual({ seat: world.witness()?.seat, votes: true, reached: true });
    world.open('c');
    expect(world.runUntil(() => seen()?.votes === false, MINUTE)).toBe(true);
    expect(seen()).toMatchObject({ votes: false, reached: true });
    world.depart(server, 'kill');
    expect(world.runUntil(() => seen() === undefined, MINUTE)).toBe(true);
  });
});

describe('a room with links that never work again', () => {
  type Pair = readonly [number, number];

  function cut(
    world: World,
    members: readonly MemberId[],
    pairs: readonly Pair[],
    way: 'both' | 'one' = 'both',
  ) {
    for (const [a, b] of pairs) {
      const [one, other] = [members[a], members[b]];
      if (one === undefined || other === undefined) throw new Error('no such member');
      world.setLink(one, other, { kind: 'cut' });
      if (way === 'both') world.setLink(other, one, { kind: 'cut' });
    }
  }
  const generationsOf = (world: World): number =>
    Math.max(...world.living().map((r) => r.core.membership?.generation.id.number ?? 0));
  const sizesOf = (world: World): readonly (number | undefined)[] =>
    world.living().map((r) => r.core.membership?.generation.members.length);
  /** Neighbours in the ring in force that have no link. */
  const gapsOf = (world: World): number => {
    const generation = world.living()[0]?.core.membership?.generation;
    const last = (generation?.members.length ?? 0) - 1;
    return (generation?.apart ?? []).filter(([a, b]) => b - a === 1 || b - a === last).length;
  };

  it.each([
    { name: 'one of four', ranks: 4, pairs: [[0, 1]], way: 'both', gaps: 0 },
    { name: 'one of four, in one direction', ranks: 4, pairs: [[0, 1]], way: 'one', gaps: 0 },
    {
      name: 'two of five',
      ranks: 5,
      pairs: [
        [0, 1],
        [2, 3],
      ],
      way: 'both',
      gaps: 0,
    },
    {
      name: 'one of three, where no ring is left and the third carries',
      ranks: 3,
      pairs: [[0, 1]],
      way: 'both',
      gaps: 1,
    },
    {
      name: 'all but one of a rank of five',
      ranks: 5,
      pairs: [
        [4, 1],
        [4, 2],
        [4, 3],
      ],
      way: 'both',
      gaps: 1,
    },
    {
      name: 'those between two halves that one rank joins',
      ranks: 5,
      pairs: [
        [0, 3],
        [0, 4],
        [1, 3],
        [1, 4],
      ],
      way: 'both',
      gaps: 1,
    },
  ] as const)('goes on with all ranks after one regroup: $name', ({ ranks, pairs, way, gaps }) => {
    const theJob = job(400);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd', 'e'].slice(0, ranks));
    cut(world, members, pairs, way);
    const before = generationsOf(world);
    expectExactEnd(world, theJob);
    // The connections of bad links fail in time, which is no news.
    world.runUntil(() => false, MINUTE / 2);
    expect(sizesOf(world)).toEqual(members.map(() => ranks));
    expect(generationsOf(world)).toBe(before + 1);
    expect(gapsOf(world)).toBe(gaps);
    expect(world.log.filter(({ event }) => event.kind === 'left')).toEqual([]);
  });

  it('drops those that nobody can reach for the others, and takes them back when their links work', () => {
    const theJob = job(2000);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd']);
    // A chain: its ends are two members apart.
    cut(world, members, [
      [0, 2],
      [0, 3],
      [1, 3],
    ]);
    world.runUntil(() => false, MINUTE / 4);
    expect(sizesOf(world).filter((size) => size === 3)).toHaveLength(3);
    world.healLinks();
    expectExactEnd(world, theJob);
    expect(sizesOf(world)).toEqual([4, 4, 4, 4]);
  });

  it('takes a newcomer in without one of its links, once it has waited for it', () => {
    const theJob = job(2000);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c']);
    const newcomer = world.open('d');
    cut(world, [...members, newcomer], [[0, 3]]);
    world.runUntil(() => false, 8000);
    expect(world.ranks.get(newcomer)?.core.membership).toBeUndefined();
    expect(world.ranks.get(newcomer)?.core.problem).toMatch(/^No link to [0-9a-f]{4} yet/);
    world.runUntil(() => false, 8000);
    expect(sizesOf(world)).toEqual([4, 4, 4, 4]);
    expectExactEnd(world, theJob);
  });

  it('heals a rank from a donor with which it has no link, over one that carries', () => {
    const theJob = job(300);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd']);
    cut(world, members, [[0, 1]]);
    world.runUntil(() => world.committed() >= 40, MINUTE);
    // All but one lose their states: the others heal from it, one of them without a link.
    for (const member of members.slice(1)) world.loseDevice(member);
    expectExactEnd(world, theJob);
    const healed = world.log.filter(({ member, event }) => member === members[1] && event.kind === 'healed');
    expect(healed.length).toBeGreaterThan(0);
  });

  it('notices the death of a rank, also where those that propose have no link with it', () => {
    const theJob = job(400);
    const world = createWorld({ seed: 9, job: theJob });
    const members = openRoom(world, ['a', 'b', 'c', 'd']);
    cut(world, members, [
      [0, 3],
      [1, 3],
    ]);
    world.runUntil(() => world.committed() >= 60, MINUTE);
    world.depart(members[3] ?? ('' as MemberId), 'kill');
    expectExactEnd(world, theJob);
    expect(sizesOf(world)).toEqual([3, 3, 3]);
  });
});

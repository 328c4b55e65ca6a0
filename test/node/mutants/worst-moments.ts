// A swarm that strikes when it hurts: a proposer in the middle of its vote, the donors of a state on its way, a rank that has
// just lost its voice. Small rooms and short jobs, so that many moments are tried in little time.

import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import { sameGeneration } from '../../../src/ports/ids.ts';
import { electorate } from '../../../src/protocol/generation.ts';
import { RULES, type Rules } from '../../../src/protocol/rules.ts';
import type { Host } from '../../../src/simulator/host.ts';
import { createWorld, type World } from '../../../src/simulator/world.ts';
import type { TraceRecord } from '../../../src/trace/events.ts';

const MINUTE = 60_000;
/** Time to finish a short job in, once nothing is wrong any more. */
const PATIENCE_MS = 5 * MINUTE;
/** All faults are over by then. */
const LONGEST_FAULT_MS = 13_500;
const MAX_EVENTS = 300_000;

export interface Moment {
  readonly invariant: number;
  readonly sentence: string;
  readonly events: number;
}

/** Runs one room; the first broken invariant, if any. */
export function runWorstMoments(
  seed: number,
  rules: Rules,
): { readonly found: Moment | undefined; readonly events: number } {
  let strikes = 0;
  let onRecord: (record: TraceRecord) => void = () => undefined;
  const theJob: Job = {
    ...DEFAULT_JOB,
    steps: 3 + (seed % 4),
    policies: { ...DEFAULT_JOB.policies, checkpointEvery: 1 + (seed % 3) },
  };
  const world = createWorld({
    seed,
    job: theJob,
    rules,
    salt: seed % 3 === 0 ? 'uniform' : 'salted',
    keepLog: false,
    onRecord: (record) => onRecord(record),
  });
  const { entropy } = world;
  const over = (): boolean => world.violations.length > 0 || world.events() > MAX_EVENTS;
  const chance = (site: string, probability: number): boolean => entropy.chance('sched', site, probability);
  const later = (low: number, high: number, action: () => void): void =>
    world.at(world.now() + entropy.between('sched', 'later', low, high), action);

  /** Says nothing any more and hears all, then sleeps for a while. */
  function mute(host: Host): void {
    for (const other of world.pages)
      if (other !== host) world.network.setFault(host, other, { kind: 'cut', silent: true });
    later(60, 400, () => world.freeze(host.member));
    later(2500, 6000, () => {
      for (const other of world.pages) if (other !== host) world.network.setFault(host, other, undefined);
      world.wake(host.member);
    });
  }

  function cutFor(a: Host, b: Host): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      world.network.setFault(from, to, { kind: 'cut', silent: true });
    later(200, 4000, () => {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const)
        world.network.setFault(from, to, undefined);
    });
  }

  /** Two parts that cannot hear each other; one more may close its page just then. */
  function split(): void {
    const living = world.living();
    const side = new Set(living.filter(() => chance('side', 0.5)));
    for (const a of living) for (const b of living) if (side.has(a) && !side.has(b)) cutFor(a, b);
    const leaver = entropy.pick('sched', 'leaver', living);
    if (living.length > 3 && chance('closes', 0.5)) world.depart(leaver.member, 'close');
  }

  /** Two parts that cannot hear each other for long; a person forces on whichever is stuck. */
  function estrange(): void {
    const living = world.living();
    const side = new Set(living.filter(() => chance('side', 0.5)));
    world.partition(
      [living.filter((host) => side.has(host)), living.filter((host) => !side.has(host))].map((part) =>
        part.map((host) => host.member),
      ),
    );
    later(8000, 9000, () => {
      for (const { member, core } of world.living())
        if (core.phase === 'stuck') world.command(member, 'force');
    });
    later(11_000, 13_000, () => world.healLinks());
  }

  function strike(host: Host): void {
    strikes -= 1;
    const kinds = [
      'kill',
      'kill',
      'freeze',
      'cut',
      'mute',
      'split',
      'open',
      'leave',
      'device',
      'storage',
      'corrupt',
      'bereave',
      'estrange',
    ] as const;
    const living = world.living();
    switch (entropy.pick('sched', 'strike', kinds)) {
      case 'kill':
        if (living.length > 1) world.depart(host.member, 'kill');
        return;
      case 'freeze':
        world.freeze(host.member);
        later(200, 4000, () => world.wake(host.member));
        return;
      case 'cut':
        cutFor(host, entropy.pick('sched', 'other', living));
        return;
      case 'mute':
        mute(host);
        return;
      case 'split':
        split();
        return;
      case 'open':
        world.open(host.profile);
        return;
      case 'leave':
        if (living.length > 1) world.command(host.member, 'leave');
        return;
      case 'device':
        world.loseDevice(host.member);
        return;
      case 'corrupt': {
        const other = entropy.pick('sched', 'other', living);
        if (other === host) return;
        world.network.setFault(host, other, { kind: 'corrupt', chance: 0.3 });
        later(500, 4000, () => world.network.setFault(host, other, undefined));
        return;
      }
      case 'bereave':
        for (const other of living) if (other !== host) world.depart(other.member, 'kill');
        return;
      case 'estrange':
        estrange();
        return;
      case 'storage':
        world.refuseStorage(host.profile, true);
        later(50, 1500, () => world.refuseStorage(host.profile, false));
        return;
    }
  }

  // Some rooms lose those who have the state while another waits for it.
  const killsDonors = chance('kills donors', 0.3);
  const inVotes = chance('in votes', 0.7) ? 0.15 : 0;
  onRecord = ({ member, event }) => {
    const host = world.ranks.get(member);
    if (host === undefined || strikes <= 0) return;
    const voting = event.kind === 'promised' || event.kind === 'voted' || event.kind === 'chosen';
    if (voting && chance('at a vote', inVotes)) {
      const proposer = event.kind === 'chosen' ? member : event.ballot.proposer;
      const target = chance('the proposer', 0.7) ? world.ranks.get(proposer) : host;
      if (target !== undefined) later(0, 12, () => target.alive && strike(target));
    }
    if (killsDonors && event.kind === 'phase' && event.phase === 'healing') {
      strikes -= 1;
      later(0, 15, () => {
        for (const other of world.living())
          if (other !== host && other.core.membership?.synced === true) world.depart(other.member, 'kill');
      });
    }
  };

  const profiles = entropy.pick('sched', 'profiles', [1, 2, 3, 5]);
  const ranks = entropy.between('sched', 'ranks', 2, 5);
  for (let i = 0; i < ranks; i++) world.open(`p${i % profiles}`, { fresh: i === 0 });
  strikes = entropy.between('sched', 'strikes', 1, 6);
  while (strikes > 0 && !over() && world.now() < MINUTE) {
    const living = world.living();
    if (living.length > 0 && chance('strikes', 0.8)) strike(entropy.pick('sched', 'victim', living));
    else strikes -= 1;
    world.runUntil(over, entropy.between('sched', 'pause', 20, chance('soon', 0.6) ? 300 : 3000));
  }
  const found = over() || recovers(world, over) ? undefined : 8;
  const events = world.events();
  const [violation] = world.violations;
  if (violation !== undefined)
    return { found: { invariant: violation.invariant, sentence: violation.sentence, events }, events };
  if (found === undefined && events <= MAX_EVENTS) return { found: undefined, events };
  const phases = world.living().map((host) => `${host.core.phase}@${host.core.training?.step ?? '-'}`);
  return {
    found: { invariant: 8, sentence: `not done within the bound: ${phases.join(' ')}`, events },
    events,
  };
}

/** The faults end. Whoever is left finishes the job, forced on by a person where no majority is left. */
function recovers(world: World, over: () => boolean): boolean {
  world.runUntil(over, LONGEST_FAULT_MS);
  world.healLinks();
  for (const host of world.living()) {
    world.wake(host.member);
    world.refuseStorage(host.profile, false);
  }
  const isDone = (): boolean =>
    world.living().length > 0 && world.living().every(({ core }) => core.phase === 'done');
  const until = world.now() + PATIENCE_MS;
  while (world.now() < until && !over()) {
    for (const { member, core } of world.living())
      if (core.stopped !== undefined) world.depart(member, 'close');
    if (world.living().length === 0) world.open('p0');
    if (world.runUntil(() => over() || isDone(), 20_000)) break;
    const stuck = world.living().find(({ core }) => core.phase === 'stuck');
    if (stuck === undefined) continue;
    if (isQuorumAtHand(world, stuck)) return false;
    world.command(stuck.member, 'force');
  }
  return isDone();
}

/** Whether those who hold a majority of the seats are there, and yet the room waits for them. */
function isQuorumAtHand(world: World, stuck: Host): boolean {
  const generation = stuck.core.membership?.generation;
  if (generation === undefined) return false;
  const voters = world
    .living()
    .filter(({ core }) => {
      const id = core.membership?.generation.id;
      return id !== undefined && sameGeneration(id, generation.id);
    })
    .flatMap(({ core }) => [...core.seats.keys()]);
  return RULES.isQuorum(new Set(voters), electorate(generation));
}

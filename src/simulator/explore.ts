// Exhaustive exploration of the real core in a small scope: every order in which messages arrive, timers fire, locks are handed
// over and faults strike, within stated bounds; states that were seen are not explored again.
//
// Bounds and abstractions, each of which keeps more behaviours than a real network has, or is stated in the result:
// - links are FIFO; a departing rank's messages in flight may arrive or be lost, link by link; a cut loses what is in flight
// - engine and storage answer at once, except that a rank may depart between any two events
// - time stands still: timers fire in any order, each at most as often as the bound says; heartbeats do not exist, silence is
//   an event of its own after a departure or a cut; a witness that notices one says at once whom it still reaches

import type { Job } from '../job/job.ts';
import type { MemberId, SeatId } from '../ports/ids.ts';
import { cloneChecks, createChecker, newChecks, type Checks, type Violation } from '../invariants/check.ts';
import type { Event, TimerName } from '../protocol/effects.ts';
import type { Message } from '../protocol/messages.ts';
import { cloneRank, stepRank } from '../protocol/rank.ts';
import { RULES, type Rules } from '../protocol/rules.ts';
import type { RankState } from '../protocol/rank.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import { cloneWitness, createWitness, stepWitness, type WitnessState } from '../protocol/witness.ts';
import { createFingerprints } from './canonical.ts';
import type { Compute } from './compute.ts';
import { hashCompute } from './hash-engine.ts';
import {
  bootEvent,
  createSimRank,
  perform,
  type SavedState,
  type SimPorts,
  type SimRank,
} from './sim-rank.ts';

export interface Scope {
  readonly ranks: number;
  /** Whether there is a witness beside them, in the generation that the exploration starts with where their number is even. */
  readonly witness?: boolean;
  /** Hosts (ranks, and the witness) that may depart, at any moment. */
  readonly departures: number;
  /** Two-way cuts between a pair of hosts, at any moment; each is noticed by both ends, and lasts. */
  readonly cuts: number;
  readonly steps: number;
  /** Times that timers (proposals, retries) may fire in one run. */
  readonly timers: number;
  /** Whether all ranks are of one browser profile, so that a dead rank's seat goes to a survivor. */
  readonly oneProfile: boolean;
  /** Gradients are exchanged bucket by bucket. */
  readonly overlap?: boolean;
}

export interface Exploration {
  /** Distinct states. */
  readonly states: number;
  readonly transitions: number;
  readonly deepest: number;
  /** False when the limit of states or of time came first. */
  readonly complete: boolean;
  readonly violation:
    { readonly invariant: number; readonly sentence: string; readonly path: readonly string[] } | undefined;
  readonly elapsedMs: number;
}

/** One choice: what may happen next. */
type Choice =
  | { readonly kind: 'deliver'; readonly link: string }
  | { readonly kind: 'timer'; readonly rank: number; readonly name: TimerName }
  | { readonly kind: 'depart'; readonly host: number }
  | { readonly kind: 'notice'; readonly host: number; readonly of: number }
  | { readonly kind: 'inherit'; readonly seat: number; readonly by: number }
  | { readonly kind: 'lose'; readonly link: string }
  | { readonly kind: 'cut'; readonly a: number; readonly b: number };

interface Node {
  /** Of every host, in the order of the ranks, the witness last; its core never boots. */
  readonly cores: readonly RankState[];
  readonly witness: WitnessState | undefined;
  readonly engines: readonly unknown[];
  readonly alive: readonly boolean[];
  readonly watching: readonly (readonly SeatId[])[];
  readonly links: ReadonlyMap<string, readonly Message[]>;
  /** Links that are up; a departed or cut peer's stays up until it is noticed. */
  readonly up: ReadonlySet<string>;
  readonly broken: ReadonlySet<string>;
  readonly timers: ReadonlySet<string>;
  readonly ballots: ReadonlyMap<SeatId, SeatRecord>;
  readonly holders: ReadonlyMap<SeatId, number>;
  readonly departures: number;
  readonly cuts: number;
  readonly fired: number;
  /** What the checkers know of the past. */
  readonly checks: Checks;
}

const arrow = (from: number, to: number): string => `${from}>${to}`;
const memberOf = (rank: number): MemberId => String(rank + 1).repeat(32) as MemberId;
const seatOf = (rank: number): SeatId => String(rank + 1).repeat(32) as SeatId;
const hostsOf = (scope: Scope): number => scope.ranks + (scope.witness === true ? 1 : 0);

export function explore(
  scope: Scope,
  job: Job,
  options: {
    readonly maxStates?: number;
    readonly maxMs?: number;
    readonly now: () => number;
    readonly rules?: Rules;
  },
): Exploration {
  const rules = options.rules ?? RULES;
  const theJob: Job = {
    ...job,
    steps: scope.steps,
    microBatches: 4,
    policies: { ...job.policies, checkpointEvery: 1_000_000 },
  };
  const compute = hashCompute(
    theJob.seed,
    theJob.microBatches,
    'salted',
    theJob.wire,
    scope.overlap === true,
  );
  const started = options.now();
  const deadline = started + (options.maxMs ?? Infinity);
  const maxStates = options.maxStates ?? Infinity;
  const hosts = hostsOf(scope);
  const fingerprintOf = createFingerprints();
  const seen = new Set<string>();
  const stack: { readonly node: Node; readonly path: readonly string[] }[] = [];
  let transitions = 0;
  let deepest = 0;
  let complete = true;
  let violation: Exploration['violation'];

  /** Runs one choice on a copy of the node. Returns the next node, and the first broken invariant if any. */
  function take(
    node: Node,
    choice: Choice,
  ): {
    readonly next: Node;
    readonly broken: { readonly invariant: number; readonly sentence: string } | undefined;
  } {
    const cores = node.cores.map((core) => core);
    const sims: SimRank[] = cores.map((core, i) => ({
      ...createSimRank(memberOf(i), seatOf(i), scope.oneProfile ? 'one' : String(i), compute),
      core,
      engine: node.engines[i],
      alive: node.alive[i] ?? false,
      watching: node.watching[i] ?? [],
    }));
    let witness = node.witness;
    const copied = new Set<number>();
    const links = new Map(node.links);
    const up = new Set(node.up);
    const brokenLinks = new Set(node.broken);
    const timers = new Set(node.timers);
    const ballots = new Map(node.ballots);
    const holders = new Map(node.holders);
    const checks = cloneChecks(node.checks);
    const checker = createChecker({}, checks);
    const alive = [...node.alive];
    let { departures, cuts, fired } = node;
    const pending: { readonly rank: number; readonly event: Event }[] = [];

    const ports: SimPorts = {
      send(rank, { to, message }) {
        const from = sims.indexOf(rank);
        const target = sims.findIndex((sim) => sim.member === to);
        if (target < 0) return;
        // Beats are left out; what they tell is told by `notice`.
        if (message.kind === 'beat') return;
        if (target === from) {
          pending.push({ rank: from, event: { kind: 'message', from: to, message } });
          return;
        }
        const path = arrow(from, target);
        if (!up.has(path) || brokenLinks.has(path)) return;
        links.set(path, [...(links.get(path) ?? []), message]);
      },
      answer(rank, _work, events) {
        for (const event of [events].flat()) pending.push({ rank: sims.indexOf(rank), event });
      },
      storeBallot(_rank, record, done) {
        ballots.set(record.seat, record);
        done(true);
      },
      copyState: () => undefined,
      saveCheckpoint(rank, _saved, outcome) {
        pending.push({ rank: sims.indexOf(rank), event: outcome('stored') });
      },
      loadCheckpoint: (): SavedState | undefined => undefined,
      setTimer(rank, name, ms) {
        const slot = `${sims.indexOf(rank)}/${name}`;
        if (ms === undefined || name === 'beat' || name === 'progress' || name === 'found' || name === 'join')
          timers.delete(slot);
        else timers.add(slot);
      },
      seatsChanged: () => undefined,
      releaseSeat(rank, seat) {
        if (holders.get(seat) === sims.indexOf(rank)) holders.delete(seat);
      },
      dropLink: () => undefined,
      connect: () => undefined,
      disconnect: () => undefined,
      record(rank, event) {
        checker.observe({ member: rank.member, seq: 0, at: 0, event });
      },
    };

    const deliver = (rank: number, event: Event): void => {
      const sim = sims[rank];
      if (sim === undefined || !alive[rank]) return;
      if (witness !== undefined && rank === scope.ranks) {
        if (!copied.has(rank)) witness = cloneWitness(witness);
        copied.add(rank);
        for (const effect of stepWitness(witness, event, 0, rules)) perform(sim, effect, ports);
        return;
      }
      let target = sim;
      if (!copied.has(rank)) {
        // Copy on write: only ranks that act are cloned.
        target = { ...sim, core: cloneRank(sim.core) };
        sims[rank] = target;
        copied.add(rank);
      }
      for (const effect of stepRank(target.core, event, 0, rules)) perform(target, effect, ports);
    };
    const drain = (): void => {
      for (let item = pending.shift(); item !== undefined; item = pending.shift())
        deliver(item.rank, item.event);
    };

    switch (choice.kind) {
      case 'deliver': {
        const [from = 0, to = 0] = choice.link.split('>').map(Number);
        const [message, ...rest] = links.get(choice.link) ?? [];
        if (rest.length > 0) links.set(choice.link, rest);
        else links.delete(choice.link);
        if (message !== undefined)
          deliver(to, { kind: 'message', from: memberOf(from), message: copyMessage(message) });
        break;
      }
      case 'lose':
        links.delete(choice.link);
        break;
      case 'timer':
        fired += 1;
        timers.delete(`${choice.rank}/${choice.name}`);
        deliver(choice.rank, { kind: 'timer', name: choice.name });
        break;
      case 'depart':
        departures += 1;
        alive[choice.host] = false;
        for (const [seat, holder] of [...holders]) if (holder === choice.host) holders.delete(seat);
        for (const slot of [...timers]) if (slot.startsWith(`${choice.host}/`)) timers.delete(slot);
        for (let other = 0; other < hosts; other++) {
          links.delete(arrow(other, choice.host));
          brokenLinks.add(arrow(other, choice.host));
        }
        break;
      case 'notice':
        up.delete(arrow(choice.host, choice.of));
        links.delete(arrow(choice.of, choice.host));
        deliver(choice.host, { kind: 'linkDown', peer: memberOf(choice.of), evidence: 'ice' });
        if (choice.host === scope.ranks) deliver(choice.host, { kind: 'timer', name: 'beat' });
        break;
      case 'inherit':
        holders.set(seatOf(choice.seat), choice.by);
        deliver(choice.by, {
          kind: 'seatAcquired',
          seat: seatOf(choice.seat),
          record: ballots.get(seatOf(choice.seat)),
        });
        break;
      case 'cut':
        cuts += 1;
        for (const path of [arrow(choice.a, choice.b), arrow(choice.b, choice.a)]) {
          brokenLinks.add(path);
          links.delete(path);
        }
        break;
    }
    drain();
    const first: Violation | undefined = checker.violations[0];
    const next: Node = {
      cores: sims.map((sim) => sim.core),
      witness,
      engines: sims.map((sim) => sim.engine),
      alive,
      watching: sims.map((sim) => sim.watching),
      links,
      up,
      broken: brokenLinks,
      timers,
      ballots,
      holders,
      departures,
      cuts,
      fired,
      checks,
    };
    return {
      next,
      broken: first === undefined ? undefined : { invariant: first.invariant, sentence: first.sentence },
    };
  }

  function choices(node: Node): Choice[] {
    const out: Choice[] = [];
    for (const [link, queue] of node.links) {
      if (queue.length === 0) continue;
      out.push({ kind: 'deliver', link });
      // Only what a dead or cut-off rank had in flight can be lost.
      const from = Number(link.split('>')[0]);
      if (node.alive[from] !== true) out.push({ kind: 'lose', link });
    }
    for (let host = 0; host < hosts; host++) {
      if (node.alive[host] !== true) continue;
      if (node.departures < scope.departures) out.push({ kind: 'depart', host });
      for (let other = 0; other < hosts; other++) {
        if (other === host || !node.up.has(arrow(host, other))) continue;
        if (node.alive[other] !== true || node.broken.has(arrow(host, other)))
          out.push({ kind: 'notice', host, of: other });
        const uncut = !node.broken.has(arrow(host, other));
        if (host < other && uncut && node.alive[other] === true && node.cuts < scope.cuts)
          out.push({ kind: 'cut', a: host, b: other });
      }
      if (scope.oneProfile)
        for (let dead = 0; dead < scope.ranks; dead++)
          if (
            node.alive[dead] === false &&
            !node.holders.has(seatOf(dead)) &&
            node.watching[host]?.includes(seatOf(dead)) === true
          )
            out.push({ kind: 'inherit', seat: dead, by: host });
    }
    if (node.fired < scope.timers)
      for (const slot of node.timers) {
        const [rank, name] = slot.split('/');
        out.push({ kind: 'timer', rank: Number(rank), name: name as TimerName });
      }
    return out;
  }

  stack.push({ node: initialNode(scope, theJob, rules, compute), path: [] });
  while (stack.length > 0 && violation === undefined) {
    const top = stack.pop();
    if (top === undefined) break;
    if (seen.size >= maxStates || options.now() > deadline) {
      complete = false;
      break;
    }
    for (const choice of choices(top.node)) {
      transitions += 1;
      const { next, broken } = take(top.node, choice);
      const path = [...top.path, describe(choice, scope)];
      deepest = Math.max(deepest, path.length);
      if (broken !== undefined) {
        violation = { ...broken, path };
        break;
      }
      const key = fingerprintOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      stack.push({ node: next, path });
    }
  }
  return { states: seen.size, transitions, deepest, complete, violation, elapsedMs: options.now() - started };
}

/** The core takes over payloads that it receives; everything else in a message is never changed. */
const copyMessage = (message: Message): Message =>
  message.kind === 'part' ? { ...message, payload: message.payload.slice() } : message;

const describe = (choice: Choice, { ranks }: Scope): string => {
  const name = (host: number | string): string => (Number(host) < ranks ? `rank ${host}` : 'the witness');
  const way = (link: string): string => link.split('>').map(name).join(' to ');
  switch (choice.kind) {
    case 'deliver':
      return `a message arrives from ${way(choice.link)}`;
    case 'lose':
      return `what was in flight from ${way(choice.link)} is lost`;
    case 'timer':
      return `timer ${choice.name} fires on rank ${choice.rank}`;
    case 'depart':
      return `${name(choice.host)} departs`;
    case 'notice':
      return `${name(choice.host)} notices the silence of ${name(choice.of)}`;
    case 'inherit':
      return `rank ${choice.by} inherits the seat of rank ${choice.seat}`;
    case 'cut':
      return `the link between ${name(choice.a)} and ${name(choice.b)} is cut`;
  }
};

/** A room of all ranks, members of one generation and about to train, its witness voting: all before is run in one fixed order. */
function initialNode(scope: Scope, job: Job, rules: Rules, compute: Compute): Node {
  const hosts = hostsOf(scope);
  const sims = Array.from({ length: hosts }, (_, i) =>
    createSimRank(memberOf(i), seatOf(i), scope.oneProfile ? 'one' : String(i), compute),
  );
  const witness =
    scope.witness === true
      ? createWitness({ member: memberOf(scope.ranks), seat: seatOf(scope.ranks) }, undefined, rules)
      : undefined;
  const timers = new Set<string>();
  const ballots = new Map<SeatId, SeatRecord>();
  const pending: { readonly to: number; readonly event: Event }[] = [];
  const up = new Set<string>();
  const checks = newChecks();
  const checker = createChecker({}, checks);
  const indexOf = (member: MemberId): number => sims.findIndex((sim) => sim.member === member);
  const ports: SimPorts = {
    send(rank, { to, message }) {
      if (message.kind !== 'beat')
        pending.push({
          to: indexOf(to),
          event: { kind: 'message', from: rank.member, message: copyMessage(message) },
        });
    },
    answer(rank, _work, events) {
      for (const event of [events].flat()) pending.push({ to: sims.indexOf(rank), event });
    },
    storeBallot(_rank, record, done) {
      ballots.set(record.seat, record);
      done(true);
    },
    copyState: () => undefined,
    saveCheckpoint(rank, _saved, outcome) {
      pending.push({ to: sims.indexOf(rank), event: outcome('stored') });
    },
    loadCheckpoint: () => undefined,
    setTimer(rank, name, ms) {
      const slot = `${sims.indexOf(rank)}/${name}`;
      if (ms === undefined || name === 'beat' || name === 'progress' || name === 'join' || name === 'found')
        timers.delete(slot);
      else timers.add(slot);
    },
    seatsChanged: () => undefined,
    releaseSeat: () => undefined,
    dropLink: () => undefined,
    connect: () => undefined,
    disconnect: () => undefined,
    record(rank, event) {
      checker.observe({ member: rank.member, seq: 0, at: 0, event });
    },
  };
  const deliver = (to: number, event: Event): void => {
    const sim = sims[to];
    if (sim === undefined) return;
    const effects =
      witness !== undefined && to === scope.ranks
        ? stepWitness(witness, event, 0, rules)
        : stepRank(sim.core, event, 0, rules);
    for (const effect of effects) perform(sim, effect, ports);
  };
  const ranks = sims.slice(0, scope.ranks);
  const ready = (): boolean =>
    ranks.every(({ core }) => {
      const generation = core.membership?.generation;
      const isWitnessed = generation?.witness !== undefined;
      const wanted = witness !== undefined && rules.takesWitness(scope.ranks);
      return generation?.members.length === scope.ranks && isWitnessed === wanted;
    });
  ranks.forEach((_, i) => deliver(i, { ...bootEvent(job, i === 0, undefined), autostart: false } as Event));
  const settle = (): void => {
    for (let item = pending.shift(); item !== undefined; item = pending.shift()) deliver(item.to, item.event);
  };
  settle();
  for (let a = 0; a < hosts; a++)
    for (let b = a + 1; b < hosts; b++) {
      up.add(arrow(a, b)).add(arrow(b, a));
      deliver(a, { kind: 'linkUp', peer: memberOf(b) });
      deliver(b, { kind: 'linkUp', peer: memberOf(a) });
    }
  settle();
  if (!ready()) {
    deliver(0, { kind: 'timer', name: 'propose' });
    settle();
  }
  if (!ready())
    throw new Error(
      'The scope could not be set up: not all ranks became members, or the witness got no vote.',
    );
  deliver(0, { kind: 'command', command: 'start' });
  const links = new Map<string, Message[]>();
  for (const { to, event } of pending.splice(0)) {
    if (event.kind !== 'message') {
      deliver(to, event);
      continue;
    }
    const from = indexOf(event.from);
    if (from === to) deliver(to, event);
    else links.set(arrow(from, to), [...(links.get(arrow(from, to)) ?? []), event.message]);
  }
  for (const { to, event } of pending.splice(0)) {
    if (event.kind !== 'message') continue;
    const path = arrow(indexOf(event.from), to);
    links.set(path, [...(links.get(path) ?? []), event.message]);
  }
  return {
    cores: sims.map((sim) => sim.core),
    witness,
    engines: sims.map((sim) => sim.engine),
    alive: sims.map(() => true),
    watching: sims.map((sim) => sim.watching),
    links,
    up,
    broken: new Set(),
    timers,
    ballots,
    holders: new Map(sims.map((sim, i) => [sim.seat, i] as const)),
    departures: 0,
    cuts: 0,
    fired: 0,
    checks,
  };
}

// Runs one experiment: a room under its plan of strikes with the invariants checked after every event, then the liveness phase, in
// which faults end and those who are left must finish the job; and a verdict.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Circle, Moment, Strike } from '../faults/schedule.ts';
import type { Violation } from '../invariants/check.ts';
import { sameGeneration, type GenerationId, type MemberId } from '../ports/ids.ts';
import type { Message } from '../protocol/messages.ts';
import { RULES, type Rules } from '../protocol/rules.ts';
import type { TraceRecord } from '../trace/events.ts';
import { keepLedger, type Ledger } from '../trace/ledger.ts';
import { computeOf, contactsOf, jobOf, rulesOf, type Experiment } from './experiment.ts';
import type { Host } from './host.ts';
import { isQuorumAtHand } from './quorum-at-hand.ts';
import { createEntropy, type Entropy } from './random.ts';
import { brokenLaw } from './rule-laws.ts';
import type { Scheduler } from './scheduler.ts';
import { stateHashOf } from './sim-rank.ts';
import { watchSituations, type Situation } from './situations.ts';
import { createStrikes, durationOf, FIRST_PROFILE, momentOf } from './strikes.ts';
import { traceLine } from './trace-line.ts';
import { createWorld, type World } from './world.ts';

/** The liveness bound: this much virtual time, and more for each step that is left to do. */
const RECOVERY_MS = 120_000;
const STEP_MS = 3_000;
/** How long a person looks at a room that waits for a quorum before forcing it on. */
const PATIENCE_MS = 20_000;
/** How long a large room may take to come together before it starts all the same. */
const GATHER_MS = 30_000;
/** The bound for steps that a schedule waits for. */
const SCHEDULE_MS = 600_000;

export type Verdict = 'held' | 'violated' | 'unrecoverable';

/** Why a run could not be held to its promise, though nothing was wrong with the protocol. */
export type Justification =
  | 'no quorum could be reached: a person forced the room on'
  | 'no copy of the newest committed state was left'
  | 'a gradient was not finite: the room stopped, as it must'
  | 'no rank with a working engine was left';

export interface Outcome {
  readonly verdict: Verdict;
  /** The invariant that was broken: 1 to 6 by its checker, 8 for liveness. */
  readonly invariant: number | undefined;
  /** What was broken, or why the run is unrecoverable. */
  readonly reason: string | undefined;
  /** When it was broken, in virtual milliseconds. */
  readonly brokenAt: number | undefined;
  /** SHA-256 over the event log; empty when it was not asked for. */
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly committed: number;
  readonly stateHash: string | undefined;
  readonly ledger: Ledger;
  readonly situations: ReadonlyMap<Situation, number>;
}

/** A page is gone, stands still, or goes on. */
export type Condition = 'gone' | 'frozen' | 'awake';

export interface RunOptions {
  readonly entropy?: Entropy;
  /** Absent: the experiment's. */
  readonly scheduler?: Scheduler;
  /** Absent: the real protocol. */
  readonly rules?: Rules;
  /** Hash the log. */
  readonly hash?: boolean;
  /** Keep count of situations and lost time. */
  readonly watch?: boolean;
  /** Events after which a run is given up as not live. */
  readonly maxEvents?: number;
  readonly onRecord?: (record: TraceRecord, host: Host) => void;
  readonly onStrike?: (strike: Strike, at: number) => void;
  readonly onSend?: (from: Host, to: Host, message: Message, at: number) => void;
  readonly onCondition?: (host: Host, condition: Condition, at: number) => void;
  readonly onMessage?: (from: Host, to: Host, message: Message, sentAt: number, now: number) => void;
}

const MAX_EVENTS = 20_000_000;

export function runExperiment(experiment: Experiment, options: RunOptions = {}): Outcome {
  const entropy = options.entropy ?? createEntropy(experiment.seed);
  const maxEvents = options.maxEvents ?? MAX_EVENTS;
  const digest = options.hash === true ? sha256.create() : undefined;
  const keeper = keepLedger();
  const job = jobOf(experiment);
  const excuses = new Set<Justification>();
  let lines = '';
  let newest = 0;

  const situations = watchSituations((member) => world.ranks.get(member));
  const watching = options.watch === true;
  const world: World = createWorld({
    seed: experiment.seed,
    job,
    salt: experiment.salt,
    compute: computeOf(experiment, job),
    scheduler: options.scheduler ?? experiment.scheduler,
    engineMs: experiment.engineMs,
    snapshotMs: experiment.snapshotMs,
    entropy,
    keepLog: false,
    rules: rulesOf(experiment, options.rules ?? RULES),
    contacts: contactsOf(experiment),
    onRecord(record) {
      const { event } = record;
      // It was agreed: what lies behind it is no longer the newest.
      if (event.kind === 'founded' && event.why === 'rolled-back') newest = event.step;
      else if (event.kind === 'founded' && event.step < newest)
        excuses.add('no copy of the newest committed state was left');
      if (event.kind === 'committed') {
        newest = Math.max(newest, event.step);
        strikeAtSteps(event.step);
      }
      const moment = momentOf(event);
      if (moment !== undefined) strikeAtMoment(moment, record.member);
      if (event.kind === 'stopped' && event.reason === 'non-finite')
        excuses.add('a gradient was not finite: the room stopped, as it must');
      if (digest !== undefined) {
        lines += `${traceLine(record)}\n`;
        if (lines.length > 65_536) flush();
      }
      if (watching) {
        keeper.observe(record);
        situations.record(record);
      }
      const host = world.ranks.get(record.member);
      if (event.kind === 'stopped' && host !== undefined) reopen(host);
      if (host !== undefined) options.onRecord?.(record, host);
    },
    ...(watching || options.onMessage !== undefined
      ? {
          onMessage(from: Host, to: Host, message: Message, sentAt: number) {
            if (watching) situations.message(from, to, message);
            options.onMessage?.(from, to, message, sentAt, world.now());
          },
        }
      : {}),
    ...(options.onSend === undefined
      ? {}
      : {
          onSend: (from: Host, to: Host, message: Message) =>
            options.onSend?.(from, to, message, world.now()),
        }),
    onUnstored() {
      if (watching) situations.unstored();
    },
    onFreeze: (host, frozen) => options.onCondition?.(host, frozen ? 'frozen' : 'awake', world.now()),
    onDeath(host) {
      options.onCondition?.(host, 'gone', world.now());
      if (!watching) return;
      const pending = world.profile(host.profile).writes.filter((write) => write.by === host.member).length;
      situations.death(host, pending, world.now());
    },
  });

  function flush(): void {
    digest?.update(utf8ToBytes(lines));
    lines = '';
  }

  const strikes = createStrikes(world, (strike) => options.onStrike?.(strike, world.now()));
  /** When the last strike that came with a step, and lasts for a stated time, is over. */
  let lastsUntil = 0;
  const moments = new Map<Moment, number>();
  let waitingForMoment = experiment.plan.filter((strike) => 'moment' in strike.at);
  let waitingForStep = experiment.plan.filter((strike) => 'step' in strike.at);
  function strikeAtTimes(): void {
    const begun = world.now();
    for (const strike of experiment.plan)
      if ('ms' in strike.at) world.at(begun + strike.at.ms, () => strikes.strike(strike));
  }

  function strikeAtSteps(step: number): void {
    if (waitingForStep.length === 0) return;
    const due = waitingForStep.filter(({ at }) => 'step' in at && at.step <= step);
    waitingForStep = waitingForStep.filter((strike) => !due.includes(strike));
    for (const strike of due) {
      lastsUntil = Math.max(lastsUntil, world.now() + (durationOf(strike) ?? 0));
      world.at(world.now(), () => strikes.strike(strike));
    }
  }

  function strikeAtMoment(moment: Moment, member: MemberId): void {
    if (waitingForMoment.length === 0) return;
    const nth = (moments.get(moment) ?? 0) + 1;
    moments.set(moment, nth);
    const actor = world.ranks.get(member);
    for (const strike of waitingForMoment) {
      const { at } = strike;
      if (!('moment' in at) || at.moment !== moment || at.nth !== nth || actor === undefined) continue;
      waitingForMoment = waitingForMoment.filter((other) => other !== strike);
      world.at(world.now() + at.afterMs, () => {
        for (const { ordinal } of circle(world, actor, at.hits)) strikes.strike({ ...strike, page: ordinal });
      });
    }
  }

  function reopen({ member, profile }: Host): void {
    if (experiment.reopensMs === undefined) return;
    world.at(world.now() + experiment.reopensMs, () => {
      world.depart(member, 'close');
      world.open(profile);
    });
  }

  const over = (): boolean => world.violations.length > 0 || world.events() >= maxEvents;

  const gathers = experiment.gathers === true;
  if (!gathers) strikeAtTimes();
  for (let i = 0; i < experiment.ranks; i++)
    world.open(`profile ${i % experiment.profiles}`, { fresh: i === 0, autostart: !gathers });
  if (experiment.witness === true) world.openWitness();
  if (gathers) {
    const gathered = whenGathered(world);
    world.runUntil(() => over() || gathered(), GATHER_MS);
    strikeAtTimes();
    for (const host of onePerRoom(world.living())) world.command(host.member, 'start');
  }
  world.runUntil(over, experiment.calmAt);
  const allDone = whenDone(() => world.living());
  if (waitingForStep.length > 0)
    world.runUntil(
      () => over() || waitingForStep.length + waitingForMoment.length === 0 || allDone(),
      SCHEDULE_MS,
    );
  // What came due with the last step happens before the faults end, and lasts for its time.
  world.runUntil(over, Math.max(1, lastsUntil - world.now()));
  const calm = over() ? undefined : recover(world, experiment, () => strikes.healAll(), excuses, over);

  if (experiment.laws === true && !over()) {
    const [first] = world.pages;
    const broken = brokenLaw(options.rules ?? RULES, experiment.seed);
    if (first !== undefined && broken !== undefined) world.object(first.member, broken);
  }
  flush();
  digest?.update(utf8ToBytes(`${world.events()} events, digest ${world.digest()}`));
  const violation: Violation | undefined = world.violations[0];
  const live = calm?.live ?? true;
  const survivor = calm?.survivors.find((host) => host.core.phase === 'done');
  return {
    ...judge(violation, calm, excuses),
    brokenAt: violation !== undefined || !live ? world.now() : undefined,
    traceHash: digest === undefined ? '' : bytesToHex(digest.digest()),
    events: world.events(),
    virtualMs: Math.round(world.now()),
    committed: world.committed(),
    stateHash: survivor === undefined ? undefined : stateHashOf(survivor),
    ledger: keeper.ledger(),
    situations: situations.counts,
  };
}

/** Whom a page that has begun to heal, or to learn, has asked for what it lacks. */
function donorAsked({ core: { membership, peers, study } }: Host): MemberId | undefined {
  if (
    study !== undefined &&
    (membership === undefined || membership.target?.donors.includes(study.teacher) === true)
  )
    return study.teacher;
  const reachable = membership?.target?.donors.filter((donor) => peers.get(donor)?.linked === true) ?? [];
  return reachable[((membership?.donorTurn ?? 0) - 1) % Math.max(1, reachable.length)];
}

/** The pages that a strike at a moment hits. */
function circle(world: World, actor: Host, hits: Circle): readonly Host[] {
  const others = world.living().filter((host) => host !== actor);
  const donors = others.filter(({ core }) => core.membership?.synced === true);
  switch (hits) {
    case 'actor':
      return [actor];
    case 'donor': {
      const asked = donorAsked(actor);
      return donors.filter(({ member }) => member === asked);
    }
    case 'donors':
      return donors;
    case 'others':
      return others;
    case 'witness': {
      const witness = world.witness();
      return witness === undefined ? [] : [witness];
    }
  }
}

interface Recovery {
  readonly live: boolean;
  readonly survivors: readonly Host[];
}

const hasStopped = (host: Host): boolean => host.core.stopped !== undefined;

/** All have finished the job in one state, in one generation. */
function isDone(ranks: readonly Host[]): boolean {
  const first = ranks[0]?.core;
  if (first === undefined) return false;
  const generation = first.membership?.generation.id;
  return ranks.every(
    ({ core }) =>
      core.phase === 'done' &&
      core.training?.hash === first.training?.hash &&
      core.membership?.generation.id.incarnation === generation?.incarnation &&
      core.membership?.generation.id.number === generation?.number,
  );
}

/** Whether something holds of all ranks, asked after every event: as long as it does not of one, nobody else is looked at. */
function whenAll(
  ranks: () => readonly Host[],
  holds: (host: Host) => boolean,
): () => readonly Host[] | undefined {
  let behind: Host | undefined;
  return () => {
    if (behind?.alive === true && !holds(behind)) return undefined;
    const all = ranks();
    behind = all.find((host) => !holds(host));
    return behind === undefined ? all : undefined;
  };
}

function whenDone(ranks: () => readonly Host[]): () => boolean {
  const finished = whenAll(ranks, ({ core }) => core.phase === 'done');
  return () => {
    const all = finished();
    return all !== undefined && isDone(all);
  };
}

/** The first page of each generation, and all that are in none. */
function onePerRoom(hosts: readonly Host[]): readonly Host[] {
  const rooms = new Set<string>();
  return hosts.filter(({ core: { membership } }) => {
    if (membership === undefined) return true;
    const { incarnation, number } = membership.generation.id;
    const room = `${incarnation}/${number}`;
    if (rooms.has(room)) return false;
    rooms.add(room);
    return true;
  });
}

/** Whether all pages that are there are members of one generation: each is in one of as many members as there are pages. */
function whenGathered(world: World): () => boolean {
  const together = whenAll(
    () => world.living(),
    ({ core }) => core.membership?.generation.members.length === world.living().length,
  );
  return () => together() !== undefined;
}

/** Faults end; a random part of the living goes on, and everything else stays broken for good. They must finish within the bound. */
function recover(
  world: World,
  experiment: Experiment,
  healAll: () => void,
  excuses: Set<Justification>,
  over: () => boolean,
): Recovery {
  healAll();
  const outside = experiment.survivors === 'some' ? breakForGood(world) : new Set<Host>();
  // A page that has left, or whose engine is gone, is closed by its person; a room that nobody is in is opened again.
  for (const host of world.living()) if (hasStopped(host)) world.depart(host.member, 'close');
  const inside = (): readonly Host[] =>
    outside.size === 0 ? world.living() : world.living().filter((host) => !outside.has(host));
  if (inside().length === 0 && !over()) {
    const opened = world.ranks.get(world.open(FIRST_PROFILE));
    if (opened !== undefined) for (const host of outside) cutOff(world, host, [opened]);
  }
  // In a large room one of its pages is enough, and all would be many.
  const asked = experiment.gathers === true ? onePerRoom : (hosts: readonly Host[]) => hosts;
  for (const host of asked(inside())) world.command(host.member, 'start');
  const haveFinished = whenDone(inside);
  let stuckIn: GenerationId | undefined;
  const deadline = world.now() + RECOVERY_MS + experiment.steps * STEP_MS;
  while (world.now() < deadline && !over()) {
    if (world.runUntil(() => over() || haveFinished(), PATIENCE_MS)) break;
    for (const host of inside().filter(hasStopped)) world.depart(host.member, 'close');
    if (inside().length === 0) {
      excuses.add('no rank with a working engine was left');
      break;
    }
    // A pause that was on its way when the start was asked for wins; a person asks again.
    for (const host of asked(inside().filter(({ core }) => core.phase === 'idle')))
      world.command(host.member, 'start');
    const stuck = inside().find((host) => host.core.phase === 'stuck');
    if (stuck === undefined) {
      stuckIn = undefined;
      continue;
    }
    const generation = stuck.core.membership?.generation.id;
    // Nobody forces a room on that has its quorum and does not move.
    if (generation !== undefined && isQuorumAtHand(world, inside(), stuck)) {
      if (stuckIn !== undefined && sameGeneration(stuckIn, generation)) break;
      stuckIn = generation;
      continue;
    }
    excuses.add('no quorum could be reached: a person forced the room on');
    world.command(stuck.member, 'force');
  }
  const survivors = inside();
  return { live: isDone(survivors), survivors };
}

/** A random part of the living, less than half or more, is killed, frozen or cut off for good. */
function breakForGood(world: World): ReadonlySet<Host> {
  const { entropy } = world;
  const living = world.living();
  const keep = entropy.between('sched', 'survivors', 1, living.length);
  const doomed = [...living];
  for (let i = 0; i < keep; i++) doomed.splice(entropy.between('sched', 'survivor', 0, doomed.length - 1), 1);
  for (const host of doomed) {
    const how = entropy.pick('sched', 'broken', ['kill', 'freeze', 'cut'] as const);
    if (how === 'kill') world.depart(host.member, 'kill');
    else if (how === 'freeze') world.freeze(host.member);
    else cutOff(world, host, world.pages);
  }
  const witness = world.witness();
  const fate = witness === undefined ? 'lives' : entropy.pick('sched', 'witness', ['lives', 'kill', 'cut']);
  if (witness !== undefined && fate === 'kill') world.depart(witness.member, 'kill');
  if (witness !== undefined && fate === 'cut') cutOff(world, witness, world.pages);
  return new Set(doomed);
}

function cutOff(world: World, host: Host, others: readonly Host[]): void {
  for (const other of others) {
    if (other === host) continue;
    world.network.setFault(host, other, { kind: 'cut' });
    world.network.setFault(other, host, { kind: 'cut' });
  }
}

function judge(
  violation: Violation | undefined,
  calm: Recovery | undefined,
  excuses: ReadonlySet<Justification>,
): Pick<Outcome, 'verdict' | 'invariant' | 'reason'> {
  if (violation !== undefined)
    return { verdict: 'violated', invariant: violation.invariant, reason: violation.sentence };
  const [excuse] = excuses;
  const stopped =
    excuses.has('a gradient was not finite: the room stopped, as it must') ||
    excuses.has('no rank with a working engine was left');
  if (calm?.live !== true && !stopped) {
    const ranks = (calm?.survivors ?? []).map(
      ({ ordinal, core }) => `page ${ordinal} ${core.phase} at step ${core.training?.step ?? '-'}`,
    );
    return {
      verdict: 'violated',
      invariant: 8,
      reason: `The room did not finish its job within the bound after the faults had ended: ${ranks.join(', ')}.`,
    };
  }
  if (excuse !== undefined) return { verdict: 'unrecoverable', invariant: undefined, reason: excuse };
  return { verdict: 'held', invariant: undefined, reason: undefined };
}

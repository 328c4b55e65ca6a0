// A seeded world in virtual time: hosts with storage, locks, clocks and GPUs, links between them, and the real core in every rank.

import type { Job } from '../job/job.ts';
import { EngineError, type EngineFault } from '../ports/engine.ts';
import type { MemberId, SeatId, StateHash } from '../ports/ids.ts';
import { createChecker, type Violation } from '../invariants/check.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';
import { mix32 } from '../collective/digest.ts';
import type { Effect, Event } from '../protocol/effects.ts';
import { laneOf, messageBytes } from '../protocol/message-size.ts';
import type { Message } from '../protocol/messages.ts';
import { stepRank } from '../protocol/rank.ts';
import type { SavedPlace } from '../protocol/generation.ts';
import type { Wanted } from '../protocol/saved.ts';
import { createWitness, stepWitness } from '../protocol/witness.ts';
import { RULES, type Rules } from '../protocol/rules.ts';
import { lose, occupy, work } from './gpu.ts';
import { createReference, type Compute } from './compute.ts';
import { hashCompute, type Salt } from './hash-engine.ts';
import { beginWrite, endWrite } from './disk.ts';
import {
  ballotStored,
  checkpointStored,
  disinheritedVote,
  forgottenVote,
  unstoredCheckpoint,
  unstoredVote,
  voteTold,
} from './durability.ts';
import { happen, type Due } from './due.ts';
import { createHost, type Host } from './host.ts';
import { beforeDecision, createDecisionWatch, type Before } from './decision-watch.ts';
import { beforeFence } from './fence-watch.ts';
import { createKnowledgeWatch } from './knowledge-watch.ts';
import type { LinkFault, Size } from './link.ts';
import { createLocks } from './locks.ts';
import { createNetwork, type Network } from './network.ts';
import { createPartsWatch } from './parts-watch.ts';
import { createPatienceWatch } from './patience-watch.ts';
import { createQueue } from './queue.ts';
import { createEntropy, type Entropy } from './random.ts';
import { createScheduler, type Scheduler, type SchedulerName } from './scheduler.ts';
import { bootEvent, engineFailure, perform, stateHashOf, type SimPorts } from './sim-rank.ts';
import {
  beginSave,
  createProfile,
  endSave,
  intactCheckpoints,
  loadBook,
  loadCheckpoint,
  settlePage,
  witnessKey,
  type Profile,
} from './storage.ts';
import { setTimer } from './timers.ts';
import { shortId } from '../trace/short-names.ts';

/** Durations in virtual milliseconds, each drawn between its bounds. */
const ENGINE = [5, 40] as const;
const DISK = [2, 12] as const;
/** How soon a dead page's lock goes to the next in line (measured: 20 to 56 ms). */
const LOCK = [20, 56] as const;
/** A link that was asked for is up by then, or has to be asked for again. */
const SETUP_MS = 60;
/** The room's server has a disk of its own. */
const SERVER = 'server';
/** A page that has not found another looks again after so long, in milliseconds. */
const RENDEZVOUS_MS = 500;
const NOTHING: readonly Effect[] = [];
/** Of one world, those that have gone included: a pair of pages is one number. */
const MOST_PAGES = 0x100_0000;

export interface WorldOptions {
  readonly seed: number;
  readonly job: Job;
  readonly salt?: Salt;
  /** Absent: the hash chain. What others compute takes no salt. */
  readonly compute?: Compute | undefined;
  readonly rules?: Rules;
  readonly scheduler?: SchedulerName | Scheduler;
  /** Where chance comes from; absent: from the seed. */
  readonly entropy?: Entropy;
  /** How long the engine takes for a piece of work, in milliseconds. */
  readonly engineMs?: readonly [number, number];
  /** How long taking the snapshot of a checkpoint keeps the engine busy, in milliseconds; absent: not at all. */
  readonly snapshotMs?: number | undefined;
  /** A page is introduced to so many others, and gets the other links that it asks for; absent: everybody has links with everybody. */
  readonly contacts?: number | undefined;
  /** Called for every record of the log. */
  readonly onRecord?: (record: TraceRecord) => void;
  /** Called for every message that arrives. */
  readonly onMessage?: (from: Host, to: Host, message: Message, sentAt: number) => void;
  /** Called for every message that leaves. */
  readonly onSend?: (from: Host, to: Host, message: Message) => void;
  /** Called when a page is about to die. */
  readonly onDeath?: (host: Host) => void;
  /** A page stands still, or goes on. */
  readonly onFreeze?: (host: Host, frozen: boolean) => void;
  /** A vote could not be stored. */
  readonly onUnstored?: () => void;
  /** False: the log is not kept. */
  readonly keepLog?: boolean;
}

/** How a page goes: with a goodbye, or without. */
export type Departure = 'close' | 'kill';

export interface World {
  readonly now: () => number;
  readonly entropy: Entropy;
  readonly ranks: ReadonlyMap<MemberId, Host>;
  readonly log: readonly TraceRecord[];
  readonly violations: readonly Violation[];
  /** Events that cores have handled. */
  readonly events: () => number;
  /** Changes with every event, its time and its receiver. */
  readonly digest: () => number;
  readonly network: Network<Host, MemberId, Message>;
  /** Pages, and witnesses, in the order in which they were opened. */
  readonly pages: readonly Host[];
  profile(name: string): Profile;
  /** Opens a page in a profile; links to all living pages come up soon after. */
  open(profile: string, options?: { readonly fresh?: boolean; readonly autostart?: boolean }): MemberId;
  /** The room's server brings a witness; with the seat of one that has crashed, it starts again from its file. */
  openWitness(seat?: SeatId): MemberId;
  depart(member: MemberId, how: Departure): void;
  freeze(member: MemberId): void;
  wake(member: MemberId): void;
  /** Somebody who looks on has found this wrong. */
  object(member: MemberId, lapse: Pick<Violation, 'invariant' | 'sentence'>): void;
  /** Its tab goes to the background, and the page tells its worker; or comes back. */
  hide(member: MemberId, hidden: boolean): void;
  /** Whether the rendezvous is in this page's reach. */
  signalling(member: MemberId, reached: boolean): void;
  loseDevice(member: MemberId, fault?: EngineFault): void;
  /** A sample is bad, of a step that no rank has come to: all find it so that ever come to it. */
  spoil(sample: number): void;
  /** One way; undefined heals. */
  setLink(from: MemberId, to: MemberId, fault: LinkFault | undefined): void;
  partition(groups: readonly (readonly MemberId[])[]): void;
  healLinks(): void;
  refuseStorage(profile: string, refuses: boolean): void;
  command(member: MemberId, command: Extract<Event, { kind: 'command' }>['command']): void;
  /** A person at this page wants the room to go back to a state that its profile has saved. */
  rollBack(member: MemberId, to: SavedPlace): void;
  /** Something happens at a time to come. */
  at(time: number, action: () => void): void;
  /** Runs until the condition holds; false when `ms` of virtual time pass first. */
  runUntil(condition: () => boolean, ms: number): boolean;
  /** Ranks whose pages are there. */
  living(): readonly Host[];
  /** The witness, if there is one that has not crashed. */
  witness(): Host | undefined;
  committed(): number;
}

/** 32 hex digits: drawn, except for the last eight, which keep pages apart whatever is drawn. */
const hex = (entropy: Entropy, site: string, ordinal: number): string =>
  [...Array.from({ length: 3 }, () => entropy.between('workload', site, 0, 0xffffffff)), ordinal]
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');

function isHeldBack({ heldBack }: Host, wanted: Wanted): boolean {
  if (wanted.kind !== 'chosen' || heldBack === undefined) return false;
  const { step, hash } = heldBack.standing;
  return step === wanted.place.step && hash === wanted.place.hash;
}

export function createWorld(options: WorldOptions): World {
  const { job, seed } = options;
  const salt = options.salt ?? 'uniform';
  const compute = options.compute ?? hashCompute(job.seed, job.microBatches, salt, job.wire, job.overlap);
  const rules = options.rules ?? RULES;
  const engineMs = options.engineMs ?? ENGINE;
  const { contacts } = options;
  const keepLog = options.keepLog ?? true;
  const entropy = options.entropy ?? createEntropy(seed);
  const { scheduler: wanted = 'random' } = options;
  const scheduler = typeof wanted === 'string' ? createScheduler(wanted, entropy) : wanted;
  const queue = createQueue<Due>();
  const hosts = new Map<MemberId, Host>();
  const pages: Host[] = [];
  const witnesses: Host[] = [];
  const profiles = new Map<string, Profile>();
  const log: TraceRecord[] = [];
  const reference = salt === 'uniform' ? createReference(compute, job.steps) : undefined;
  const checker = createChecker(reference === undefined ? {} : { reference });
  let now = 0;
  let events = 0;
  let digest = seed | 0;
  let committed = 0;
  /** Found anew after a page has come or gone. */
  let living: readonly Host[] | undefined;

  const at = (time: number, due: Due): void => queue.push(time, due);

  /** What its own clock shows. */
  const clockOf = (host: Host): number => now * host.clockRate + host.clockAhead;

  /** A core that throws is a violation. */
  function cannotGoOn(host: Host, at: string, error: unknown): void {
    violate(host, 8, `${shortId(host.member)} cannot go on: its core threw at ${at}: ${String(error)}`);
  }

  function awaitWaking(host: Host, event: Event): void {
    host.waiting?.push(() => deliver(host, event));
  }

  function stepped(host: Host, event: Event, clock: number): readonly Effect[] {
    const { core, witness } = host;
    try {
      return witness === undefined
        ? stepRank(core, event, clock, rules)
        : stepWitness(witness, event, clock, rules);
    } catch (error) {
      cannotGoOn(host, event.kind, error);
      return NOTHING;
    }
  }

  /** What reaches a page waits while it is frozen, and is lost when it is gone. */
  function deliver(host: Host, event: Event): void {
    if (!host.alive) return;
    if (host.waiting !== undefined) {
      awaitWaking(host, event);
      return;
    }
    events += 1;
    digest = mix32(digest ^ (Math.floor(now * 64) + Math.imul(host.ordinal + 1, 0x9e3779b1)));
    const clock = clockOf(host);
    if (host.witness !== undefined) {
      for (const effect of stepped(host, event, clock)) perform(host, effect, ports);
      return;
    }
    const { core } = host;
    const before = beforeDecision(core);
    lastStep = before;
    const fence = beforeFence(core, event);
    for (const effect of stepped(host, event, clock)) {
      blame(host, decisions.asked(core, before, effect));
      try {
        perform(host, effect, ports);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        violate(host, 3, `${shortId(host.member)} asked its engine for what it refuses: ${error.message}`);
      }
    }
    blame(host, fence?.(core));
    blame(host, decisions.stepped(core, before, event));
    if (event.kind === 'seatAcquired' && event.record !== undefined)
      violateIf(host, 6, disinheritedVote(event.record, core.seats.get(event.seat)));
  }

  function sayToItself(host: Host, message: Message): void {
    at(now, () => deliver(host, { kind: 'message', from: host.member, message }));
  }

  /** Runs when the page is awake, if it is still there. */
  function whenAwake(host: Host, action: () => void): void {
    if (!host.alive) return;
    if (host.waiting === undefined) action();
    else host.waiting.push(() => whenAwake(host, action));
  }

  function profile(name: string): Profile {
    let found = profiles.get(name);
    if (found === undefined) {
      found = createProfile(name);
      profiles.set(name, found);
    }
    return found;
  }

  /** What only somebody who sees the whole world can check. */
  function violate(host: Host, invariant: Violation['invariant'], sentence: string): void {
    ports.record(host, { kind: 'violated', invariant, sentence });
  }
  function violateIf(host: Host, invariant: Violation['invariant'], sentence: string | undefined): void {
    if (sentence !== undefined) violate(host, invariant, sentence);
  }
  function blame(host: Host, lapse: Pick<Violation, 'invariant' | 'sentence'> | undefined): void {
    if (lapse !== undefined) violate(host, lapse.invariant, lapse.sentence);
  }
  const ignored = createKnowledgeWatch((member) => {
    const host = hosts.get(member);
    return host?.alive === true ? host.core : undefined;
  });
  const patience = createPatienceWatch();
  const decisions = createDecisionWatch(
    (members) => rules.rowWidth(members),
    (member) => intactCheckpoints(profile(hosts.get(member)?.profile ?? '')),
  );
  /** What the rank was before it took the step that is carried out. */
  let lastStep: Before = { membership: undefined, lineage: undefined, step: 0 };
  const parts = createPartsWatch(
    () => now,
    (host, sentence) => violate(host, 7, sentence),
  );

  /** A broadcast is one message to many: its size is found once. */
  let measured: { readonly message: Message; readonly size: Size } | undefined;
  function sizeOf(message: Message): Size {
    if (measured?.message !== message)
      measured = { message, size: { lane: laneOf(message), bytes: messageBytes(message) } };
    return measured.size;
  }

  const network = createNetwork<Host, MemberId, Message>({
    sizeOf,
    now: () => now,
    entropy,
    sparse: contacts !== undefined,
    at,
    delay: (site, [low, high], host) => scheduler.delay('net', site, low, high, host.ordinal),
    deliver,
    left: options.onSend,
    arrived(from, to, message, sentAt) {
      parts.arrived(from, to, message, sentAt);
      options.onMessage?.(from, to, message, sentAt);
    },
  });

  /** Pages that the rendezvous is out of reach of, and how often. */
  const unreached = new Map<Host, number>();
  const isReached = (host: Host): boolean => (unreached.get(host) ?? 0) === 0;
  /** At once, or when both can be found. */
  function meet(host: Host, other: Host): void {
    if (!host.alive || !other.alive) return;
    if (isReached(host) && isReached(other)) network.connect(host, other);
    else at(now + RENDEZVOUS_MS, () => meet(host, other));
  }

  /** Pairs whose link is being set up, and until when. */
  const opening = new Map<number, number>();
  function open(host: Host, other: Host): void {
    if (host === other || host.links.get(other.member)?.up === true) return;
    const pair = Math.min(host.ordinal, other.ordinal) * MOST_PAGES + Math.max(host.ordinal, other.ordinal);
    if ((opening.get(pair) ?? -1) >= now) return;
    opening.set(pair, now + SETUP_MS);
    meet(host, other);
  }

  /** The rendezvous knows who is there. */
  function introduce(host: Host, among: readonly Host[], count: number): void {
    for (let i = 0; i < count && among.length > 0; i++) {
      const other = among[entropy.between('workload', 'contact', 0, among.length - 1)];
      if (other?.alive === true) open(host, other);
    }
  }

  const locks = createLocks((host, seat) => {
    at(now + scheduler.delay('net', 'lock', ...LOCK, host.ordinal), () => {
      deliver(host, { kind: 'seatAcquired', seat, record: profile(host.profile).records.get(seat) });
    });
  });

  const clockwork = { now: () => now, at, fire: deliver };

  const ports: SimPorts<Host> = {
    send(host, { to, message }) {
      const said = message.kind === 'relay' && message.origin === host.member ? message.message : message;
      violateIf(host, 6, unstoredVote(host.durable, said));
      blame(host, decisions.said(host.core, said, clockOf(host)));
      if (to === host.member) sayToItself(host, message);
      else network.send(host, to, message);
    },
    answer(host, by, given, load = 1) {
      const events = [given].flat();
      if (by !== 'engine') {
        const ms = scheduler.delay('disk', by, ...DISK, host.ordinal);
        for (const event of events) at(now + ms, () => deliver(host, event));
        return;
      }
      const ms = load * scheduler.delay('gpu', 'engine', ...engineMs, host.ordinal);
      work(host.gpu, { now, at }, ms, events, compute.layout, (event) => deliver(host, event));
    },
    storeBallot(host, record, done) {
      const disk = profile(host.profile);
      disk.busyUntil =
        Math.max(now, disk.busyUntil) + scheduler.delay('disk', 'ballot', ...DISK, host.ordinal);
      const key = host.witness === undefined ? record.seat : witnessKey(record);
      const write = beginWrite(disk, host.member, key, record);
      at(disk.busyUntil, () => {
        const landed = endWrite(disk, write);
        if (landed === 'settled') return;
        if (landed) violateIf(host, 6, ballotStored(host.durable, record));
        else options.onUnstored?.();
        whenAwake(host, () => done(landed));
      });
    },
    copyState(host, copied) {
      if (options.snapshotMs !== undefined) occupy(host.gpu, now, options.snapshotMs);
      const ms = scheduler.delay('disk', 'copy', ...DISK, host.ordinal);
      at(now + ms, () => deliver(host, copied));
    },
    saveCheckpoint(host, saved, outcome) {
      if (options.snapshotMs !== undefined) occupy(host.gpu, now, options.snapshotMs);
      const disk = profile(host.profile);
      const save = beginSave(disk, host.member, saved);
      at(now + scheduler.delay('disk', 'checkpoint', ...DISK, host.ordinal), () => {
        const stored = endSave(disk, save);
        if (stored === 'settled') return;
        const event = outcome(stored);
        if (event.kind === 'checkpointed') checkpointStored(host.durable, event);
        deliver(host, event);
      });
    },
    loadCheckpoint: (host, wanted) =>
      isHeldBack(host, wanted) ? host.heldBack : loadCheckpoint(profile(host.profile), wanted),
    setTimer: (host, name, ms) => setTimer(clockwork, host, name, ms),
    seatsChanged: (host) => locks.request(host),
    releaseSeat(host, seat) {
      // Whoever takes it next must not read an older record than this page is about to have said.
      const disk = profile(host.profile);
      if (disk.writes.some(({ by, key }) => by === host.member && key === seat))
        at(disk.busyUntil, () => locks.release(host, seat));
      else locks.release(host, seat);
    },
    dropLink(host, peer) {
      const other = hosts.get(peer);
      if (other !== undefined) network.drop(host, other);
    },
    connect(host, peer) {
      if (contacts === undefined || !host.alive) return;
      if (peer === undefined) introduce(host, pages, 1);
      else {
        const other = hosts.get(peer);
        if (other?.alive === true) open(host, other);
      }
    },
    disconnect(host, peer) {
      const other = hosts.get(peer);
      if (contacts !== undefined && other !== undefined) network.disconnect(host, other, 'channel-closed');
    },
    record(host, event: TraceEvent) {
      const record: TraceRecord = { member: host.member, seq: host.seq++, at: now, event };
      if (event.kind === 'committed' && event.step > committed) committed = event.step;
      if (keepLog) log.push(record);
      checker.observe(record);
      if (event.kind !== 'violated') {
        parts.recorded(host, event);
        voteTold(host.durable, event);
        violateIf(host, 6, unstoredCheckpoint(host.durable, event));
        const clock = clockOf(host);
        blame(host, ignored(host.core, event, clock));
        blame(host, patience.recorded(host.core, event, { world: now, own: clock }));
        blame(host, decisions.recorded(host.core, lastStep, event, clock));
      }
      options.onRecord?.(record);
    },
  };

  const world: World = {
    now: () => now,
    entropy,
    ranks: hosts,
    log,
    violations: checker.violations,
    events: () => events,
    digest: () => digest,
    network,
    pages,
    profile,
    open(profileName, { fresh = false, autostart = true } = {}) {
      const member = hex(entropy, 'member', pages.length) as MemberId;
      const seat = hex(entropy, 'seat', pages.length) as SeatId;
      const disk = profile(profileName);
      const host = createHost(member, seat, profileName, pages.length, compute);
      disk.records.set(seat, {
        format: 1,
        seat,
        base: undefined,
        promised: undefined,
        accepted: undefined,
      });
      locks.hold(host);
      const others = world.living();
      hosts.set(member, host);
      pages.push(host);
      living = [...others, host];
      at(now, () => {
        deliver(host, bootEvent(job, fresh, loadCheckpoint(disk), autostart));
        if (contacts !== undefined) introduce(host, others, contacts);
        else for (const other of others) meet(host, other);
        const server = world.witness();
        if (server !== undefined) network.connect(host, server);
      });
      return member;
    },
    openWitness(known) {
      const member = hex(entropy, 'member', pages.length) as MemberId;
      const seat = known ?? (hex(entropy, 'seat', pages.length) as SeatId);
      const self = { member, seat };
      const host = createHost(member, seat, SERVER, pages.length, compute, createWitness(self, undefined));
      const book = loadBook(profile(SERVER), seat);
      witnesses.push(host);
      try {
        host.witness = createWitness(self, book, rules);
        violateIf(host, 6, forgottenVote(book, host.witness.book));
      } catch (error) {
        cannotGoOn(host, 'its start', error);
      }
      hosts.set(member, host);
      pages.push(host);
      at(now, () => {
        for (const other of world.living()) network.connect(host, other);
      });
      return member;
    },
    depart(member, how) {
      const host = hosts.get(member);
      if (!host?.alive) return;
      options.onDeath?.(host);
      host.alive = false;
      living = undefined;
      network.depart(host, how);
      settlePage(
        profile(host.profile),
        member,
        (count) => entropy.between('disk', 'landed', 0, count),
        (fates) => entropy.pick('disk', 'unseen save', fates),
      );
      locks.drop(host);
    },
    freeze(member) {
      const host = hosts.get(member);
      if (host?.waiting !== undefined || host === undefined) return;
      host.waiting = [];
      patience.frozen(member);
      options.onFreeze?.(host, true);
    },
    wake(member) {
      const host = hosts.get(member);
      const waiting = host?.waiting ?? [];
      if (host?.waiting !== undefined) {
        host.waiting = undefined;
        options.onFreeze?.(host, false);
      }
      for (const action of waiting) action();
    },
    object(member, lapse) {
      const host = hosts.get(member);
      if (host !== undefined) blame(host, lapse);
    },
    hide(member, hidden) {
      const host = hosts.get(member);
      if (host === undefined || host.hidden === hidden) return;
      host.hidden = hidden;
      deliver(host, { kind: 'visibility', hidden });
    },
    signalling(member, reached) {
      const host = hosts.get(member);
      if (host !== undefined) unreached.set(host, (unreached.get(host) ?? 0) + (reached ? -1 : 1));
    },
    spoil(sample) {
      const reached = pages.reduce((most, { core }) => Math.max(most, core.training?.step ?? 0), committed);
      compute.spoil(reached + 2, sample % compute.layout.microBatches);
      reference?.restart();
    },
    loseDevice(member, fault = 'device-lost') {
      const host = hosts.get(member);
      if (host?.alive !== true) return;
      lose(host.gpu, now);
      deliver(host, engineFailure(fault));
    },
    setLink(from, to, fault) {
      const [a, b] = [hosts.get(from), hosts.get(to)];
      if (a !== undefined && b !== undefined && a !== b) network.setFault(a, b, fault);
    },
    partition(groups) {
      const groupOf = (host: Host): number => groups.findIndex((group) => group.includes(host.member));
      for (const a of pages)
        for (const b of pages)
          if (a !== b && groupOf(a) !== groupOf(b)) network.setFault(a, b, { kind: 'cut' });
    },
    healLinks() {
      for (const page of pages)
        for (const link of [...page.links.values()])
          if (link.fault !== undefined) network.setFault(page, link.to, undefined);
    },
    refuseStorage(name, refuses) {
      profile(name).refusing = refuses ? 1 : 0;
    },
    command(member, command) {
      const host = hosts.get(member);
      if (host !== undefined) deliver(host, { kind: 'command', command });
    },
    rollBack(member, to) {
      const host = hosts.get(member);
      if (host === undefined) return;
      // As a live rank does: what is saved meanwhile must not push it out.
      host.heldBack = loadCheckpoint(profile(host.profile), { kind: 'chosen', place: to });
      deliver(host, { kind: 'rollBack', to });
    },
    at,
    runUntil(condition, ms) {
      const deadline = now + ms;
      while (!condition()) {
        const next = queue.nextAt();
        if (next > deadline) {
          now = deadline;
          return condition();
        }
        now = next;
        const due = queue.pop();
        if (due !== undefined) happen(due);
      }
      return true;
    },
    living: () => (living ??= pages.filter((host) => host.alive && host.witness === undefined)),
    witness: () => witnesses.findLast((host) => host.alive),
    committed: () => committed,
  };
  return world;
}

/** The state hash of every living rank. */
export const hashesOf = (world: World): readonly (StateHash | undefined)[] => world.living().map(stateHashOf);

// What strikes a simulated world: the shared fault vocabulary, and what only a simulator can do to a machine or a network.

import * as v from 'valibot';
import { FaultSchema, type Fault } from '../faults/vocabulary.ts';
import type { MemberId } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Host, LinkFault } from './host.ts';
import { release } from './gpu.ts';
import { damageCheckpoint, evictCheckpoints } from './storage.ts';
import type { World } from './world.ts';

const page = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1023));
const forMs = v.pipe(v.number(), v.minValue(1), v.maxValue(3_600_000));
const chance = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const WorldFaultSchema = v.variant('kind', [
  /** One more page, in the profile of the one that is struck. */
  v.strictObject({ kind: v.literal('open') }),
  /** A page that was lost is loaded anew: memory lost, storage kept. A living one is killed first. */
  v.strictObject({ kind: v.literal('reload') }),
  v.strictObject({ kind: v.literal('lose-device') }),
  /** The GPU process of the whole browser dies: every page of the profile loses its device. */
  v.strictObject({ kind: v.literal('lose-gpu-process') }),
  /** No adapter is to be had any more. */
  v.strictObject({ kind: v.literal('lose-gpu-for-good') }),
  v.strictObject({ kind: v.literal('nan') }),
  v.strictObject({
    kind: v.literal('slow-gpu'),
    factor: v.pipe(v.number(), v.minValue(1), v.maxValue(1000)),
    forMs,
  }),
  /** The connection ends on both sides and is set up anew. */
  v.strictObject({ kind: v.literal('reset-link'), to: page }),
  /** Nothing passes, and nobody is told. */
  v.strictObject({ kind: v.literal('silent-link'), to: page, forMs }),
  /** Messages wait, and arrive all at once. */
  v.strictObject({ kind: v.literal('hold-link'), to: page, forMs }),
  /** Messages arrive twice, the second time late, even over another connection. */
  v.strictObject({ kind: v.literal('repeat-late'), to: page, chance, ms: forMs, forMs }),
  /** Pages whose bit is set in `side` are cut off from all others. */
  v.strictObject({
    kind: v.literal('partition'),
    side: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff)),
    forMs,
  }),
  /** Votes are written, and their writer is told that they were not. */
  v.strictObject({ kind: v.literal('ambiguous-storage'), forMs }),
  /** The newest checkpoint of the profile no longer verifies: torn, or rotten. */
  v.strictObject({ kind: v.literal('damage-checkpoint') }),
  v.strictObject({ kind: v.literal('evict-checkpoints') }),
  v.strictObject({ kind: v.literal('hide'), forMs }),
  /** Nothing that it says gets out, though it hears; a little later it freezes as well, and wakes with all of it undone. */
  v.strictObject({ kind: v.literal('mute'), forMs }),
  v.strictObject({
    kind: v.literal('clock-drift'),
    rate: v.pipe(v.number(), v.minValue(0.5), v.maxValue(2)),
  }),
  v.strictObject({ kind: v.literal('clock-jump'), ms: forMs }),
  v.strictObject({
    kind: v.literal('command'),
    command: v.picklist(['start', 'pause', 'checkpoint', 'leave', 'force']),
  }),
]);

export type WorldFault = v.InferOutput<typeof WorldFaultSchema>;
export type AnyFault = Fault | WorldFault;

/** What a rank reports at the moments that races are made of. */
export const MOMENTS = ['prepared', 'promised', 'voted', 'chosen', 'healing', 'founded', 'applied'] as const;
export type Moment = (typeof MOMENTS)[number];

/** Whom a strike at a moment hits: who came to it, whom that one heals from, everybody else that has the state, or everybody else. */
export const CIRCLES = ['actor', 'donor', 'donors', 'others'] as const;
export type Circle = (typeof CIRCLES)[number];

export const StrikeSchema = v.strictObject({
  at: v.union([
    v.strictObject({ ms: v.pipe(v.number(), v.minValue(0)) }),
    v.strictObject({ step: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
    /** A little after some rank has come to such a moment for the nth time, counted over the room. */
    v.strictObject({
      moment: v.picklist(MOMENTS),
      nth: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)),
      afterMs: v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)),
      hits: v.picklist(CIRCLES),
    }),
  ]),
  /** The page that it strikes, in the order in which pages were opened; or by rank number in the newest generation. */
  page: v.optional(page),
  rank: v.optional(v.union([page, v.literal('any')])),
  fault: v.union([FaultSchema, WorldFaultSchema]),
});

export interface Strike {
  readonly at:
    | { readonly ms: number }
    | { readonly step: number }
    | { readonly moment: Moment; readonly nth: number; readonly afterMs: number; readonly hits: Circle };
  readonly page?: number | undefined;
  readonly rank?: number | 'any' | undefined;
  readonly fault: AnyFault;
}

/** The moment that an event is, if it is one. */
export function momentOf(event: TraceEvent): Moment | undefined {
  if (event.kind === 'phase') return event.phase === 'healing' ? 'healing' : undefined;
  return MOMENTS.find((moment) => moment === event.kind);
}

/** How long a strike lasts, where it says so, in milliseconds. */
export const durationOf = ({ fault }: Strike): number | undefined =>
  'forMs' in fault ? fault.forMs : undefined;

/** Undoes a fault. */
type Heal = () => void;

export interface Strikes {
  strike(strike: Strike): void;
  /** All faults end, and none comes any more. */
  healAll(): void;
}

/** Carries strikes out, and says so before. Those that name a page which is not there do nothing. */
export function createStrikes(world: World, onStrike: (strike: Strike) => void): Strikes {
  const active = new Set<Heal>();
  let isCalm = false;

  function holdFor(ms: number | undefined, heal: Heal): void {
    const once = (): void => {
      if (!active.delete(once)) return;
      heal();
    };
    active.add(once);
    if (ms !== undefined) world.at(world.now() + ms, once);
  }

  /** Members of the newest generation, in ring order. */
  function ring(): readonly MemberId[] {
    let best: readonly MemberId[] = [];
    let number = -1;
    for (const host of world.living()) {
      const generation = host.core.membership?.generation;
      if (generation === undefined || generation.id.number <= number) continue;
      number = generation.id.number;
      best = generation.members.map((m) => m.member);
    }
    return best;
  }

  function find(strike: Strike, named: number | 'any' | undefined): Host | undefined {
    if (strike.rank === undefined) return typeof named === 'number' ? world.pages[named] : undefined;
    const members = ring();
    const index = named === 'any' ? world.entropy.between('sched', 'any rank', 0, members.length - 1) : named;
    const member = index === undefined ? undefined : members[index];
    return member === undefined ? undefined : world.ranks.get(member);
  }

  function strikeLinks(
    strike: Strike,
    host: Host,
    to: number | undefined,
    direction: 'both' | 'in' | 'out',
    fault: LinkFault,
    ms: number | undefined,
  ): void {
    const others = to === undefined ? world.pages : [find(strike, to)];
    for (const other of others) {
      if (other === undefined || other === host) continue;
      const ends: (readonly [Host, Host])[] = [];
      if (direction !== 'in') ends.push([host, other]);
      if (direction !== 'out') ends.push([other, host]);
      for (const [from, target] of ends) {
        world.network.setFault(from, target, fault);
        holdFor(ms, () => {
          if (from.links.get(target.member)?.fault === fault) world.network.setFault(from, target, undefined);
        });
      }
    }
  }

  function strike(strike: Strike): void {
    const host = isCalm ? undefined : find(strike, strike.rank ?? strike.page);
    if (host === undefined) return;
    onStrike(strike);
    carryOut(strike, host);
  }

  function carryOut(strike: Strike, host: Host): void {
    const { fault } = strike;
    const disk = world.profile(host.profile);
    switch (fault.kind) {
      case 'close':
      case 'kill':
        world.depart(host.member, fault.kind);
        return;
      case 'open':
        world.open(host.profile);
        return;
      case 'reload':
        world.depart(host.member, 'kill');
        world.open(host.profile);
        return;
      case 'freeze':
        world.freeze(host.member);
        holdFor(fault.forMs, () => world.wake(host.member));
        return;
      case 'cut':
        strikeLinks(strike, host, fault.to, fault.direction ?? 'both', { kind: 'cut' }, fault.forMs);
        return;
      case 'mute':
        strikeLinks(strike, host, undefined, 'out', { kind: 'cut', silent: true }, fault.forMs);
        world.at(world.now() + fault.forMs / 4, () => {
          if (!host.alive || isCalm) return;
          world.freeze(host.member);
          holdFor((fault.forMs * 3) / 4, () => world.wake(host.member));
        });
        return;
      case 'silent-link':
        strikeLinks(strike, host, fault.to, 'both', { kind: 'cut', silent: true }, fault.forMs);
        return;
      case 'delay':
        strikeLinks(strike, host, fault.to, 'both', { kind: 'delay', ms: fault.ms }, fault.forMs);
        return;
      case 'corrupt':
        strikeLinks(strike, host, fault.to, 'both', { kind: 'corrupt', chance: fault.chance }, fault.forMs);
        return;
      case 'hold-link':
        strikeLinks(strike, host, fault.to, 'out', { kind: 'hold' }, fault.forMs);
        return;
      case 'fill-queue':
        strikeLinks(strike, host, fault.to, 'out', { kind: 'full' }, fault.forMs);
        return;
      case 'repeat-late': {
        const late: LinkFault = { kind: 'late', chance: fault.chance, ms: fault.ms };
        strikeLinks(strike, host, fault.to, 'out', late, fault.forMs);
        return;
      }
      case 'reset-link': {
        const other = find(strike, fault.to);
        if (other !== undefined && other !== host && host.alive && other.alive)
          world.network.reset(host, other);
        return;
      }
      case 'partition': {
        const inside = (page: Host): boolean => ((fault.side >>> (page.ordinal % 32)) & 1) === 1;
        for (const a of world.pages)
          for (const b of world.pages)
            if (inside(a) && !inside(b))
              strikeLinks({ ...strike, rank: undefined }, a, b.ordinal, 'both', { kind: 'cut' }, fault.forMs);
        return;
      }
      case 'exhaust-gpu':
      case 'refuse-gpu':
        host.gpu.refusing += 1;
        holdFor(fault.forMs, () => (host.gpu.refusing -= 1));
        return;
      case 'lose-device':
        world.loseDevice(host.member);
        return;
      case 'lose-gpu-process':
        for (const other of world.living())
          if (other.profile === host.profile) world.loseDevice(other.member);
        return;
      case 'lose-gpu-for-good':
        world.loseDevice(host.member, 'unavailable');
        return;
      case 'nan':
        host.gpu.poisoned = 1;
        return;
      case 'slow-gpu': {
        const slowdown = { factor: fault.factor, until: world.now() + fault.forMs };
        host.gpu.slowdowns.push(slowdown);
        holdFor(fault.forMs, () => host.gpu.slowdowns.splice(host.gpu.slowdowns.indexOf(slowdown), 1));
        return;
      }
      case 'loader-throws':
        host.gpu.failing += fault.times ?? 1;
        return;
      case 'loader-hangs':
        host.gpu.hung += 1;
        holdFor(fault.forMs, () => {
          host.gpu.hung -= 1;
          if (host.gpu.hung === 0) release(host.gpu);
        });
        return;
      case 'refuse-storage':
        disk.refusing += 1;
        holdFor(fault.forMs, () => (disk.refusing -= 1));
        return;
      case 'ambiguous-storage':
        disk.ambiguous += 1;
        holdFor(fault.forMs, () => (disk.ambiguous -= 1));
        return;
      case 'damage-checkpoint':
        damageCheckpoint(disk);
        return;
      case 'evict-checkpoints':
        evictCheckpoints(disk);
        return;
      case 'hide':
        host.hidden = true;
        holdFor(fault.forMs, () => (host.hidden = false));
        return;
      case 'clock-drift':
        // The clock goes on from what it shows now.
        host.clockAhead += world.now() * (host.clockRate - fault.rate);
        host.clockRate = fault.rate;
        return;
      case 'clock-jump':
        host.clockAhead += fault.ms;
        return;
      case 'command':
        world.command(host.member, fault.command);
        return;
    }
  }

  return {
    strike,
    healAll() {
      isCalm = true;
      for (const heal of [...active]) heal();
    },
  };
}

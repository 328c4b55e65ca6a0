// Strikes on a simulated room: which fault, on whom, and when.

import * as v from 'valibot';
import { FaultSchema } from '../faults/vocabulary.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Message } from '../protocol/messages.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Host } from './host.ts';
import { createMachineFaults, isMachineFault } from './machine-faults.ts';
import { release } from './gpu.ts';
import { damageCheckpoint, evictCheckpoints } from './storage.ts';
import type { World } from './world.ts';
import { PageSchema, WorldFaultSchema, type AnyFault } from './world-faults.ts';

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
  page: v.optional(PageSchema),
  rank: v.optional(v.union([PageSchema, v.literal('any')])),
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

export interface Strikes {
  strike(strike: Strike): void;
  /** All faults end, and none comes any more. */
  healAll(): void;
}

/** Carries strikes out, and says so before. Those that name a page which is not there do nothing. */
export function createStrikes(world: World, onStrike: (strike: Strike) => void): Strikes {
  const machines = createMachineFaults<Host, Message>({
    now: world.now,
    at: (time, action) => world.at(time, action),
    hosts: world.pages,
    network: world.network,
    disk: (host) => world.profile(host.profile),
    depart: (host, how) => world.depart(host.member, how),
    open: (near) => world.open(near.profile),
    reload(host) {
      world.depart(host.member, 'kill');
      world.open(host.profile);
    },
    freeze: (host) => world.freeze(host.member),
    wake: (host) => world.wake(host.member),
  });
  const { holdFor, healAll } = machines;

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

  function carryOut(strike: Strike, host: Host): void {
    const { fault } = strike;
    if (isMachineFault(fault)) {
      machines.carryOut(fault, host, (peer) => find(strike, peer));
      return;
    }
    switch (fault.kind) {
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
      case 'damage-checkpoint':
        damageCheckpoint(world.profile(host.profile));
        return;
      case 'evict-checkpoints':
        evictCheckpoints(world.profile(host.profile));
        return;
      case 'command':
        world.command(host.member, fault.command);
        return;
    }
  }

  return {
    strike(strike) {
      const host = machines.isCalm() ? undefined : find(strike, strike.rank ?? strike.page);
      if (host === undefined) return;
      onStrike(strike);
      carryOut(strike, host);
    },
    healAll,
  };
}

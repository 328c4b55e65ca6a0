// Strikes on a simulated room: carries the faults of a plan out on its machines, GPUs, loaders and checkpoints.

import { MOMENTS, type Moment, type Strike } from '../faults/schedule.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Message } from '../protocol/messages.ts';
import type { TraceEvent } from '../trace/events.ts';
import { release } from './gpu.ts';
import type { Host } from './host.ts';
import { createMachineFaults, isMachineFault } from './machine-faults.ts';
import { damageCheckpoint, evictCheckpoints } from './storage.ts';
import type { World } from './world.ts';

/** The moment that an event is, if it is one. */
export function momentOf(event: TraceEvent): Moment | undefined {
  if (event.kind === 'phase') return event.phase === 'healing' ? 'healing' : undefined;
  if (event.kind === 'installed') return event.back === undefined ? undefined : 'going-back';
  return MOMENTS.find((moment) => moment === event.kind);
}

/** How long a strike lasts, where it says so, in milliseconds. */
export const durationOf = ({ fault }: Strike): number | undefined =>
  'forMs' in fault ? fault.forMs : undefined;

/** Where pages are opened that have no other to stand beside. */
export const FIRST_PROFILE = 'profile 0';

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
    open: (near) => world.open(near.witness === undefined ? near.profile : FIRST_PROFILE),
    reload(host) {
      // Its file is held by one server at a time.
      const server = host.witness === undefined ? undefined : world.witness();
      world.depart(server?.member ?? host.member, 'kill');
      if (host.witness === undefined) world.open(host.profile);
      else world.openWitness(host.seat);
    },
    freeze: (host) => world.freeze(host.member),
    wake: (host) => world.wake(host.member),
    hide: (host, hidden) => world.hide(host.member, hidden),
    signalling: (host, reached) => world.signalling(host.member, reached),
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
      case 'slow-map':
        host.gpu.mapMs += fault.ms;
        holdFor(fault.forMs, () => (host.gpu.mapMs -= fault.ms));
        return;
      case 'flip-bit':
        if (fault.where === 'gradient') host.gpu.flipped = 1;
        else flipStateBit(host);
        return;
      case 'loader-throws':
      // The engine refuses what is not what it asked for.
      case 'loader-garbles':
        host.gpu.failing += fault.times ?? 1;
        return;
      case 'bad-sample':
        // Of a step that nobody has come to: then all ranks find the same.
        world.spoil(world.entropy.between('workload', 'bad sample', 0, 7));
        return;
      case 'oversize-buffer':
        host.gpu.failing += fault.times ?? 1;
        return;
      case 'lose-data':
        host.gpu.unloadable += 1;
        holdFor(fault.forMs, () => (host.gpu.unloadable -= 1));
        return;
      case 'stall-collective':
        machines.carryOut({ ...fault, kind: 'hold-link' }, host, (peer) => find(strike, peer));
        return;
      case 'reconnect-storm':
        for (let ms = 0; ms < fault.forMs; ms += fault.everyMs)
          world.at(world.now() + ms, () => {
            if (!machines.isCalm())
              machines.carryOut(
                { kind: 'reset-link', ...(fault.to === undefined ? {} : { to: fault.to }) },
                host,
                (peer) => find(strike, peer),
              );
          });
        return;
      case 'hang-kernel':
      case 'loader-hangs':
        host.gpu.hung += 1;
        holdFor(fault.forMs, () => {
          host.gpu.hung -= 1;
          if (host.gpu.hung === 0) release(host.gpu);
        });
        return;
      case 'limit-storage': {
        const { quotas } = world.profile(host.profile);
        quotas.push(fault.maxBytes);
        holdFor(fault.forMs, () => quotas.splice(quotas.indexOf(fault.maxBytes), 1));
        return;
      }
      case 'fill-storage': {
        const { quotas } = world.profile(host.profile);
        quotas.push(0);
        holdFor(fault.forMs, () => quotas.splice(quotas.indexOf(0), 1));
        return;
      }
      case 'damage-checkpoint':
        damageCheckpoint(world.profile(host.profile), fault.how);
        return;
      case 'evict-checkpoints':
        evictCheckpoints(world.profile(host.profile));
        return;
      case 'command':
        if (fault.command === 'roll-back') {
          const oldest = world.profile(host.profile).checkpoints.at(-1);
          if (oldest !== undefined) world.rollBack(host.member, oldest.saved.standing);
        } else world.command(host.member, fault.command);
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

/** One bit of the state that the engine holds is other than it should be. A real state in a file of its own would not decode again. */
function flipStateBit(host: Host): void {
  if (host.engine === undefined) return;
  const bytes = host.compute.encode(host.engine);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  try {
    host.engine = host.compute.decode(bytes);
  } catch {
    // It was noticed on the way: nothing has changed.
  }
}

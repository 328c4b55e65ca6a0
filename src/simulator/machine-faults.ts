// Carries out the faults that can strike the machines of any simulated world: hosts, links, disks and clocks; and ends them.

import { HOG_BUSY_MS, HOG_TURN_MS } from '../faults/machine.ts';
import type { AnyFault } from '../faults/vocabulary.ts';
import type { Endpoint, LinkFault } from './link.ts';
import type { Network } from './network.ts';

export const MACHINE_FAULTS = [
  'close',
  'kill',
  'open',
  'reload',
  'freeze',
  'cut',
  'mute',
  'silent-link',
  'delay',
  'jitter',
  'limit-bandwidth',
  'corrupt',
  'hold-link',
  'fill-queue',
  'repeat-late',
  'reset-link',
  'partition',
  'refuse-storage',
  'ambiguous-storage',
  'hide',
  'clock-drift',
  'clock-jump',
  'hog-cpu',
  'grow-memory',
  'lose-signalling',
] as const satisfies readonly AnyFault['kind'][];

export type MachineFault = Extract<AnyFault, { readonly kind: (typeof MACHINE_FAULTS)[number] }>;

const KINDS: ReadonlySet<string> = new Set(MACHINE_FAULTS);
export const isMachineFault = (fault: AnyFault): fault is MachineFault => KINDS.has(fault.kind);

interface Machine<H, M> extends Endpoint<H, unknown, M> {
  /** Its clock runs this fast, and is this many milliseconds ahead. */
  clockRate: number;
  clockAhead: number;
}

/** What faults can do to a world of hosts `H` that send each other `M`. */
export interface StruckWorld<H, M> {
  readonly now: () => number;
  at(time: number, action: () => void): void;
  /** In the order in which they were opened. */
  readonly hosts: readonly H[];
  /** Faults send nothing. */
  readonly network: Network<H, never, M>;
  disk(host: H): { refusing: number; ambiguous: number };
  depart(host: H, how: 'close' | 'kill'): void;
  /** One more host, beside this one. */
  open(near: H): void;
  /** Memory is lost and storage kept. A living host is killed first. */
  reload(host: H): void;
  freeze(host: H): void;
  wake(host: H): void;
  /** Its tab goes to the background, or comes back. */
  hide(host: H, hidden: boolean): void;
  /** Whether the host can be found by others, and finds them. */
  signalling(host: H, reached: boolean): void;
}

/** Undoes a fault. */
type Heal = () => void;

export interface MachineFaults<H> {
  /** `peerOf` finds the host that a fault names. */
  carryOut(fault: MachineFault, host: H, peerOf: (named: number) => H | undefined): void;
  /** Undoes a fault after `ms`; or when all end, if that comes first. */
  readonly holdFor: (ms: number | undefined, heal: Heal) => void;
  /** All faults end, and none comes any more. */
  readonly healAll: () => void;
  readonly isCalm: () => boolean;
}

export function createMachineFaults<H extends Machine<H, M>, M>(world: StruckWorld<H, M>): MachineFaults<H> {
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

  function strikeLinks(
    host: H,
    others: readonly (H | undefined)[],
    direction: 'both' | 'in' | 'out',
    fault: LinkFault,
    ms: number | undefined,
  ): void {
    for (const other of others) {
      if (other === undefined || other === host) continue;
      const ends: (readonly [H, H])[] = [];
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

  /** The clock goes on from what it shows now. */
  function setRate(host: H, rate: number): void {
    host.clockAhead += world.now() * (host.clockRate - rate);
    host.clockRate = rate;
  }

  function carryOut(fault: MachineFault, host: H, peerOf: (named: number) => H | undefined): void {
    const disk = world.disk(host);
    const named = (to: number | undefined): readonly (H | undefined)[] =>
      to === undefined ? world.hosts : [peerOf(to)];
    switch (fault.kind) {
      case 'close':
      case 'kill':
        world.depart(host, fault.kind);
        return;
      case 'open':
        world.open(host);
        return;
      case 'reload':
        world.reload(host);
        return;
      case 'freeze':
        world.freeze(host);
        holdFor(fault.forMs, () => world.wake(host));
        return;
      case 'cut':
        strikeLinks(host, named(fault.to), fault.direction ?? 'both', { kind: 'cut' }, fault.forMs);
        return;
      case 'mute':
        strikeLinks(host, world.hosts, 'out', { kind: 'cut', silent: true }, fault.forMs);
        world.at(world.now() + fault.forMs / 4, () => {
          if (!host.alive || isCalm) return;
          world.freeze(host);
          holdFor((fault.forMs * 3) / 4, () => world.wake(host));
        });
        return;
      case 'silent-link':
        strikeLinks(host, named(fault.to), 'both', { kind: 'cut', silent: true }, fault.forMs);
        return;
      case 'delay':
        strikeLinks(host, named(fault.to), 'both', { kind: 'delay', ms: fault.ms }, fault.forMs);
        return;
      case 'jitter':
        strikeLinks(host, named(fault.to), 'both', { kind: 'jitter', ms: fault.ms }, fault.forMs);
        return;
      case 'limit-bandwidth': {
        const limit: LinkFault = { kind: 'bandwidth', bytesPerMs: fault.bytesPerSecond / 1000 };
        strikeLinks(host, named(fault.to), 'both', limit, fault.forMs);
        return;
      }
      case 'corrupt':
        strikeLinks(host, named(fault.to), 'both', { kind: 'corrupt', chance: fault.chance }, fault.forMs);
        return;
      case 'hold-link':
        strikeLinks(host, named(fault.to), 'out', { kind: 'hold' }, fault.forMs);
        return;
      case 'fill-queue':
        strikeLinks(
          host,
          named(fault.to),
          'out',
          { kind: 'full', closes: fault.closes === true },
          fault.forMs,
        );
        return;
      case 'repeat-late': {
        const late: LinkFault = { kind: 'late', chance: fault.chance, ms: fault.ms };
        strikeLinks(host, named(fault.to), 'out', late, fault.forMs);
        return;
      }
      case 'reset-link': {
        for (const other of named(fault.to))
          if (other !== undefined && other !== host && host.alive && other.alive)
            world.network.reset(host, other);
        return;
      }
      case 'partition': {
        const side = fault.side ?? 1 << (host.ordinal % 32);
        const inside = (one: H): boolean => ((side >>> (one.ordinal % 32)) & 1) === 1;
        for (const one of world.hosts)
          for (const other of world.hosts)
            if (inside(one) && !inside(other))
              strikeLinks(one, [other], 'both', { kind: 'cut' }, fault.forMs);
        return;
      }
      case 'refuse-storage':
        disk.refusing += 1;
        holdFor(fault.forMs, () => (disk.refusing -= 1));
        return;
      case 'ambiguous-storage':
        disk.ambiguous += 1;
        holdFor(fault.forMs, () => (disk.ambiguous -= 1));
        return;
      case 'hide':
        world.hide(host, true);
        holdFor(fault.forMs, () => world.hide(host, false));
        return;
      case 'clock-drift':
        setRate(host, fault.rate);
        if (fault.forMs !== undefined) holdFor(fault.forMs, () => setRate(host, 1));
        return;
      case 'hog-cpu':
        if (fault.where === 'page') {
          world.hide(host, true);
          holdFor(fault.forMs, () => world.hide(host, false));
          return;
        }
        for (let ms = 0; ms < fault.forMs; ms += HOG_TURN_MS)
          world.at(world.now() + ms, () => {
            if (!host.alive || isCalm) return;
            world.freeze(host);
            holdFor(HOG_BUSY_MS, () => world.wake(host));
          });
        return;
      case 'grow-memory':
        // A simulated machine has as much memory as it is asked for.
        return;
      case 'lose-signalling':
        world.signalling(host, false);
        holdFor(fault.forMs, () => world.signalling(host, true));
        return;
      case 'clock-jump':
        host.clockAhead += fault.ms;
        return;
    }
  }

  return {
    carryOut,
    holdFor,
    healAll() {
      isCalm = true;
      for (const heal of [...active]) heal();
    },
    isCalm: () => isCalm,
  };
}

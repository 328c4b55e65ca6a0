// A machine that is really short of something: a thread that is busy with nothing, memory that is taken and held. With consent, within
// a budget.

import type { Clock } from '../ports/clock.ts';
import { LONGEST_HOLD_MS } from './consent.ts';
import type { Consent, Exhausted } from './consent.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

export interface MemoryBudget {
  readonly maxBytes: number;
  /** Milliseconds after which nothing more is taken. */
  readonly maxMs: number;
}

export interface MachineOptions {
  readonly consent: Consent;
  readonly clock: Clock;
  /** Keeps this thread busy for so many milliseconds. */
  readonly busy: (ms: number) => void;
  /** Keeps the page's thread busy, in turns, until it is told to stop. */
  readonly hogPage: (on: boolean) => void;
  readonly budget: MemoryBudget;
}

/** Of every quarter of a second, so much is burnt: others get a turn, late. */
export const HOG_TURN_MS = 250;
export const HOG_BUSY_MS = 200;

const CHUNK = 16 * 1024 * 1024;
/** Memory that is not written to is not there. */
const PAGE = 4096;

export function machineFaults({
  consent,
  clock,
  busy,
  hogPage,
  budget,
}: MachineOptions): FaultPort<'hog-cpu' | 'grow-memory'> {
  const active = new Set<string>();
  const held = new Map<string, Uint8Array[]>();
  const hogs = new Set<string>();

  async function agreed(id: string, what: Exhausted): Promise<boolean> {
    if (!(await consent(what)))
      throw new FaultError('no-consent', 'Nothing is used up: nobody at this machine has agreed to it.');
    return active.has(id);
  }

  async function hog(id: string, { where }: FaultOf<'hog-cpu'>): Promise<string> {
    if (!(await agreed(id, 'cpu'))) return 'healed before it began';
    if (where === 'page') {
      hogs.add(id);
      hogPage(true);
    } else {
      const turn = (): void => {
        if (!active.has(id)) return;
        busy(HOG_BUSY_MS);
        clock.after(HOG_TURN_MS - HOG_BUSY_MS, turn);
      };
      clock.after(0, turn);
    }
    return `the ${where}'s thread is busy for ${HOG_BUSY_MS} of every ${HOG_TURN_MS} ms`;
  }

  async function grow(id: string, wanted: number, ended: () => void): Promise<string> {
    if (!(await agreed(id, 'memory'))) return 'healed before it began';
    clock.after(LONGEST_HOLD_MS, () => {
      if (active.has(id)) ended();
    });
    const most = Math.min(wanted, budget.maxBytes);
    const chunks: Uint8Array[] = [];
    held.set(id, chunks);
    const until = clock.now() + budget.maxMs;
    let bytes = 0;
    let why = 'then the budget ended';
    while (bytes < most && clock.now() < until && active.has(id)) {
      const size = Math.min(CHUNK, most - bytes);
      try {
        const chunk = new Uint8Array(size);
        for (let at = 0; at < size; at += PAGE) chunk[at] = 1;
        chunks.push(chunk);
      } catch {
        why = 'and more was refused';
        break;
      }
      bytes += size;
      await new Promise<void>((resume) => void clock.after(0, resume));
    }
    return `${bytes} bytes of memory held, ${why}`;
  }

  return {
    kinds: ['hog-cpu', 'grow-memory'],
    inject({ id, working, ended }, fault) {
      active.add(id);
      working(fault.kind === 'hog-cpu' ? hog(id, fault) : grow(id, fault.maxBytes ?? budget.maxBytes, ended));
    },
    heal(id) {
      active.delete(id);
      held.delete(id);
      if (hogs.delete(id) && hogs.size === 0) hogPage(false);
    },
  };
}

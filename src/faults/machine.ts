// A machine that is really short of something: a thread that is busy with nothing, memory or storage that is taken and held. With consent,
// within a budget.

import type { Clock } from '../ports/clock.ts';
import { LONGEST_HOLD_MS } from './consent.ts';
import type { Consent, Exhausted } from './consent.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

export interface HoldBudget {
  readonly maxBytes: number;
  /** Milliseconds after which nothing more is taken. */
  readonly maxMs: number;
}

/** Storage that is taken up and of no use. */
export interface Ballast {
  /** Rejects where the browser grants no more. */
  store(id: string, bytes: number): Promise<void>;
  release(id: string): Promise<void>;
}

export interface MachineOptions {
  readonly consent: Consent;
  readonly clock: Clock;
  /** Keeps this thread busy for so many milliseconds. */
  readonly busy: (ms: number) => void;
  /** Keeps the page's thread busy, in turns, until it is told to stop. */
  readonly hogPage: (on: boolean) => void;
  readonly ballast: Ballast;
  /** Of memory, and of storage. */
  readonly budget: HoldBudget;
}

/** Of every quarter of a second, so much is burnt: others get a turn, late. */
export const HOG_TURN_MS = 250;
export const HOG_BUSY_MS = 200;

const CHUNK = 16 * 1024 * 1024;
/** Storage is full when not even this is granted: less than any checkpoint. */
const SMALLEST_CHUNK = 16 * 1024;
/** Memory that is not written to is not there. */
const PAGE = 4096;

export function machineFaults({
  consent,
  clock,
  busy,
  hogPage,
  ballast,
  budget,
}: MachineOptions): FaultPort<'hog-cpu' | 'grow-memory' | 'fill-storage'> {
  const active = new Set<string>();
  const held = new Map<string, Uint8Array[]>();
  const filled = new Set<string>();
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

  function letGoInTime(id: string, ended: () => void): void {
    clock.after(LONGEST_HOLD_MS, () => {
      if (active.has(id)) ended();
    });
  }

  async function grow(id: string, wanted: number, ended: () => void): Promise<string> {
    if (!(await agreed(id, 'memory'))) return 'healed before it began';
    letGoInTime(id, ended);
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

  async function fill(id: string, wanted: number, ended: () => void): Promise<string> {
    if (!(await agreed(id, 'storage'))) return 'healed before it began';
    letGoInTime(id, ended);
    filled.add(id);
    const most = Math.min(wanted, budget.maxBytes);
    const until = clock.now() + budget.maxMs;
    let bytes = 0;
    let chunk = CHUNK;
    let why = 'then the budget ended';
    while (bytes < most && clock.now() < until && active.has(id)) {
      const size = Math.min(chunk, most - bytes);
      try {
        await ballast.store(id, size);
        bytes += size;
      } catch {
        why = 'and more was refused';
        if (size <= SMALLEST_CHUNK) break;
        chunk = size / 4;
      }
    }
    // Healed meanwhile, what came last is still there.
    if (!active.has(id)) await ballast.release(id);
    return `${bytes} bytes of storage held, ${why}`;
  }

  function start(id: string, fault: FaultOf<'hog-cpu' | 'grow-memory' | 'fill-storage'>, ended: () => void) {
    switch (fault.kind) {
      case 'hog-cpu':
        return hog(id, fault);
      case 'grow-memory':
        return grow(id, fault.maxBytes ?? budget.maxBytes, ended);
      case 'fill-storage':
        return fill(id, fault.maxBytes ?? budget.maxBytes, ended);
    }
  }

  return {
    kinds: ['hog-cpu', 'grow-memory', 'fill-storage'],
    inject({ id, working, ended }, fault) {
      active.add(id);
      working(start(id, fault, ended));
    },
    heal(id) {
      active.delete(id);
      held.delete(id);
      if (filled.delete(id)) void ballast.release(id).catch(() => undefined);
      if (hogs.delete(id) && hogs.size === 0) hogPage(false);
    },
  };
}

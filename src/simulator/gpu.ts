// A simulated GPU and loader: engine work runs in order, one piece at a time; it can be slow, refuse, hang, or produce NaN.

import type { Event } from '../protocol/effects.ts';
import { nonFiniteCode, type LaneLayout } from '../collective/lanes.ts';

export interface Slowdown {
  readonly factor: number;
  readonly until: number;
}

export interface Gpu {
  /** Devices lost so far: what an earlier one was asked for is never answered. */
  losses: number;
  busyUntil: number;
  /** Slowdowns in force, of which the worst counts: with a factor of 10, work takes ten times as long until then. */
  readonly slowdowns: Slowdown[];
  /** Results are mapped for reading so many milliseconds late. */
  mapMs: number;
  /** Faults in force under which no memory can be had. */
  refusing: number;
  /** Computations to come that the loader fails. */
  failing: number;
  /** Faults in force under which there is no data to load. */
  unloadable: number;
  /** Computations to come whose result is not finite. */
  poisoned: number;
  /** Computations to come with a flipped bit in their gradient. */
  flipped: number;
  /** Faults in force under which loads do not come back. */
  hung: number;
  /** Answers that a hanging loader keeps. */
  stalled: (() => void)[];
}

/** A device that nothing is wrong with. */
export const createGpu = (): Gpu => ({
  losses: 0,
  busyUntil: 0,
  slowdowns: [],
  mapMs: 0,
  refusing: 0,
  failing: 0,
  unloadable: 0,
  poisoned: 0,
  flipped: 0,
  hung: 0,
  stalled: [],
});

/** When a piece of work that takes `ms` at full speed is done. */
export function occupy(gpu: Gpu, now: number, ms: number): number {
  const start = Math.max(now, gpu.busyUntil);
  gpu.busyUntil = start + ms;
  for (const { factor, until } of gpu.slowdowns) {
    const slow = Math.max(0, Math.min(ms * factor, until - start));
    gpu.busyUntil = Math.max(gpu.busyUntil, start + slow + Math.max(0, ms - slow / factor));
  }
  return gpu.busyUntil;
}

type Computed = Extract<Event, { kind: 'computed' }>;
const failed = ({ generation, step, attempt }: Computed, detail: string): Event => ({
  kind: 'computeFailed',
  generation,
  step,
  attempt,
  detail,
});

/** What comes of a computation under the faults in force. */
function afflict(gpu: Gpu, event: Event, layout: LaneLayout): Event {
  if (event.kind !== 'computed') return event;
  if (gpu.refusing > 0) return failed(event, 'out of GPU memory (simulated)');
  if (gpu.unloadable > 0) return failed(event, 'the data set is gone (simulated)');
  if (gpu.failing > 0) {
    gpu.failing -= 1;
    return failed(event, 'the loader threw (simulated)');
  }
  const { start = 0, end = 0 } = layout.buckets[event.bucket] ?? {};
  if (gpu.poisoned > 0 && end === layout.length) {
    gpu.poisoned -= 1;
    event.lanes[layout.nonFinite - start] = 1;
    event.lanes[layout.firstNonFinite - start] = nonFiniteCode(layout, 0, 0);
  }
  if (gpu.flipped > 0) {
    gpu.flipped -= 1;
    event.lanes[0] = (event.lanes[0] ?? 0) ^ 1;
  }
  return event;
}

/** When things happen in the device's world. */
interface Moments {
  readonly now: number;
  readonly at: (time: number, action: () => void) => void;
}

/** A piece of work of `ms` at full speed: what comes of it under the faults in force, event by event, and when. */
export function work(
  gpu: Gpu,
  { now, at }: Moments,
  ms: number,
  events: readonly Event[],
  layout: LaneLayout,
  deliver: (event: Event) => void,
): void {
  const { losses } = gpu;
  let hasFailed = false;
  function answer(event: Event): void {
    // A piece that fails is the end of the work.
    if (hasFailed) return;
    const afflicted = afflict(gpu, event, layout);
    hasFailed = afflicted.kind === 'computeFailed';
    deliver(afflicted);
  }
  for (const event of events) {
    at(occupy(gpu, now, ms / events.length) + gpu.mapMs, () => {
      if (gpu.losses !== losses) return;
      // Work is answered in order: what comes after a load that hangs hangs too.
      if ((gpu.hung > 0 && event.kind === 'computed') || gpu.stalled.length > 0)
        gpu.stalled.push(() => answer(event));
      else answer(event);
    });
  }
}

/** The device is gone, and all that it was to do; a new one has nothing to do yet. */
export function lose(gpu: Gpu, now: number): void {
  gpu.losses += 1;
  gpu.busyUntil = now;
  gpu.stalled = [];
}

/** The loader answers again. */
export function release(gpu: Gpu): void {
  const stalled = gpu.stalled;
  gpu.stalled = [];
  for (const answer of stalled) answer();
}

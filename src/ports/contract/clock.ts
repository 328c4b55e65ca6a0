// What every clock keeps, in a hidden tab as well.

import type { Clock } from '../clock.ts';
import { expectThat, type ContractCase, type Time } from './case.ts';

export interface ClockHarness extends Time {
  readonly clock: Clock;
}

/** What can only be shown where a page can be sent into the background. */
export interface HideableHarness extends ClockHarness {
  /** The page of the clock's worker goes into the background. */
  readonly hide: () => Promise<void>;
}

export const CLOCK_CONTRACT: readonly ContractCase<ClockHarness>[] = [
  {
    name: 'it never goes back',
    async run({ clock, pass }) {
      let last = clock.now();
      for (let i = 0; i < 20; i++) {
        await pass(i % 3);
        const now = clock.now();
        expectThat(now >= last, `a time of at least ${last}`, now);
        last = now;
      }
    },
  },
  {
    name: 'it calls back once, not before its time, the earlier first, and not at all when cancelled',
    async run({ clock, until, pass }) {
      const calls: { readonly name: string; readonly at: number }[] = [];
      const started = clock.now();
      const call = (name: string, ms: number): (() => void) =>
        clock.after(ms, () => void calls.push({ name, at: clock.now() - started }));
      call('later', 120);
      call('sooner', 40);
      call('never', 80)();
      await until('both have come', () => calls.length >= 2);
      await pass(100);
      const names = calls.map(({ name }) => name).join();
      expectThat(names === 'sooner,later', 'the sooner and then the later, once each', names);
      for (const [i, ms] of [40, 120].entries()) {
        const at = calls[i]?.at ?? 0;
        // Browsers round what they show of the time to a tenth of a millisecond or coarser.
        expectThat(at >= ms - 1, `a call not before ${ms} ms`, at);
      }
    },
  },
];

/** Ticks one after the other until there were so many; how long they took. */
async function ticking({ clock, until }: ClockHarness, count: number, ms: number): Promise<number> {
  const started = clock.now();
  let ticks = 0;
  const tick = (): void => {
    ticks += 1;
    if (ticks < count) clock.after(ms, tick);
  };
  clock.after(ms, tick);
  await until(`${count} ticks have come`, () => ticks === count);
  return clock.now() - started;
}

/** Of a worker's clock. */
export const HIDDEN_CLOCK_CONTRACT: readonly ContractCase<HideableHarness>[] = [
  {
    name: 'it keeps its pace when the page is hidden',
    async run(harness) {
      await harness.hide();
      const took = await ticking(harness, 20, 20);
      // A page's own timers come once a second then: these would take twenty seconds.
      expectThat(took < 5000, 'twenty ticks of 20 ms within five seconds', took);
    },
  },
];

/** Of the page's own clock. */
export const HIDDEN_PAGE_CLOCK_CONTRACT: readonly ContractCase<HideableHarness>[] = [
  {
    name: 'it ticks about once a second when the page is hidden',
    async run(harness) {
      const before = await ticking(harness, 4, 20);
      expectThat(before < 2000, 'four ticks of 20 ms within two seconds while the page is seen', before);
      await harness.hide();
      const took = await ticking(harness, 4, 20);
      expectThat(took >= 2900, 'four ticks of 20 ms to take three seconds or more', took);
      expectThat(took < 10_000, 'four ticks of 20 ms within ten seconds', took);
    },
  },
];

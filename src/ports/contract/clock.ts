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

export const HIDDEN_CLOCK_CONTRACT: readonly ContractCase<HideableHarness>[] = [
  {
    name: 'it keeps its pace when the page is hidden',
    async run({ clock, hide, until }) {
      await hide();
      const started = clock.now();
      let ticks = 0;
      const tick = (): void => {
        ticks += 1;
        if (ticks < 20) clock.after(20, tick);
      };
      clock.after(20, tick);
      await until('twenty ticks have come', () => ticks === 20);
      const took = clock.now() - started;
      // A page's own timers come once a second then: these would take twenty seconds.
      expectThat(took < 5000, 'twenty ticks of 20 ms within five seconds', took);
    },
  },
];

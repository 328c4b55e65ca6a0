// The reference of a run: the same job in a room of its own, by one rank that nothing happens to.

import type { BrowserContext } from 'playwright-core';
import type { StateHash } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { openLogBook } from './log-book.ts';
import type { Narrator } from './narrator.ts';
import { committed, settled } from './room.ts';
import { manageTabs } from './tabs.ts';
import type { Tab, Tabs } from './tabs.ts';
import { count } from './tell.ts';

const JOIN_MS = 90_000;
const STEP_MS = 60_000;

export interface Undisturbed {
  readonly context: BrowserContext;
  /** The page of a rank that trains as soon as it is there. */
  readonly url: URL;
  /** Updates to make, at least. */
  readonly steps: number;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
  /** What is to be seen of the rank before it closes. */
  readonly finish: (tab: Tab, tabs: Tabs) => Promise<void>;
}

/** Returns the rank's state after each number of updates. */
export async function trainAlone(options: Undisturbed): Promise<readonly StateHash[]> {
  const { context, url, steps, narrator, signal, finish } = options;
  const log = openLogBook();
  const tabs = manageTabs(context, log, signal);
  narrator.begin(`The same ${count(steps, 'step')} once more: one tab, undisturbed.`, steps);
  const now = (): number => committed(tabs.alive());
  const end = tabs.onLook(() => {
    narrator.progress(Math.min(now(), steps), '1 rank');
  });
  try {
    const tab = await tabs.open(url.href);
    await tabs.until('the single rank to found its room', JOIN_MS, () => settled([tab]));
    await tabs.until('the single rank to train', STEP_MS, () => now() >= steps, now);
    await finish(tab, tabs);
    await tabs.close([tab]);
    return hashesByStep(log.records());
  } finally {
    end();
  }
}

/** The hash after each number of updates, as a rank that did all of them logged it. */
function hashesByStep(records: readonly TraceRecord[]): readonly StateHash[] {
  const hashes: StateHash[] = [];
  for (const { event } of records) if (event.kind === 'committed') hashes[event.step] = event.hash;
  return hashes;
}

// One room as the demo sees it: its tabs, how far they are, and the moves a person can make (open, start, pause).

import type { Tab, Tabs } from './tabs.ts';
import { RunError } from '../errors.ts';
import { count } from './tell.ts';

/** Opening a page, its engine and its links, on a machine that is busy training. */
const JOIN_MS = 90_000;
/** A step takes milliseconds to seconds; this much without one is a fault. */
const STEP_MS = 60_000;
const PAUSE_MS = 30_000;

/** Updates that all ranks are known to have applied, as far as anybody knows. */
export const committed = (tabs: readonly Tab[]): number =>
  Math.max(0, ...tabs.map((tab) => tab.status?.committed ?? 0));

/** All of `tabs` are in one generation, which has nobody in it but `everybody`. */
export function together(tabs: readonly Tab[], everybody: readonly Tab[] = tabs): boolean {
  const known = new Set(everybody.map(({ status }) => status?.member));
  const ids = new Set(
    tabs.map(({ status }) => `${status?.generation?.incarnation ?? ''}/${status?.generation?.number ?? ''}`),
  );
  return (
    ids.size === 1 &&
    tabs.every(
      ({ status }) =>
        status?.generation !== undefined &&
        tabs.every((other) => status.members.some((view) => view.member === other.status?.member)) &&
        status.members.every((view) => known.has(view.member)),
    )
  );
}

/** Members that are done with moving from one generation to the next. */
export const settled = (tabs: readonly Tab[], everybody: readonly Tab[] = tabs): boolean =>
  together(tabs, everybody) &&
  tabs.every(({ status }) => {
    switch (status?.phase) {
      case 'idle':
      case 'computing':
      case 'reducing':
      case 'applying':
      case 'done':
        return true;
      case 'starting':
      case 'joining':
      case 'regrouping':
      case 'healing':
      case 'stuck':
      case 'stopped':
      case undefined:
        return false;
    }
  });

export const done = (tabs: readonly Tab[], steps: number): boolean =>
  settled(tabs) && tabs.every(({ status }) => status?.phase === 'done' && status.committed === steps);

export interface Room {
  /** Tabs that are open and that no fault has been done to (all of them, where it has been done to all). */
  healthy(): readonly Tab[];
  /** Opens a tab with a rank in this room; returns once its page has a rank that knows its room. */
  open(): Promise<Tab>;
  /** Opens the first tab alone, since it makes the room, and the others together; returns once all are members. */
  openAll(ranks: number): Promise<void>;
  /** All tabs that are open are members, and ready. */
  gather(what: string): Promise<void>;
  /** Until this many updates are committed. */
  reach(step: number): Promise<void>;
  /** The same, and then the room waits there, give or take a few steps. */
  reachAndPause(step: number): Promise<void>;
  /**
   * Keeps the room from getting past `step`, by pausing it, while `work` goes on; then lets it `goOn`. Returns whether the
   * room waited.
   */
  holdAt(step: number, pauseAt: number | undefined, work: () => Promise<void>): Promise<boolean>;
  /** Lets a room that is paused train, to wait again at `pauseAt` where that is given. */
  goOn(pauseAt: number | undefined): Promise<void>;
  /** One of the tabs that are alive. */
  anyone(): Tab;
}

/** A room whose tabs are opened at `url`; `afflicted` holds those that a fault may have put behind or out. */
export function manageRoom(tabs: Tabs, url: URL, steps: number, afflicted: ReadonlySet<Tab>): Room {
  /** The room's fragment, once the first tab has made one. */
  let link: string | undefined;

  const healthy = (): readonly Tab[] => {
    const alive = tabs.alive();
    const well = alive.filter((tab) => !afflicted.has(tab));
    return well.length === 0 ? alive : well;
  };
  const anyone = (): Tab => {
    const [tab] = healthy();
    if (tab === undefined) throw new RunError('No tab of the room is open any more.');
    return tab;
  };
  const now = (): number => committed(tabs.alive());

  const paused = (): boolean => healthy().every(({ status }) => status?.running !== true);
  const reach = (step: number): Promise<void> =>
    tabs.until(`step ${step} to be committed`, STEP_MS, () => now() >= step, now);

  const start = async (): Promise<void> => {
    await tabs.ask(anyone(), 'start');
    const from = now();
    const running = (): boolean =>
      tabs.alive().some(({ status }) => status?.running === true) || now() > from || now() >= steps;
    await tabs.until('the room to train', STEP_MS, running);
  };

  /** Set before the room goes on to a step where it is to wait: asked for later, the pause of a fast room comes too late. */
  let armed: (() => Promise<boolean>) | undefined;
  const arm = (step: number): void => {
    armed ??= tabs.pauseAt(anyone(), step);
  };
  const disarm = async (): Promise<void> => {
    await armed?.();
    armed = undefined;
  };
  const goOn = async (pauseAt: number | undefined): Promise<void> => {
    if (!paused() || now() >= steps) return;
    if (pauseAt !== undefined) arm(pauseAt);
    await start();
  };

  const open = async (): Promise<Tab> => {
    const page = new URL(url);
    if (link !== undefined) page.hash = link;
    const tab = await tabs.open(page.href);
    await tabs.until(
      `${tab.name} to bring up its rank`,
      JOIN_MS,
      () => tab.status !== undefined && tab.link !== undefined,
    );
    link ??= new URL(tab.link ?? page).hash;
    return tab;
  };
  const gather = (what: string): Promise<void> =>
    tabs.until(what, JOIN_MS, () => settled(healthy(), tabs.alive()));

  return {
    healthy,
    anyone,
    open,
    gather,

    async openAll(ranks) {
      const first = await open();
      await tabs.until(`${first.name} to found its room`, JOIN_MS, () => settled([first]));
      await Promise.all(Array.from({ length: ranks - 1 }, () => open()));
      await gather(`${count(ranks, 'tab')} to become one room`);
    },

    reach,

    async reachAndPause(step) {
      arm(step);
      await reach(step);
      await tabs.until(`the room to pause at step ${step}`, PAUSE_MS, () => paused() || now() >= steps);
      await disarm();
    },

    async holdAt(step, pauseAt, work) {
      const end = tabs.pauseAt(anyone(), step);
      let asked = false;
      try {
        await work();
      } finally {
        asked = await end();
      }
      if (!asked && !paused()) return false;
      await tabs.until('the room to pause', PAUSE_MS, () => paused() || now() >= steps);
      // One step at least, so that the work shows.
      await goOn(pauseAt === undefined ? undefined : Math.max(pauseAt, now() + 1));
      return true;
    },

    goOn,
  };
}

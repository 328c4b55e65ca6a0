// The faults of a schedule file, or of chaos, done to the tabs when they come due: pages that close or die by the browser itself, all
// else by the rank's own injector.

import { readFileSync } from 'node:fs';
import { ScheduleError, liveSchedule, parseScheduleText } from '../../faults/schedule.ts';
import type { DueFault, LiveSchedule, ScheduleCursor } from '../../faults/schedule.ts';
import type { DrivenFault } from '../../faults/vocabulary.ts';
import type { MemberId } from '../../ports/ids.ts';
import { UsageError, oneLine } from '../errors.ts';
import type { Disturbance } from './analysis.ts';
import type { Narrator } from './narrator.ts';
import { committed } from './room.ts';
import type { Tab, Tabs } from './tabs.ts';
import { count } from './tell.ts';

/** Throws a `UsageError` for a file that cannot be read, is no schedule, or names a step that the run does not have. */
export function readSchedule(path: string, steps: number): LiveSchedule {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--faults ${path} cannot be read: ${oneLine(error)}.`);
  }
  try {
    const schedule = liveSchedule(parseScheduleText(text));
    const late = schedule.faults.findIndex(({ at }) => 'step' in at && at.step >= steps);
    if (late < 0) return schedule;
    throw new UsageError(
      `--faults ${path}: faults[${late}] comes at or after the last of ${steps} steps (--steps).`,
    );
  } catch (error) {
    if (error instanceof ScheduleError) throw new UsageError(`--faults ${path}: ${error.message}`);
    throw error;
  }
}

export interface FaultRunner {
  /** Faults strike from now on; the schedule's own clock starts with the first call. */
  resume(): void;
  /** No fault strikes until `resume`. */
  suspend(): void;
  /** Ends every fault that still acts. */
  healAll(): Promise<void>;
  /** Tabs that a fault was done to, and that may be behind or out because of it. */
  readonly afflicted: ReadonlySet<Tab>;
  /** Tabs that a fault closed or killed. */
  readonly victims: readonly Tab[];
  /** One sentence for each fault that could not be done, or never came due. */
  problems(): readonly string[];
  stop(): void;
}

export interface FaultRunnerOptions {
  readonly tabs: Tabs;
  readonly narrator: Narrator;
  readonly disturbances: Disturbance[];
  /** Whether faults may strike now; without it, always. */
  readonly ready?: () => boolean;
  /** Told of a tab that a fault has closed or killed. */
  readonly lost?: (tab: Tab) => void;
  /** Told of a tab whose thread a fault has stopped. */
  readonly frozen?: (tab: Tab) => void;
}

export function runFaults(
  cursor: ScheduleCursor,
  {
    tabs,
    narrator,
    disturbances,
    ready = () => true,
    lost = () => undefined,
    frozen = () => undefined,
  }: FaultRunnerOptions,
): FaultRunner {
  const afflicted = new Set<Tab>();
  const active: { readonly tab: Tab; readonly id: string }[] = [];
  const victims: Tab[] = [];
  const failures: string[] = [];
  let startedAt: number | undefined;
  let suspended = true;

  const strike = async ({ fault, rank, index }: DueFault): Promise<void> => {
    const alive = tabs.alive();
    const tab = alive.find((one) => rankOf(one) === rank);
    const member = tab?.status?.member;
    const name = `faults[${index}] (${fault.kind})`;
    if (tab === undefined || member === undefined) {
      failures.push(`${name} could not be done: there was no rank ${rank}.`);
      return;
    }
    if ((fault.kind === 'kill' || fault.kind === 'close') && alive.length < 2) {
      failures.push(`${name} was not done: it would have left no tab alive.`);
      return;
    }
    narrator.say(`step ${committed(alive)}: ${describeFault(fault)} on ${tab.name} (rank ${rank})`);
    const disturb = (at: number): void => {
      const lasts = 'forMs' in fault && fault.forMs !== undefined ? fault.forMs : 0;
      disturbances.push({
        cause: fault.kind,
        at,
        until: at + lasts,
        members: [member, ...otherEnd(fault, tab)],
      });
    };
    if (fault.kind === 'kill' || fault.kind === 'close') {
      victims.push(tab);
      disturb(await (fault.kind === 'kill' ? tabs.kill([tab]) : tabs.close([tab])));
      lost(tab);
      return;
    }
    if (fault.kind === 'lose-gpu-process') {
      for (const one of alive) afflicted.add(one);
      disturbances.push({
        cause: fault.kind,
        at: await tabs.crashGpu(),
        members: alive.flatMap(({ status }) => status?.member ?? []),
      });
      return;
    }
    const side = fault.kind === 'partition' ? fault.side : undefined;
    const struck = side === undefined ? [tab] : ranksIn(side, alive);
    for (const one of struck) afflicted.add(one);
    disturb(Date.now());
    const ids = await Promise.all(struck.map((one) => tabs.ask(one, 'inject', fault)));
    ids.forEach((id, i) => active.push({ tab: struck[i] ?? tab, id }));
    if (fault.kind === 'freeze') frozen(tab);
  };

  const stop = tabs.onLook(() => {
    if (suspended || startedAt === undefined || !ready()) return;
    const alive = tabs.alive();
    const ranks = Math.max(0, ...alive.map(({ status }) => status?.members.length ?? 0));
    const due = cursor.due({ step: committed(alive), ms: Date.now() - startedAt, ranks });
    for (const item of due) {
      strike(item).catch((error: unknown) => {
        failures.push(`faults[${item.index}] (${item.fault.kind}) could not be done: ${oneLine(error)}`);
      });
    }
  });

  return {
    victims,
    afflicted,
    stop,
    resume() {
      startedAt ??= Date.now();
      suspended = false;
    },
    suspend() {
      suspended = true;
    },
    async healAll() {
      const alive = new Set(tabs.alive());
      const healed = active.splice(0).filter(({ tab }) => alive.has(tab));
      // A fault that has ended by itself is no longer there to be healed.
      await Promise.allSettled(healed.map(({ tab, id }) => tabs.ask(tab, 'heal', id)));
    },
    problems: () =>
      cursor.pending === 0
        ? failures
        : [...failures, `${count(cursor.pending, 'fault')} of the schedule never came due.`],
  };
}

const rankOf = ({ status }: Tab): number | undefined => status?.members.find((view) => view.self)?.rank;

/** The tabs on one side of a partition. */
const ranksIn = (side: number, tabs: readonly Tab[]): readonly Tab[] =>
  tabs.filter((tab) => ((side >>> (rankOf(tab) ?? 32)) & 1) === 1 && rankOf(tab) !== undefined);

/** Whoever loses a link when a fault cuts one: either end may be taken for gone. */
function otherEnd(fault: DrivenFault, tab: Tab): readonly MemberId[] {
  if (fault.kind === 'partition' || fault.kind === 'reset-link' || fault.kind === 'reconnect-storm')
    return tab.status?.members.map((view) => view.member) ?? [];
  const to = 'to' in fault ? fault.to : undefined;
  const view = to === undefined ? undefined : tab.status?.members.find((item) => item.rank === to);
  return view === undefined ? [] : [view.member];
}

function describeFault(fault: DrivenFault): string {
  const lasting = 'forMs' in fault && fault.forMs !== undefined ? ` for ${fault.forMs} ms` : '';
  const to = 'to' in fault && fault.to !== undefined ? ` towards rank ${fault.to}` : '';
  return `${fault.kind}${to}${lasting}`;
}

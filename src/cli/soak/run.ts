// A whole soak: tabs that train under chaos for so many minutes, the undisturbed run of one rank for as many steps, and the
// verdict of the checkers over the merged logs of all ranks.

import { I32 } from '../../job/wire-schema.ts';
import type { StateHash } from '../../ports/ids.ts';
import { ledgerOf } from '../../trace/ledger.ts';
import { withCleanup } from '../cleanup.ts';
import { InterruptedError, RunError, oneLine } from '../errors.ts';
import { findRecoveries } from '../room/analysis.ts';
import type { Disturbance } from '../room/analysis.ts';
import type { BlackBox } from '../room/black-box.ts';
import { runFaults } from '../room/fault-runner.ts';
import { labUrl, openLab } from '../room/lab.ts';
import { openLogBook } from '../room/log-book.ts';
import type { LogBook } from '../room/log-book.ts';
import type { Narrator } from '../room/narrator.ts';
import { committed, manageRoom, settled } from '../room/room.ts';
import type { Room } from '../room/room.ts';
import { manageTabs } from '../room/tabs.ts';
import type { Tab, Tabs } from '../room/tabs.ts';
import { count } from '../room/tell.ts';
import { trainAlone } from '../room/undisturbed.ts';
import {
  findFalseBlame,
  findFalseEvictions,
  findViolations,
  measureFaults,
  measureHeals,
  measureRegroups,
} from './measure.ts';
import { cursorOf } from './plan.ts';
import type { SoakPlan } from './plan.ts';
import { countConnections, findLeaks, readResources } from './resources.ts';
import type { Resources } from './resources.ts';
import { judgeSoak } from './verdict.ts';
import type { SoakVerdict } from './verdict.ts';
import { compareTurns } from './turns.ts';

const MINUTE_MS = 60_000;
/** Without a step for so long, the room is not coming back. */
const STEP_MS = 90_000;
/** From the last fault to one room of all tabs, and to what they hold being what they held. */
const CALM_MS = 120_000;
/** More than any soak makes: it ends by the clock. */
const STEPS = 10_000_000;

/** Everything that is known so far; a soak that fails half way is judged by it all the same. */
interface Findings {
  /** When faults began to strike, in milliseconds since the epoch. */
  startedAt: number;
  minutes: number;
  committedSteps: number;
  start: Resources | undefined;
  leaks: readonly string[];
  /** The state that all ranks ended with. */
  finalHash: StateHash | undefined;
  /** The single rank's state after each number of updates. */
  reference: readonly StateHash[];
  failure: string | undefined;
}

interface Soak {
  readonly plan: SoakPlan;
  readonly tabs: Tabs;
  readonly room: Room;
  readonly narrator: Narrator;
  readonly findings: Findings;
  readonly disturbances: Disturbance[];
  /** Tabs that come back for those that were lost. */
  readonly restarts: Promise<Tab>[];
}

/** Rejects only when interrupted; what else goes wrong is in the verdict. */
export async function runSoak(
  plan: SoakPlan,
  narrator: Narrator,
  stop: AbortController,
  box?: BlackBox,
): Promise<SoakVerdict> {
  const log = openLogBook();
  const disturbances: Disturbance[] = [];
  const findings: Findings = {
    startedAt: 0,
    minutes: 0,
    committedSteps: 0,
    start: undefined,
    leaks: [],
    finalHash: undefined,
    reference: [],
    failure: undefined,
  };
  try {
    await withCleanup(async (cleanup) => {
      cleanup.add(() => {
        narrator.end();
      });
      const { context, url } = await openLab(narrator, cleanup, stop.signal);
      await countConnections(context);
      const job = { ...plan, name: 'soak', steps: STEPS, job: 'digits', wire: I32 } as const;
      const tabs = manageTabs(context, log, stop.signal, box?.recorded);
      const room = manageRoom(tabs, labUrl(url, job, false), STEPS, new Set());
      try {
        await soak({ plan, tabs, room, narrator, findings, disturbances, restarts: [] });
      } catch (error) {
        if (box !== undefined) await tabs.record();
        throw error;
      } finally {
        box?.seal(tabs, log);
      }
      findings.reference = await trainAlone({
        context,
        url: labUrl(url, job, true),
        steps: findings.committedSteps,
        narrator,
        signal: stop.signal,
        finish: () => Promise.resolve(),
      });
    });
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    if (process.env['DEBUG'] !== undefined) console.error(error);
    findings.failure = oneLine(error);
  }
  return judge(plan, findings, log, disturbances);
}

async function soak(parts: Soak): Promise<void> {
  const { plan, tabs, room, narrator, findings, disturbances, restarts } = parts;
  narrator.begin(
    `Soaking ${count(plan.ranks, 'tab')} for ${count(plan.minutes, 'minute')}, seed ${plan.seed}.`,
    Math.round(plan.minutes * 60),
    'second',
  );
  await room.openAll(plan.ranks);
  await room.goOn(undefined);
  await tabs.ask(room.anyone(), 'checkpointNow');
  findings.start = await readResources(tabs);

  const startedAt = (findings.startedAt = Date.now());
  const from = committed(tabs.alive());
  const now = (): number => committed(tabs.alive());
  const elapsed = (): number => Date.now() - startedAt;
  const restart = (open: Promise<Tab>): void => {
    // Whether it came is asked at the end.
    open.catch(() => undefined);
    restarts.push(open);
  };
  const faults = runFaults(cursorOf(plan), {
    tabs,
    narrator,
    disturbances,
    // A strike waits until two ranks at least are there to take it.
    ready: () => tabs.alive().filter((tab) => settled([tab], tabs.all())).length >= 2,
    lost: () => {
      restart(room.open());
    },
    frozen: (tab) => {
      if (plan.turns !== undefined) restart(replace(tab, parts));
    },
  });
  const stop = tabs.onLook(() => {
    narrator.progress(
      Math.round(elapsed() / 1000),
      `${count(now() - from, 'step')}, ${count(disturbances.length, 'fault')}`,
    );
  });
  try {
    faults.resume();
    await tabs.until('the next step', STEP_MS, () => elapsed() >= plan.minutes * MINUTE_MS, now);
    findings.minutes = elapsed() / MINUTE_MS;
    findings.committedSteps = now();
    faults.suspend();
    await faults.healAll();
    await Promise.all(restarts);
    await tabs.until('all tabs to be one room again', CALM_MS, () => settled(tabs.alive(), tabs.alive()));
    await settleDown(parts);
    await rest(parts);
  } finally {
    faults.stop();
    stop();
  }
}

/** As whoever looks after machines does it: a rank that the others have put out is ended, and a new one is opened. */
async function replace(frozen: Tab, { tabs, room }: Soak): Promise<Tab> {
  const member = frozen.status?.member;
  const isOut = (): boolean => {
    const others = tabs.alive().filter((tab) => tab !== frozen && settled([tab], tabs.all()));
    return (
      others.length > 0 &&
      others.every(({ status }) => status?.members.every((view) => view.member !== member) === true)
    );
  };
  await tabs.until(`the others to put ${frozen.name} out`, CALM_MS, isOut);
  await tabs.kill([frozen]);
  return await room.open();
}

/** What the tabs hold goes back to what they held at the start, given time; what does not is a leak. */
async function settleDown({ tabs, room, findings }: Soak): Promise<void> {
  const { start } = findings;
  if (start === undefined) return;
  const kept = room.anyone().status?.job.policies.checkpointsKept ?? 0;
  const deadline = Date.now() + CALM_MS;
  do {
    const now = Date.now();
    await tabs.until('a moment of calm', CALM_MS, () => Date.now() - now > 1000);
    findings.leaks = findLeaks(start, await readResources(tabs), kept);
  } while (findings.leaks.length > 0 && Date.now() < deadline);
}

/** The room pauses, and all its ranks say where they stand. */
async function rest({ tabs, room, findings }: Soak): Promise<void> {
  await tabs.ask(room.anyone(), 'pause');
  const states = (): ReadonlySet<string> =>
    new Set(tabs.alive().map(({ status }) => `${status?.committed ?? -1}/${status?.committedHash ?? ''}`));
  const resting = (): boolean =>
    settled(tabs.alive()) && tabs.alive().every(({ status }) => status?.phase === 'idle' && !status.running);
  await tabs.until('all tabs to rest in one state', CALM_MS, () => resting() && states().size === 1);
  const { status } = room.anyone();
  if (status === undefined) throw new RunError('No rank said where it came to rest.');
  findings.committedSteps = status.committed;
  findings.finalHash = status.committedHash;
  await tabs.close(tabs.alive());
}

function judge(
  { turns, everyMs }: SoakPlan,
  findings: Findings,
  log: LogBook,
  disturbances: readonly Disturbance[],
): SoakVerdict {
  const records = log.records();
  const recoveries = findRecoveries(records, disturbances);
  return judgeSoak({
    minutes: findings.minutes,
    committedSteps: findings.committedSteps,
    faults: measureFaults(records, disturbances),
    regroup: measureRegroups(recoveries),
    heal: measureHeals(records),
    everyMs,
    throughput: turns === undefined ? undefined : compareTurns(records, turns, findings.startedAt),
    ledger: ledgerOf(records),
    violations: findViolations(records, findings.reference).map(
      ({ invariant, sentence }) => `Invariant ${invariant} was violated: ${sentence}`,
    ),
    falseEvictions: findFalseEvictions(recoveries, disturbances),
    falseBlame: findFalseBlame(records, disturbances),
    leaks: findings.leaks,
    finalHash: findings.finalHash,
    referenceHash: findings.reference[findings.committedSteps],
    failure: findings.failure,
  });
}

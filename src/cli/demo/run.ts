// A whole demo: a browser, a server, the disturbed run, the undisturbed run of one rank beside it, and the verdict.

import type { BrowserContext } from 'playwright-core';
import type { LiveSchedule } from '../../faults/schedule.ts';
import { checkLogs } from '../../invariants/check.ts';
import { formatWire } from '../../job/wire-schema.ts';
import { curve } from '../../live/history.ts';
import type { StateHash } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { ensureBrowser } from '../browser.ts';
import { withCleanup } from '../cleanup.ts';
import type { Cleanup } from '../cleanup.ts';
import { within } from '../deadline.ts';
import { InterruptedError, RunError, oneLine } from '../errors.ts';
import { compareHashes, findAdmissions, findComplaints, unexplainedRepeats } from './analysis.ts';
import { driveDemo, evaluated } from './drive.ts';
import type { Drive } from './drive.ts';
import { runFaults } from './faults.ts';
import type { FaultRunner } from './faults.ts';
import { emptyJournal, recoveriesOf } from './journal.ts';
import type { Journal } from './journal.ts';
import { openLogBook } from './log-book.ts';
import type { LogBook } from './log-book.ts';
import type { Narrator } from './narrator.ts';
import type { DemoPlan } from './plan.ts';
import { launchProfile } from './profile.ts';
import { committed, done, manageRoom, settled } from './room.ts';
import { serveLab } from './serve.ts';
import { manageTabs } from './tabs.ts';
import type { Tab, Tabs } from './tabs.ts';
import { count } from './tell.ts';
import { judge } from './verdict.ts';
import type { DemoFacts, Verdict } from './verdict.ts';

const NO_FAULTS: LiveSchedule = { format: 1, faults: [] };

const INSTALL_MS = 900_000;
const FINISH_MS = 60_000;
const JOIN_MS = 90_000;
const STEP_MS = 60_000;

/** Everything that is known so far; a run that fails half way is judged by it all the same. */
interface Findings {
  engine: DemoFacts['engine'];
  firstLoss: number | undefined;
  lastLoss: number | undefined;
  testAccuracy: number | undefined;
  finalHashes: ReadonlyMap<string, StateHash | undefined>;
  singleRankHash: StateHash | undefined;
  /** The single rank's state after each number of updates. */
  reference: readonly StateHash[];
}

/** Rejects only when interrupted; what else goes wrong is in the verdict. */
export async function runDemo(
  plan: DemoPlan,
  schedule: LiveSchedule | undefined,
  narrator: Narrator,
  stop: AbortController,
  recorded?: (recording: Uint8Array) => void,
): Promise<Verdict> {
  const log = openLogBook();
  const journal = emptyJournal();
  const findings: Findings = {
    engine: undefined,
    firstLoss: undefined,
    lastLoss: undefined,
    testAccuracy: undefined,
    finalHashes: new Map(),
    singleRankHash: undefined,
    reference: [],
  };
  let tabs: Tabs | undefined;
  let faults: FaultRunner | undefined;
  let failure: string | undefined;
  const timer = setTimeout(() => {
    stop.abort(
      new RunError(`The demo took longer than ${count(Math.round(totalMs(plan) / 60_000), 'minute')}.`),
    );
  }, totalMs(plan));
  try {
    await withCleanup(async (cleanup) => {
      cleanup.add(() => {
        narrator.end();
      });
      const { context, url } = await setUp(narrator, cleanup, stop.signal);
      tabs = manageTabs(context, log, stop.signal, recorded);
      faults = runFaults(schedule ?? NO_FAULTS, { tabs, narrator, disturbances: journal.disturbances });
      const room = manageRoom(tabs, labUrl(url, plan, false), plan.steps, faults.afflicted);
      await trainDisturbed({ plan, tabs, room, log, journal, narrator, faults }, findings);
      await trainAlone(plan, context, labUrl(url, plan, true), narrator, stop.signal, findings);
    });
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    if (process.env['DEBUG'] !== undefined) console.error(error);
    failure = oneLine(error);
  } finally {
    clearTimeout(timer);
  }
  return judge(gatherFacts(plan, tabs, faults, log, journal, findings, failure));
}

/** Far more than a run takes on two slow cores without a GPU. */
const totalMs = (plan: DemoPlan): number => 600_000 + plan.steps * 5000 + plan.acts.length * 120_000;

async function setUp(
  narrator: Narrator,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<{ readonly context: BrowserContext; readonly url: string }> {
  const installing = ensureBrowser({
    log: (line) => {
      narrator.say(line);
    },
  });
  const browser = await within('a browser to be installed', INSTALL_MS, signal, installing);
  const url = await serveLab(cleanup, signal);
  return { context: await launchProfile(browser, cleanup, signal), url };
}

/** The lab's page with one rank that trains the plan's job. */
function labUrl(server: string, plan: DemoPlan, autostart: boolean): URL {
  const url = new URL(server);
  const values = {
    engine: plan.engine,
    ranks: 1,
    autostart: autostart ? 1 : 0,
    steps: plan.steps,
    seed: plan.seed,
    job: plan.job,
    wire: formatWire(plan.wire),
    name: 'demo',
    // Two rooms are compared: both compute with the same kernels.
    tune: 0,
  };
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, String(value));
  return url;
}

async function trainDisturbed(drive: Drive, findings: Findings): Promise<void> {
  const { plan, tabs, room } = drive;
  await driveDemo(drive);

  const finished = tabs.alive();
  findings.finalHashes = new Map(finished.map((tab) => [tab.name, tab.status?.committedHash]));
  const engine = finished.map(({ status }) => status?.engine).find((item) => item !== undefined);
  findings.engine = engine && { kind: engine.kind, adapter: engine.adapter };
  const { points } = await tabs.ask(room.anyone(), 'metrics', 0);
  const losses = curve(points).map((point) => point.loss);
  findings.firstLoss = losses[0];
  findings.lastLoss = losses.at(-1);
  findings.testAccuracy = finished
    .map(({ status }) => (status?.evaluation?.step === plan.steps ? status.evaluation.accuracy : undefined))
    .find((value) => value !== undefined);
  await tabs.close(finished);
}

/** The same job in a room of its own, by one rank that nothing happens to. */
async function trainAlone(
  plan: DemoPlan,
  context: BrowserContext,
  url: URL,
  narrator: Narrator,
  signal: AbortSignal,
  findings: Findings,
): Promise<void> {
  const log = openLogBook();
  const tabs = manageTabs(context, log, signal);
  narrator.begin(`The same ${count(plan.steps, 'step')} once more: one tab, undisturbed.`, plan.steps);
  const now = (): number => committed(tabs.alive());
  const end = tabs.onLook(() => {
    narrator.progress(now(), '1 rank');
  });
  try {
    const tab = await tabs.open(url.href);
    await tabs.until('the single rank to found its room', JOIN_MS, () => settled([tab]));
    await tabs.until('the single rank to train', STEP_MS, () => now() >= plan.steps, now);
    await tabs.until(
      'the single rank to finish',
      FINISH_MS,
      () => done([tab], plan.steps) && evaluated([tab], plan.steps),
    );
    findings.singleRankHash = tab.status?.committedHash;
    await tabs.close([tab]);
    findings.reference = hashesByStep(log.records());
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

function gatherFacts(
  plan: DemoPlan,
  tabs: Tabs | undefined,
  faults: FaultRunner | undefined,
  log: LogBook,
  journal: Journal,
  findings: Findings,
  failure: string | undefined,
): DemoFacts {
  const records = log.records();
  const recoveries = recoveriesOf(log, journal);
  const missed = new Set(recoveries.flatMap((recovery) => recovery.lost));
  const helped = (tab: Tab): boolean => {
    if (tab.status === undefined) return false;
    const [admission] = findAdmissions(records, [tab.status.member]);
    // Whoever comes in after the last step has nothing left to do.
    return (
      admission !== undefined &&
      (admission.firstContribution !== undefined || admission.healed?.step === plan.steps)
    );
  };
  const unpromised = records.flatMap(({ event }) =>
    event.kind === 'exactness' && event.promise.kind === 'unpromised' ? [event.promise.since] : [],
  );
  const victims = new Set([
    ...(tabs?.all().filter((tab) => tab.gone === 'killed') ?? []),
    ...(faults?.victims ?? []),
  ]);
  const violations = checkLogs(records, { reference: findings.reference });
  const complaints = new Set([
    ...findComplaints(records),
    ...violations.map(({ invariant, sentence }) => `Invariant ${invariant} was violated: ${sentence}`),
    ...(failure === undefined ? (faults?.problems() ?? []) : []),
  ]);
  return {
    ...findings,
    ranks: plan.ranks,
    steps: plan.steps,
    recoveries,
    parity: compareHashes(records),
    unmissed: [...victims]
      .filter(({ status }) => status === undefined || !missed.has(status.member))
      .map((tab) => tab.name),
    idle: journal.joined.filter((tab) => !helped(tab)).map((tab) => tab.name),
    unpromisedSince: unpromised.length === 0 ? undefined : Math.min(...unpromised),
    resumed: journal.resumed,
    unexplainedRepeats: unexplainedRepeats(records, recoveries),
    complaints: [...complaints],
    failure,
  };
}

// A whole demo: a browser, a server, the disturbed run, the undisturbed run of one rank beside it, and the verdict.

import { followSchedule } from '../../faults/schedule.ts';
import type { LiveSchedule } from '../../faults/schedule.ts';
import { checkLogs } from '../../invariants/check.ts';
import { curve } from '../../live/history.ts';
import { formatRoomLink } from '../../live/link.ts';
import type { StateHash } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { ledgerOf } from '../../trace/ledger.ts';
import { withCleanup } from '../cleanup.ts';
import { InterruptedError, RunError, oneLine } from '../errors.ts';
import { compareHashes, findAdmissions, findComplaints, unexplainedRepeats } from '../room/analysis.ts';
import { driveDemo, evaluated } from './drive.ts';
import type { Drive } from './drive.ts';
import { runFaults } from '../room/fault-runner.ts';
import type { FaultRunner } from '../room/fault-runner.ts';
import type { BlackBox } from '../room/black-box.ts';
import { emptyJournal, recoveriesOf } from './journal.ts';
import type { Journal } from './journal.ts';
import { openLogBook } from '../room/log-book.ts';
import type { LogBook } from '../room/log-book.ts';
import type { Narrator } from '../room/narrator.ts';
import type { DemoPlan } from './plan.ts';
import { done, manageRoom } from '../room/room.ts';
import { labUrl, openLab } from '../room/lab.ts';
import { witnessedRoom } from '../room/witness.ts';
import { trainAlone } from '../room/undisturbed.ts';
import { manageTabs } from '../room/tabs.ts';
import type { Tab, Tabs } from '../room/tabs.ts';
import { count } from '../room/tell.ts';
import { judge } from './verdict.ts';
import type { DemoFacts, Verdict } from './verdict.ts';

const NO_FAULTS: LiveSchedule = { format: 1, faults: [] };

const FINISH_MS = 60_000;

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
  box?: BlackBox,
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
      const { context, url } = await openLab(narrator, cleanup, stop.signal);
      const job = { ...plan, name: 'demo' };
      tabs = manageTabs(context, log, stop.signal, box?.recorded);
      faults = runFaults(followSchedule(schedule ?? NO_FAULTS), {
        tabs,
        narrator,
        disturbances: journal.disturbances,
      });
      const lab = labUrl(url, job, false);
      if (plan.witness) lab.hash = formatRoomLink(await witnessedRoom(url, narrator, cleanup));
      const room = manageRoom(tabs, lab, plan.steps, faults.afflicted);
      try {
        await trainDisturbed({ plan, tabs, room, log, journal, narrator, faults }, findings);
      } catch (error) {
        if (box !== undefined) await tabs.record();
        throw error;
      } finally {
        box?.seal(tabs, log);
      }
      findings.reference = await trainAlone({
        context,
        url: labUrl(url, job, true),
        steps: plan.steps,
        narrator,
        signal: stop.signal,
        finish: async (tab, alone) => {
          await alone.until(
            'the single rank to finish',
            FINISH_MS,
            () => done([tab], plan.steps) && evaluated([tab], plan.steps),
          );
          findings.singleRankHash = tab.status?.committedHash;
        },
      });
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

/** In which generations it had a vote. */
function witnessOf(records: readonly TraceRecord[]): DemoFacts['witness'] {
  const installed = records.flatMap(({ event }) => (event.kind === 'installed' ? [event] : []));
  const voting = installed.filter(({ witness }) => witness !== undefined);
  const ids = voting.map(({ generation }) => `${generation.incarnation}/${generation.number}`);
  return { seat: voting[0]?.witness, generations: new Set(ids).size };
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
    witness: plan.witness ? witnessOf(records) : undefined,
    recoveries,
    parity: compareHashes(records),
    unmissed: [...victims]
      .filter(({ status }) => status === undefined || !missed.has(status.member))
      .map((tab) => tab.name),
    idle: journal.joined.filter((tab) => !helped(tab)).map((tab) => tab.name),
    unpromisedSince: unpromised.length === 0 ? undefined : Math.min(...unpromised),
    resumed: journal.resumed,
    unexplainedRepeats: unexplainedRepeats(records, recoveries),
    ledger: ledgerOf(records),
    complaints: [...complaints],
    failure,
  };
}

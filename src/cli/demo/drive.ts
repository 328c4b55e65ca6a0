// The disturbed run: opens the tabs, trains, and does to the room what the plan says, telling what happens.

import type { MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { RunError } from '../errors.ts';
import { findAdmissions } from '../room/analysis.ts';
import type { FaultRunner } from '../room/fault-runner.ts';
import { beginComing, tellRecoveries } from './journal.ts';
import type { Journal } from './journal.ts';
import type { LogBook } from '../room/log-book.ts';
import type { Narrator } from '../room/narrator.ts';
import { chooseVictims } from './plan.ts';
import type { Act, DemoPlan } from './plan.ts';
import { committed, done, settled } from '../room/room.ts';
import type { Room } from '../room/room.ts';
import type { Tab, Tabs } from '../room/tabs.ts';
import { count, list, tellAdmission } from '../room/tell.ts';

const RECOVER_MS = 60_000;
const JOIN_MS = 90_000;
/** After the last step: its barrier, and the accuracy on the held-out samples. */
const FINISH_MS = 60_000;

/** Acts with fewer steps than this between them make the room wait for each of them. */
const TIGHT_STEPS = 8;

export interface Drive {
  readonly plan: DemoPlan;
  readonly tabs: Tabs;
  readonly room: Room;
  readonly log: LogBook;
  readonly journal: Journal;
  readonly narrator: Narrator;
  readonly faults: FaultRunner;
}

export async function driveDemo(drive: Drive): Promise<void> {
  const { plan, tabs, room, log, journal, narrator, faults } = drive;
  const teller = tellRecoveries(tabs, room, log, journal, narrator);
  narrator.begin(`Training ${plan.steps} steps in ${count(plan.ranks, 'tab')}.`, plan.steps);
  const stop = tabs.onLook(() => {
    narrator.progress(committed(tabs.alive()), progressNote(tabs.alive()));
  });
  try {
    const endComing = beginComing(journal);
    await room.openAll(plan.ranks);
    if (plan.witness && plan.ranks % 2 === 0)
      await tabs.until('the witness to have its vote', JOIN_MS, () =>
        tabs.alive().every(({ status }) => status?.witness?.votes === true),
      );
    endComing();
    narrator.say(`${count(plan.ranks, 'tab is', 'tabs are')} in one room and ready.`);
    await room.goOn(undefined);
    faults.resume();
    for (const [index, act] of plan.acts.entries()) {
      const next = plan.acts[index + 1];
      if (isTight(plan, index)) await room.reachAndPause(act.step);
      else await room.reach(act.step);
      // No act may find the run over, or past its own step, because the one before it took long.
      const now = Math.max(act.step, committed(tabs.alive()));
      const hold = now + Math.max(1, Math.floor(((next?.step ?? plan.steps) - now) / 2));
      await perform(drive, act, hold, isTight(plan, index + 1) ? next?.step : undefined);
    }
    await room.reach(plan.steps);
    faults.suspend();
    await faults.healAll();
    await tabs.until('all ranks to finish', FINISH_MS, () => done(tabs.alive(), plan.steps));
    await tabs.until('the accuracy on the held-out samples', FINISH_MS, () =>
      evaluated(tabs.alive(), plan.steps),
    );
  } finally {
    teller.tellRest();
    teller.stop();
    stop();
    faults.stop();
  }
}

/** Whether a fast run would be past this act before the tabs of the one before it, or its own, have opened. */
function isTight({ acts, steps }: DemoPlan, index: number): boolean {
  const act = acts[index];
  if (act === undefined || act.kind === 'kill') return false;
  const since = act.step - (acts[index - 1]?.step ?? 0);
  return Math.min(since, (acts[index + 1]?.step ?? steps) - act.step) < TIGHT_STEPS;
}

/** `hold`: where the room waits for the act to be done. `pauseAt`: where it waits for the next act, if it has to. */
function perform(drive: Drive, act: Act, hold: number, pauseAt: number | undefined): Promise<void> {
  switch (act.kind) {
    case 'kill':
      return killTabs(drive, act, hold, pauseAt);
    case 'join':
      return joinTabs(drive, act.count, hold, pauseAt);
    case 'reopen':
      return reopenRoom(drive, pauseAt);
  }
}

async function killTabs(
  drive: Drive,
  act: Extract<Act, { kind: 'kill' }>,
  hold: number,
  pauseAt: number | undefined,
): Promise<void> {
  const { plan, tabs, room, journal, narrator } = drive;
  const open = tabs.alive();
  const { count: victims, step } = act;
  if (victims >= open.length)
    throw new RunError(`Killing ${count(victims, 'tab')} at step ${step} would leave none alive.`);
  const chosen = chooseVictims(plan.seed, step, victims, open);
  const ranks = chosen.map(describeVictim);
  const members = chosen.flatMap((tab) => (tab.status === undefined ? [] : [tab.status.member]));
  const from = committed(tabs.alive());
  const at = await tabs.kill(chosen);
  journal.disturbances.push({ cause: 'kill', at, members });
  narrator.say(`step ${from}: killed ${list(ranks)}`);
  const recovered = (): boolean => settled(room.healthy(), tabs.alive());
  const goneOn = (): boolean =>
    recovered() &&
    (committed(tabs.alive()) > from || room.healthy().every(({ status }) => status?.running !== true));
  const held = await room.holdAt(hold, pauseAt, () =>
    tabs.until(`the others to go on without ${list(chosen.map((tab) => tab.name))}`, RECOVER_MS, goneOn),
  );
  if (held) narrator.say(`  (the room waited at step ${committed(tabs.alive())} meanwhile)`);
}

async function joinTabs(
  drive: Drive,
  newcomers: number,
  hold: number,
  pauseAt: number | undefined,
): Promise<void> {
  const { plan, tabs, room, log, journal, narrator } = drive;
  const from = committed(tabs.alive());
  const startedAt = Date.now();
  narrator.say(`step ${from}: opening ${count(newcomers, 'more tab')}`);
  const held = await room.holdAt(hold, pauseAt, async () => {
    const opened = await Promise.all(Array.from({ length: newcomers }, () => room.open()));
    journal.joined.push(...opened);
    await tabs.until(`${list(opened.map((tab) => tab.name))} to join`, JOIN_MS, () =>
      settled(room.healthy(), tabs.alive()),
    );
  });
  const ms = Date.now() - startedAt;
  const at = committed(tabs.alive());
  if (held)
    narrator.say(`  (the room waited at step ${at} until ${newcomers === 1 ? 'it was' : 'they were'} in)`);
  const last = Math.min(at + 1, plan.steps);
  await room.reach(last);
  for (const tab of journal.joined.slice(-newcomers)) {
    const [admission] = findAdmissions(log.records(), memberOf(tab));
    if (admission === undefined) continue;
    const donor = nameOf(tabs, admission.healed?.donor);
    narrator.say(`  ${tab.name} joined in ${(ms / 1000).toFixed(1)} s: ${tellAdmission(admission, donor)}`);
  }
}

async function reopenRoom(drive: Drive, pauseAt: number | undefined): Promise<void> {
  const { tabs, room, log, journal, narrator, faults } = drive;
  faults.suspend();
  const open = tabs.alive();
  const checkpoints = await tabs.ask(room.anyone(), 'checkpoints');
  if (checkpoints.length === 0) {
    const made = await tabs.ask(room.anyone(), 'checkpointNow');
    narrator.say(`  no checkpoint yet: saved one at step ${made.step}`);
  }
  const at = committed(open);
  const endComing = beginComing(journal);
  await tabs.close(open);
  const saved = newestCheckpoint(log.records());
  narrator.say(`step ${at}: closed ${open.length === 1 ? 'the only tab' : `all ${open.length} tabs`}`);

  const first = await room.open();
  await tabs.until(`${first.name} to resume the room from a checkpoint`, JOIN_MS, () => settled([first]));
  const resumed = first.status?.resumedFromStep;
  if (resumed === undefined) {
    throw new RunError(
      `${first.name} reopened the room after step ${at} and did not resume: it starts from step 0.`,
    );
  }
  journal.resumed ??= { fromStep: resumed, newest: saved, skipped: skippedBy(first, log.records()) };
  await Promise.all(Array.from({ length: open.length - 1 }, () => room.open()));
  await room.gather('the reopened tabs to become one room');
  endComing();
  narrator.say(`  reopened ${count(open.length, 'tab')}: resumed from the checkpoint at step ${resumed}`);
  await room.goOn(pauseAt);
  faults.resume();
  await room.reach(Math.min(at, pauseAt ?? at));
}

/** Updates in the newest checkpoint that a rank saw saved. Within one incarnation a later one has more steps. */
function newestCheckpoint(records: readonly TraceRecord[]): number | undefined {
  const steps = records.flatMap(({ event }) => (event.kind === 'checkpointed' ? [event.step] : []));
  return steps.length === 0 ? undefined : Math.max(...steps);
}

const skippedBy = (tab: Tab, records: readonly TraceRecord[]): readonly string[] =>
  records.flatMap(({ member, event }) =>
    event.kind === 'checkpointSkipped' && member === tab.status?.member ? [event.reason] : [],
  );

export const evaluated = (tabs: readonly Tab[], steps: number): boolean =>
  tabs.some(({ status }) => status?.evaluation?.step === steps);

const memberOf = (tab: Tab): readonly MemberId[] => (tab.status === undefined ? [] : [tab.status.member]);

function describeVictim(tab: Tab): string {
  const rank = tab.status?.members.find((view) => view.self)?.rank;
  return rank === undefined ? tab.name : `${tab.name} (rank ${rank})`;
}

function nameOf(tabs: Tabs, member: MemberId | undefined): string {
  return tabs.all().find((tab) => tab.status?.member === member)?.name ?? 'another rank';
}

function progressNote(tabs: readonly Tab[]): string {
  const training = tabs.filter(({ status }) => status?.generation !== undefined).length;
  const accuracy = tabs
    .map(({ status }) => status?.evaluation?.accuracy)
    .find((value) => value !== undefined);
  const suffix = accuracy === undefined ? '' : ` · accuracy ${(accuracy * 100).toFixed(1)} %`;
  return `${count(training, 'rank')}${suffix}`;
}

// A lesson's run in a live room of its own: ranks in frames of this page, the lesson's faults and the reader's own, and what the ranks'
// logs say of it, read by the same ledger and checkers as any run.

import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { followSchedule } from '../../faults/schedule.ts';
import type { Fault } from '../../faults/vocabulary.ts';
import { checkLogs } from '../../invariants/check.ts';
import { newRoom } from '../../live/link.ts';
import { openShelf } from '../../live/shelf-service.ts';
import type { CheckpointShelf } from '../../live/shelf-service.ts';
import type { MemberId } from '../../ports/ids.ts';
import { drawRecords } from '../../simulator/drawing.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { openFramesIn } from '../frames.ts';
import { createLab } from '../model/lab.ts';
import type { Lab } from '../model/lab.ts';
import { watchRanks } from '../model/watching.ts';
import { parseLabQuery } from '../query.ts';
import type { Hand, LiveRun } from './lesson.ts';
import { keepMeasures, type Measures } from './metrics.ts';
import type { LessonOutcome } from './outcome.ts';
import { liveJob, scheduleOf } from './settings.ts';
import { teller } from '../teller.ts';

const LOOK_MS = 200;
/** Judging reads everything anew. */
const JUDGE_MS = 1000;
/** The ranks find each other within this time, or the room starts with those that have. */
const GATHER_MS = 30_000;
/** A room that nobody ends is judged after this time. */
const LONGEST_MS = 300_000;
const RECORDS_AT_ONCE = 1000;
/** A rank that is asked too much is a frozen one. */
const ANSWER_MS = 1500;

export interface LiveRoom {
  readonly lab: Lab;
  /** As of the last look. */
  readonly measures: ReadonlySignal<Measures | undefined>;
  /** The reader strikes a rank of this page. */
  strike(hand: Hand, member: MemberId): void;
  /** Judges the run as it is. */
  end(): void;
  readonly outcome: Promise<LessonOutcome>;
}

let kept: CheckpointShelf | undefined;
/** One for all runs of the page. */
function shelfOfPage(): CheckpointShelf {
  kept ??= openShelf(
    () =>
      new Worker(new URL('../../live/shelf-worker.ts', import.meta.url), { type: 'module', name: 'shelf' }),
  );
  return kept;
}

/** Ranks live in `place`. Throws a `JobError` where the lesson's deadlines are out of order. */
export function openLiveRoom(run: LiveRun, place: HTMLElement, freezeMs: number): LiveRoom {
  const job = liveJob(run);
  const schedule = followSchedule(scheduleOf(run));
  const query = { ...parseLabQuery(location.search), ranks: run.ranks, autostart: false, tune: false, job };
  const shelf = shelfOfPage();
  const lab = createLab(newRoom(), true, query, (listener) => openFramesIn(place, listener), shelf);
  const measures = signal<Measures | undefined>(undefined);
  const records: TraceRecord[] = [];
  const strikes: number[] = [];
  const cursors = new Map<MemberId, number>();
  let startedAt = Date.now();
  let isEnded = false;

  const inject = (member: MemberId, fault: Fault): void => {
    strikes.push(Date.now());
    if (fault.kind === 'kill' || fault.kind === 'close') lab.removeRank(member, fault.kind === 'close');
    else void lab.inject(member, fault);
  };

  /** Everything that the ranks have logged since the last look. A rank that does not answer is read at the next. */
  const read = async (): Promise<void> => {
    await Promise.all(
      lab.locals.value.map(async ({ member, handle }) => {
        const from = cursors.get(member) ?? 0;
        const late = new Promise<readonly TraceRecord[]>((resolve) => setTimeout(resolve, ANSWER_MS, []));
        const found = await Promise.race([handle.log(from, RECORDS_AT_ONCE), late]).catch(() => []);
        const last = found.at(-1);
        if (last === undefined || (cursors.get(member) ?? 0) !== from) return;
        cursors.set(member, last.seq + 1);
        records.push(...found);
      }),
    );
  };

  const judge = (): Measures => {
    records.sort((a, b) => a.at - b.at || a.seq - b.seq);
    const keeper = keepMeasures(run.steps, startedAt);
    const waiting = [...strikes];
    for (const record of records) {
      while ((waiting[0] ?? Infinity) <= record.at) keeper.struck(waiting.shift() ?? record.at);
      keeper.observe(record);
    }
    for (const at of waiting) keeper.struck(at);
    const violations = checkLogs(records);
    return keeper.measures(violations.length === 0 ? 'held' : 'violated', violations);
  };

  const due = (): void => {
    const { ranks, step } = lab.room.value;
    const members = ranks.filter(({ rank, local }) => rank !== undefined && local);
    for (const { rank, fault } of schedule.due({ step, ms: Date.now() - startedAt, ranks: members.length })) {
      const member = members.find((view) => view.rank === rank)?.member;
      // A page cannot end the browser's GPU process.
      if (member !== undefined && fault.kind !== 'lose-gpu-process') inject(member, fault);
    }
  };

  async function train(): Promise<LessonOutcome> {
    const stopWatching = watchRanks(lab);
    try {
      await Promise.all(Array.from({ length: run.ranks }, () => lab.addRank()));
      await until(() => isEnded || lab.room.value.members === run.ranks, GATHER_MS);
      startedAt = Date.now();
      await lab.start();
      let judgedAt = 0;
      await until(async () => {
        await read();
        due();
        if (Date.now() - judgedAt >= JUDGE_MS) {
          measures.value = judge();
          judgedAt = Date.now();
        }
        return isEnded || lab.room.value.step >= run.steps;
      }, LONGEST_MS);
      await read();
      const last = judge();
      measures.value = last;
      const [violation] = checkLogs(records);
      const told = (): LessonOutcome => ({
        measures: last,
        reason: violation?.sentence,
        diagram: drawn(records, startedAt),
        replay: undefined,
        slotOf: lab.knownSlot,
        retell: told,
      });
      return told();
    } finally {
      stopWatching();
      await leave(lab, shelf);
    }
  }

  return {
    lab,
    measures,
    strike(hand, member) {
      inject(member, hand === 'freeze' ? { kind: 'freeze', forMs: freezeMs } : { kind: hand });
    },
    end() {
      isEnded = true;
    },
    outcome: train(),
  };
}

/** The room's checkpoints are of no use to anybody once the lesson is over. */
async function leave(lab: Lab, shelf: CheckpointShelf): Promise<void> {
  await lab.leave();
  try {
    for (const { id } of await shelf.list(lab.shelf.path)) await shelf.delete(id);
  } catch {
    // A browser without storage has kept none.
  }
}

/** A live run's diagram: its ranks and what they say; messages were seen by nobody. Times count from the start. */
function drawn(records: readonly TraceRecord[], startedAt: number): LessonOutcome['diagram'] {
  const { record, recorder } = drawRecords(teller);
  for (const one of records) record({ ...one, at: Math.max(0, one.at - startedAt) });
  return recorder.finish(0);
}

/** Until it holds, or so many milliseconds have passed. */
async function until(holds: () => boolean | Promise<boolean>, ms: number): Promise<void> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline && !(await holds()))
    await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
}

// What a page in a class tells its instructor about its rank, and how it carries out what the instructor orders.

import { signal } from '@preact/signals';
import { REPORT_MS } from '../../live/classroom/messages.ts';
import type { ClassOrder, ClassReport, ClassRoom } from '../../live/classroom/messages.ts';
import { answered, sentenceIn } from '../lab-error.ts';
import { LESSON_IDS } from '../lessons/library.ts';
import { followProgress, lessonsReport } from '../lessons/progress.ts';
import type { LessonsReport } from '../lessons/progress.ts';
import { faultsAtWork } from '../model/faults-at-work.ts';
import type { Lab } from '../model/lab.ts';
import type { LocalRank } from '../model/room-view.ts';
import { words } from '../words.ts';
import { classWords } from './class-words.ts';
import { deviceWords } from './device.ts';
import type { Seat } from './seat.ts';

/** How far the reader of the lessons is, and what was predicted: lessons are read in tabs of their own, which keep it in this browser. */
export const lessonProgress = signal<LessonsReport>({});

const CALL_MS = 20_000;
const MAX_ADAPTER = 80;

/** Reports every two seconds, which also says that the page is alive; and does what it is told to. */
export function attendClass(seat: Seat, lab: Lab): void {
  const device = deviceWords(navigator.userAgent);
  const report = (): void => {
    seat.report(reportOf(lab, seat.room, device));
  };
  seat.obey((order) => carryOut(lab, order));
  followProgress((progress) => {
    lessonProgress.value = lessonsReport(progress, LESSON_IDS);
  });
  setInterval(report, REPORT_MS);
  report();
}

/** The rank that a participant's page is struck in, where it holds several: the one that its fault palette has chosen. */
const chosenRank = (lab: Lab): LocalRank | undefined =>
  lab.locals.value.find(({ member }) => member === lab.target.value) ?? lab.locals.value[0];

export function reportOf(lab: Lab, { room }: ClassRoom, device: string): ClassReport {
  const { state, members, step, job, ranks } = lab.room.value;
  const chosen = chosenRank(lab);
  const view = ranks.find(({ member }) => member === chosen?.member);
  const rank = view?.rank;
  const engine = chosen?.status?.engine;
  const faults = faultsAtWork(lab);
  return {
    room,
    state,
    ...(view?.activity === 'silent' && { silent: true }),
    ...(view === undefined || rank === undefined ? {} : { rank, slot: view.slot }),
    members,
    step,
    steps: job.steps,
    ...(engine === undefined
      ? {}
      : { engine: { kind: engine.kind, adapter: engine.adapter.slice(0, MAX_ADAPTER) || engine.kind } }),
    device,
    faults: faults.frozen.length + faults.told.length,
    ...lessonProgress.value,
  };
}

/** What went wrong, if anything did. A fault acts at this page's own ports, whatever it says: docs/faults.md. */
async function carryOut(lab: Lab, order: ClassOrder): Promise<string | undefined> {
  const rank = chosenRank(lab);
  if (rank === undefined) return classWords.noRank;
  try {
    switch (order.do) {
      case 'start':
        if (!lab.room.value.running) await answered(words.actions.start, CALL_MS, rank.handle.start());
        break;
      case 'pause':
        await answered(words.actions.pause, CALL_MS, rank.handle.pause());
        break;
      case 'fault': {
        const { fault } = order;
        const name = words.faults[fault.kind].name;
        lab.say(classWords.struck(name));
        if (fault.kind === 'kill' || fault.kind === 'close')
          lab.removeRank(rank.member, fault.kind === 'close');
        else await lab.strike(rank.member, fault);
        break;
      }
    }
    return undefined;
  } catch (error) {
    return sentenceIn(error);
  }
}

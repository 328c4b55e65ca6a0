// One lesson as it is worked on: what was predicted, what is set, the run at hand, and what came of the last.

import { batch, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import { sentenceIn } from '../lab-error.ts';
import { holdAll } from './condition.ts';
import type { Lesson, LessonRun } from './lesson.ts';
import { openLiveRoom, type LiveRoom } from './live-run.ts';
import type { LessonOutcome } from './outcome.ts';
import { keepProgress, readProgress, type Predicted } from './progress.ts';
import { usualChoices, withChoices, type Choices } from './settings.ts';
import { runHunt, runSimulated } from './simulated-run.ts';

export interface Session {
  /** In the language that the page speaks. */
  readonly lesson: ReadonlySignal<Lesson>;
  readonly predicted: ReadonlySignal<Predicted | undefined>;
  /** What the reader has set, by what is set. */
  readonly choices: Signal<Choices>;
  readonly isRunning: ReadonlySignal<boolean>;
  /** Seeds that were searched so far. */
  readonly seeds: ReadonlySignal<number>;
  readonly room: ReadonlySignal<LiveRoom | undefined>;
  readonly outcome: ReadonlySignal<LessonOutcome | undefined>;
  readonly problem: ReadonlySignal<string | undefined>;
  /** The same lesson in another language: what is under way goes on, and a run that is shown is told anew. */
  tell(translated: Lesson): void;
  /** Undefined: it is taken back. */
  predict(what: Predicted | undefined): void;
  run(): Promise<void>;
  /** Ends what runs, without a judgement. */
  cancel(): void;
}

const FREEZE_MS = 3000;

/** `frames`: where the ranks of a live run live. `isKept`: whether progress is the browser's to keep. */
export function openSession(first: Lesson, frames: HTMLElement, isKept: boolean): Session {
  const { id, settings, run: usual, goal } = first;
  const lesson = signal(first);
  const predicted = signal<Predicted | undefined>(undefined);
  const choices = signal(usualChoices(settings));
  const isRunning = signal(false);
  const seeds = signal(0);
  const room = signal<LiveRoom | undefined>(undefined);
  const outcome = signal<LessonOutcome | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  let abort: AbortController | undefined;
  /** What the outcome is of. */
  let ran: LessonRun | undefined;

  const keep = (change: Parameters<typeof keepProgress>[1]): void => {
    if (!isKept) return;
    // A browser that refuses storage keeps nothing; the lesson goes on.
    keepProgress(id, change).catch(() => undefined);
  };

  // A prediction that was made before a reload still stands.
  readProgress()
    .then((progress) => {
      const before = isKept ? progress.get(id)?.prediction : undefined;
      if (predicted.value === undefined && before !== undefined && fits(first, before))
        predicted.value = before;
    })
    .catch(() => undefined);

  async function perform(signal: AbortSignal): Promise<LessonOutcome> {
    const run = withChoices(usual, choices.value);
    ran = run;
    switch (run.world) {
      case 'simulator':
        return await runSimulated(run, signal);
      case 'hunt':
        return await runHunt(run, signal, (count) => {
          seeds.value = count;
        });
      case 'live': {
        const freezeMs = Number(choices.value['forMs'] ?? FREEZE_MS);
        const opened = openLiveRoom(run, frames, freezeMs);
        room.value = opened;
        signal.addEventListener('abort', () => opened.end(), { once: true });
        return await opened.outcome;
      }
    }
  }

  /** The same run comes to the same end, in other words. */
  async function retell(): Promise<void> {
    const shown = outcome.value;
    if (shown?.retell !== undefined) {
      outcome.value = shown.retell();
      return;
    }
    if (shown === undefined || ran?.world !== 'simulator') return;
    const again = await runSimulated(ran, new AbortController().signal).catch(() => shown);
    if (outcome.value === shown) outcome.value = again;
  }

  return {
    lesson,
    predicted,
    choices,
    isRunning,
    seeds,
    room,
    outcome,
    problem,
    tell(translated) {
      lesson.value = translated;
      void retell();
    },
    predict(what) {
      predicted.value = what;
      if (what !== undefined) keep((before) => ({ ...before, prediction: what }));
    },
    async run() {
      if (isRunning.value) return;
      const mine = new AbortController();
      abort = mine;
      batch(() => {
        isRunning.value = true;
        problem.value = undefined;
        outcome.value = undefined;
        seeds.value = 0;
      });
      try {
        const found = await perform(mine.signal);
        if (mine.signal.aborted) return;
        outcome.value = found;
        const passed = holdAll(goal, found.measures);
        keep((before) => ({
          ...before,
          runs: before.runs + 1,
          ...(passed && before.passedAt === undefined ? { passedAt: Date.now() } : {}),
        }));
      } catch (error) {
        if (!mine.signal.aborted) problem.value = sentenceIn(error);
      } finally {
        batch(() => {
          isRunning.value = false;
          room.value = undefined;
        });
      }
    },
    cancel() {
      abort?.abort();
    },
  };
}

/** A file may have changed since the prediction was kept. */
const fits = ({ predict }: Lesson, what: Predicted): boolean =>
  what.kind === 'choice' ? 'choices' in predict && what.choice < predict.choices.length : 'number' in predict;

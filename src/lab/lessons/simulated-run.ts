// A lesson's run in a simulator of the page: one experiment, or a hunt through the seeds of one of examples/.

import * as Comlink from 'comlink';
import { answered } from '../lab-error.ts';
import { language } from '../language/language.ts';
import { createCrew } from '../simulation/crew.ts';
import { EXAMPLE_NAMES } from '../simulation/example-names.ts';
import { hunt } from '../simulation/hunting.ts';
import type { HuntRun, SimulatedRun } from './lesson.ts';
import type { LessonWorker } from './lesson-worker.ts';
import { lessonWords } from './lesson-words.ts';
import type { LessonOutcome } from './outcome.ts';

/** Longer than any run that a lesson may ask for takes on a slow machine. */
const RUN_MS = 120_000;
const MAX_HUNTERS = 8;
const SHRINK_MS = 10_000;

/** Rejects with a sentence; `signal` ends the worker at once. */
export async function runSimulated(run: SimulatedRun, signal: AbortSignal): Promise<LessonOutcome> {
  const process = new Worker(new URL('./lesson-worker.ts', import.meta.url), {
    type: 'module',
    name: 'lesson',
  });
  try {
    const worker = Comlink.wrap<LessonWorker>(process);
    return await until(signal, answered(lessonWords.run.simulator, RUN_MS, worker.run(run, language.value)));
  } finally {
    process.terminate();
  }
}

/** Searches, makes small what it finds, and runs that. */
export async function runHunt(
  run: HuntRun,
  signal: AbortSignal,
  onProgress: (seeds: number) => void,
): Promise<LessonOutcome> {
  const { protocol, seed: from, seeds, ranks } = run;
  if (!EXAMPLE_NAMES.includes(protocol)) throw new Error(lessonWords.run.noExample(protocol, EXAMPLE_NAMES));
  const crew = createCrew({ kind: 'example', name: protocol });
  try {
    return await until(signal, search());
  } finally {
    crew.dismiss();
  }

  async function search(): Promise<LessonOutcome> {
    const { worker } = await crew.hire();
    const found = await hunt(crew, {
      from,
      ranks,
      seeds,
      workers: Math.max(1, Math.min(navigator.hardwareConcurrency, MAX_HUNTERS)),
      onProgress(now) {
        onProgress(now.seeds);
      },
    });
    const first = await worker.run({ kind: 'seed', scenario: undefined, seed: found?.seed ?? from, ranks });
    if (found === undefined)
      return {
        measures: { verdict: 'held', values: { seeds, violations: 0 } },
        reason: undefined,
        diagram: first.diagram,
        replay: (await worker.replay()).text,
      };
    const { replay, size } = await worker.shrink(SHRINK_MS);
    const { diagram, verdict, reason } = await worker.run({ kind: 'replay', text: replay });
    return {
      measures: { verdict, values: { seeds: found.seed - from + 1, decisions: size, violations: 1 } },
      reason,
      diagram,
      replay: (await worker.replay()).text,
    };
  }
}

/** Rejects as soon as somebody has had enough. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      reject(new Error(lessonWords.run.cancelled));
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject);
  });
}

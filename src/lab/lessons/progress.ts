// How far the reader is, kept in this browser: which lessons are passed, and what was predicted. Other tabs of the browser hear of it.

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import * as v from 'valibot';
import { MAX_PREDICTIONS } from '../../live/classroom/messages.ts';
import type { ClassReport, LessonPrediction } from '../../live/classroom/messages.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const ProgressSchema = v.strictObject({
  lesson: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,39}$/)),
  /** Runs that were judged. */
  runs: count,
  /** Milliseconds since the epoch, of the first run that reached the goal. */
  passedAt: v.exactOptional(count),
  /** What was predicted last: which of the choices, or a number. */
  prediction: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('choice'), choice: v.pipe(count, v.maxValue(5)) }),
      v.strictObject({ kind: v.literal('number'), value: v.pipe(v.number(), v.finite()) }),
    ]),
  ),
});

/** Of one lesson. */
export type LessonProgress = Readonly<v.InferOutput<typeof ProgressSchema>>;
export type Predicted = NonNullable<LessonProgress['prediction']>;
export type Progress = ReadonlyMap<string, LessonProgress>;

interface ProgressDatabase extends DBSchema {
  lessons: { key: string; value: unknown };
}

const CHANNEL = 'rankfall-lessons';

const open = (): Promise<IDBPDatabase<ProgressDatabase>> =>
  openDB<ProgressDatabase>('rankfall-lessons', 1, {
    upgrade(database) {
      database.createObjectStore('lessons');
    },
  });

/** What is not well-formed is passed over: it is of another version, or somebody's hand. */
export async function readProgress(): Promise<Progress> {
  const database = await open();
  try {
    const found = new Map<string, LessonProgress>();
    for (const value of await database.getAll('lessons')) {
      const parsed = v.safeParse(ProgressSchema, value);
      if (parsed.success) found.set(parsed.output.lesson, parsed.output);
    }
    return found;
  } finally {
    database.close();
  }
}

/** Changes what is kept of one lesson, and says so to the other tabs. */
export async function keepProgress(
  lesson: string,
  change: (before: LessonProgress) => LessonProgress,
): Promise<void> {
  const database = await open();
  try {
    const transaction = database.transaction('lessons', 'readwrite');
    const parsed = v.safeParse(ProgressSchema, await transaction.store.get(lesson));
    await transaction.store.put(change(parsed.success ? parsed.output : { lesson, runs: 0 }), lesson);
    await transaction.done;
  } finally {
    database.close();
  }
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(lesson);
  channel.close();
}

/** Calls `listener` with what is kept, now and whenever this browser keeps something new. Returns a function that ends it. */
export function followProgress(listener: (progress: Progress) => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  let isEnded = false;
  const tell = (): void => {
    readProgress()
      .then((progress) => {
        if (!isEnded) listener(progress);
      })
      // A browser that refuses storage keeps none; the lessons work all the same.
      .catch(() => undefined);
  };
  channel.addEventListener('message', tell);
  tell();
  return () => {
    isEnded = true;
    channel.close();
  };
}

/** What an instructor is told of it. */
export type LessonsReport = Pick<ClassReport, 'lessons' | 'predictions'>;

/** Nothing, until the reader has begun. `ids`: the lessons of the workshop. */
export function lessonsReport(progress: Progress, ids: readonly string[]): LessonsReport {
  if (progress.size === 0) return {};
  const predictions = [...progress.values()].flatMap(({ lesson, prediction }): readonly LessonPrediction[] =>
    prediction === undefined ? [] : [{ lesson, ...prediction }],
  );
  return {
    lessons: { passed: passedOf(progress, ids), of: ids.length },
    // Those of the workshop first, should somebody have worked on many more.
    predictions: predictions
      .sort((a, b) => Number(ids.includes(b.lesson)) - Number(ids.includes(a.lesson)))
      .slice(0, MAX_PREDICTIONS),
  };
}

/** Lessons passed of those named. */
export const passedOf = (progress: Progress, names: readonly string[]): number =>
  names.filter((name) => progress.get(name)?.passedAt !== undefined).length;

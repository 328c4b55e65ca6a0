// Reads a lesson's file: front matter in YAML between two lines of three dashes, then Markdown. Whatever is wrong is one clear error.

import * as v from 'valibot';
import { parse, YAMLParseError } from 'yaml';
import { liveSchedule, ScheduleError } from '../../faults/schedule.ts';
import { FrontMatterSchema, type FrontMatter, type Lesson } from './lesson.ts';

/** Longest file, in characters. */
export const MAX_LESSON = 64 * 1024;
/** Aliases of YAML may stand for this many nodes. A lesson needs none; a bomb is made of them. */
const MAX_ALIASES = 20;

export class LessonError extends Error {
  override readonly name = 'LessonError';
  constructor(
    /** Such as `goal[1]`, or `line 3` where the front matter is no YAML. */
    readonly place: string,
    readonly expected: string,
    readonly found: string,
    options?: ErrorOptions,
  ) {
    super(
      `The lesson is wrong at ${place}: expected ${expected}, found ${found}. See docs/lessons.md.`,
      options,
    );
  }
}

/** Throws a `LessonError`. */
export function parseLesson(text: string): Lesson {
  if (text.length > MAX_LESSON)
    throw new LessonError('the whole file', `at most ${MAX_LESSON} characters`, `${text.length}`);
  const match = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n([\s\S]*))?$/.exec(text);
  if (match === null)
    throw new LessonError(
      'line 1',
      'front matter between two lines of ---',
      quoted(text.split('\n', 1)[0] ?? ''),
    );
  const [, head = '', body = ''] = match;
  const front = validated(read(head));
  checkSense(front);
  if (body.trim() === '') throw new LessonError('the text', 'Markdown after the front matter', 'nothing');
  return { ...front, body };
}

function read(head: string): unknown {
  try {
    // The core schema knows no tags of its own: what comes out is plain data.
    return parse(head, { schema: 'core', maxAliasCount: MAX_ALIASES, prettyErrors: true, logLevel: 'error' });
  } catch (error) {
    if (error instanceof YAMLParseError) {
      const at = error.linePos?.[0];
      // The line of dashes above counts as well.
      const place = at === undefined ? 'the front matter' : `line ${at.line + 1}, column ${at.col}`;
      throw new LessonError(place, 'YAML', error.message.replace(/ at line [\s\S]*$/, ''), { cause: error });
    }
    throw new LessonError(
      'the front matter',
      'YAML',
      error instanceof Error ? error.message : 'something else',
      {
        cause: error,
      },
    );
  }
}

function validated(value: unknown): FrontMatter {
  const result = v.safeParse(FrontMatterSchema, value);
  if (result.success) return result.output;
  const issue = deepest(result.issues[0]);
  const place = pathText(issue.path.map((item) => item.key));
  const own = /^Expected (.*)$/.exec(issue.message)?.[1];
  if (issue.path.at(-1)?.origin === 'key')
    throw issue.expected === 'never'
      ? new LessonError(place, 'no such field', 'one')
      : new LessonError(place, 'this field', 'nothing');
  throw new LessonError(
    place,
    own ?? issue.expected?.replaceAll(/^\(|\)$/g, '').replaceAll(' | ', ' or ') ?? 'another value',
    quoted(issue.input),
  );
}

interface Issue {
  readonly message: string;
  readonly expected: string | null;
  readonly input: unknown;
  readonly path: readonly { readonly key: unknown; readonly origin: string }[];
}

/** Of a union, the issue of the alternative that got furthest: it is the one that was meant. */
function deepest(issue: v.BaseIssue<unknown>, above: Issue['path'] = []): Issue {
  const path = [...above, ...(issue.path ?? [])];
  const own: Issue = { message: issue.message, expected: issue.expected, input: issue.input, path };
  const inner = (issue.issues ?? []).map((one) => deepest(one, path));
  return inner.reduce((best, one) => (one.path.length > best.path.length + 1 ? one : best), own);
}

const pathText = (keys: readonly unknown[]): string =>
  keys.length === 0
    ? 'the front matter'
    : keys
        .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
        .join('');

function quoted(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What is well-formed and yet cannot be run. */
function checkSense({ run, predict, settings }: FrontMatter): void {
  if (run.world === 'simulator' || run.world === 'live')
    run.faults.forEach(({ at, rank, page }, i) => {
      if (!('moment' in at) && rank === undefined && page === undefined)
        throw new LessonError(`run.faults[${i}]`, 'whom it strikes: a rank or a page', 'nobody');
    });
  if (run.world === 'live') {
    try {
      liveSchedule({ format: 1, faults: run.faults });
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      throw new LessonError(`run.${error.place}`, error.expected, error.found, { cause: error });
    }
  }
  if ('number' in predict && predict.number.least >= predict.number.most)
    throw new LessonError(
      'predict.number',
      'least below most',
      `${predict.number.least} and ${predict.number.most}`,
    );
  settings.forEach((setting, i) => {
    if ('options' in setting) {
      if (!setting.options.some(({ value }) => value === setting.value))
        throw new LessonError(`settings[${i}].value`, 'one of its options', quoted(setting.value));
    } else if (setting.value < setting.least || setting.value > setting.most)
      throw new LessonError(
        `settings[${i}].value`,
        `${setting.least} to ${setting.most}`,
        `${setting.value}`,
      );
    if (
      (setting.set === 'protocol') !== (run.world === 'hunt') &&
      setting.set !== 'seed' &&
      setting.set !== 'ranks'
    )
      throw new LessonError(
        `settings[${i}].set`,
        `something that a run in the world "${run.world}" has`,
        quoted(setting.set),
      );
  });
}

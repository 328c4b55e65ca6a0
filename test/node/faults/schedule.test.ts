// Schedule files: what is wrong is named by place, expectation and finding; what is right comes due once and in order.

import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findJsonFlaw } from '../../../src/trace/json-text.ts';
import {
  ScheduleError,
  followSchedule,
  liveSchedule,
  parseSchedule,
  parseScheduleText,
} from '../../../src/faults/schedule.ts';
import { FaultSchema, WorldFaultSchema } from '../../../src/faults/vocabulary.ts';

const scheduleOf = (...faults: unknown[]): unknown => ({ format: 1, faults });
const entry = (changes: object = {}): object => ({
  at: { step: 3 },
  rank: 0,
  fault: { kind: 'kill' },
  ...changes,
});

function errorOf(work: () => unknown): [place: string, expected: string, found: string] | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return [error.place, error.expected, error.found];
    throw error;
  }
}

describe('a schedule', () => {
  test('is taken as it stands when it is valid', () => {
    const schedule = {
      format: 1,
      seed: 7,
      faults: [
        { at: { step: 20 }, rank: 2, fault: { kind: 'kill' } },
        { at: { ms: 1500.5 }, rank: 'any', fault: { kind: 'cut', to: 1, direction: 'out', forMs: 800 } },
      ],
    };
    expect(parseScheduleText(JSON.stringify(schedule))).toEqual(schedule);
    expect(parseSchedule({ format: 1, faults: [] })).toEqual({ format: 1, faults: [] });
  });

  test.each<[string, unknown, [place: string, expected: string, found: string]]>([
    ['no object', 5, ['the whole text', 'Object', '5']],
    ['another format', { format: 2, faults: [] }, ['format', '1', '2']],
    ['no faults', { format: 1 }, ['faults', 'this field', 'nothing']],
    ['a field too many', { format: 1, faults: [], chaos: true }, ['chaos', 'no such field', 'one']],
    [
      'no rank',
      scheduleOf({ at: { step: 1 }, fault: { kind: 'kill' } }),
      ['faults[0].rank', 'this field', 'nothing'],
    ],
    [
      'a rank that is none',
      scheduleOf(entry(), entry({ rank: 'all' })),
      ['faults[1].rank', 'a rank number from 0 to 1023 or "any"', '"all"'],
    ],
    [
      'no time',
      scheduleOf(entry({ at: {} })),
      [
        'faults[0].at',
        '{"step": 0 to 10000000}, {"ms": 0 to 604800000} or {"moment", "nth", "afterMs", "hits"}',
        '{}',
      ],
    ],
    [
      'two times',
      scheduleOf(entry({ at: { step: 1, ms: 2 } })),
      [
        'faults[0].at',
        '{"step": 0 to 10000000}, {"ms": 0 to 604800000} or {"moment", "nth", "afterMs", "hits"}',
        '{"step":1,"ms":2}',
      ],
    ],
    [
      'half a step',
      scheduleOf(entry({ at: { step: 1.5 } })),
      ['faults[0].at.step', 'a whole number from 0 to 10000000', '1.5'],
    ],
    ['no fault', scheduleOf(entry({ fault: 'kill' })), ['faults[0].fault', 'Object', '"kill"']],
    ['a list for the whole', [], ['the whole text', 'an object', '[]']],
    ['a list for an entry', scheduleOf(entry(), []), ['faults[1]', 'an object', '[]']],
    [
      'a list for a fault',
      scheduleOf(entry({ fault: ['kill'] })),
      ['faults[0].fault', 'an object', '["kill"]'],
    ],
    [
      'a freeze without end',
      scheduleOf(entry({ fault: { kind: 'freeze' } })),
      ['faults[0].fault.forMs', 'this field', 'nothing'],
    ],
    [
      'a time out of range',
      scheduleOf(entry({ fault: { kind: 'cut', forMs: 0 } })),
      ['faults[0].fault.forMs', '>=1', '0'],
    ],
    [
      'a field of another fault',
      scheduleOf(entry({ fault: { kind: 'kill', forMs: 5 } })),
      ['faults[0].fault.forMs', 'no such field', 'one'],
    ],
  ])('with %s is refused with place, expectation and finding', (_what, value, expected) => {
    expect(errorOf(() => parseSchedule(value))).toEqual(expected);
  });

  test('with an unknown fault is refused with the faults there are', () => {
    const [place, expected, found] =
      errorOf(() => parseSchedule(scheduleOf(entry({ fault: { kind: 'melt' } })))) ?? [];
    expect([place, found]).toEqual(['faults[0].fault.kind', '"melt"']);
    expect(expected).toContain('"close" or "kill" or "freeze"');
  });

  test('says all of it in one sentence', () => {
    expect(() => parseSchedule({ format: 1, faults: [entry({ rank: -1 })] })).toThrow(
      'The fault schedule is wrong at faults[0].rank: expected a rank number from 0 to 1023 or "any", found -1. See docs/faults.md.',
    );
  });

  test.each<[text: string, place: string, expected: string, found: string]>([
    ['', 'line 1, column 1', 'a value', 'the end of the text'],
    ['{"format": 1,\n  "faults": [}', 'line 2, column 14', 'a value', '"}"'],
    ['{"format": 1 "faults": []}', 'line 1, column 14', '"," or "}"', '"\\"faults\\": []"'],
    ["{'format': 1}", 'line 1, column 2', 'a key in double quotes', '"\'format\': 1}"'],
    ['{"format": 1,}', 'line 1, column 14', 'a key in double quotes', '"}"'],
    ['{"format" 1}', 'line 1, column 11', '":"', '"1}"'],
    ['{"a": "x', 'line 1, column 9', "the string's closing quote", 'the end of the text'],
    ['{"a": "\\x"}', 'line 1, column 8', 'a valid escape', '"\\\\x\\"}"'],
    ['{"a": 1} // comment', 'line 1, column 10', 'the end', '"// comment"'],
  ])('that is no JSON is refused with the position: %j', (text, place, expected, found) => {
    expect(errorOf(() => parseScheduleText(text))).toEqual([place, expected, found]);
  });

  test('that is too long, too deep or too full is refused', () => {
    expect(errorOf(() => parseScheduleText(' '.repeat(5_000_000)))?.[0]).toBe('the whole text');
    expect(errorOf(() => parseScheduleText('['.repeat(100_000)))?.[1]).toBe('at most 64 levels');
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    for (const text of [deep, `{"format":${deep}}`, `{"format":1,"faults":[{"at":${deep}}]}`])
      expect(errorOf(() => parseScheduleText(text))?.[1]).toBe('at most 64 levels');
    expect(
      errorOf(() => parseSchedule(scheduleOf(...Array.from({ length: 10_001 }, () => entry()))))?.[0],
    ).toBe('faults');
  });

  test('of any text or value is taken or refused with a ScheduleError, and nothing else', () => {
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '"', ',', '}', '[', '\\', '1', ' ', '\n'),
      )
      .map(
        ([text, at, char]) =>
          text.slice(0, at % (text.length + 1)) + char + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (text) => void errorOf(() => parseScheduleText(text))),
    );
    fc.assert(fc.property(fc.anything(), (value) => void errorOf(() => parseSchedule(value))));
    const part = fc.oneof(
      fc.anything(),
      fc.constant({ kind: 'cut' }),
      fc.constant({ step: 1 }),
      fc.constant('any'),
    );
    const near = fc.record({ at: part, rank: part, fault: part });
    fc.assert(
      fc.property(fc.array(near), (faults) => void errorOf(() => parseSchedule(scheduleOf(...faults)))),
    );
  });
});

test('a flaw is found in exactly the texts that JSON.parse refuses', () => {
  const text = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.nat(2),
      fc.constantFrom('', '"', ',', ':', '}', ']', '\\', '-', '0', '.', 'e', 'u', '\t'),
    )
    .map(
      ([json, at, cut, char]) =>
        json.slice(0, at % (json.length + 1)) + char + json.slice((at % (json.length + 1)) + cut),
    );
  fc.assert(
    fc.property(fc.oneof(text, fc.json(), fc.string()), (given) => {
      let valid = true;
      try {
        JSON.parse(given);
      } catch {
        valid = false;
      }
      expect(findJsonFlaw(given) === undefined).toBe(valid);
    }),
    { numRuns: 3000 },
  );
});

describe('following a schedule', () => {
  const schedule = liveSchedule(
    parseSchedule({
      format: 1,
      seed: 3,
      faults: [
        entry({ at: { step: 5 }, rank: 1 }),
        entry({ at: { ms: 100 }, rank: 2 }),
        entry({ at: { step: 2 }, rank: 3 }),
        entry({ at: { step: 5 }, rank: 4 }),
      ],
    }),
  );

  test('gives each fault once, when its step or its time has come, in the order of the file', () => {
    const cursor = followSchedule(schedule);
    const ranks = (step: number, ms: number): number[] =>
      cursor.due({ step, ms, ranks: 5 }).map((due) => due.rank);
    expect(cursor.pending).toBe(4);
    expect(ranks(1, 50)).toEqual([]);
    expect(ranks(2, 60)).toEqual([3]);
    expect(ranks(7, 150)).toEqual([1, 2, 4]);
    expect(ranks(9, 900)).toEqual([]);
    expect(cursor.pending).toBe(0);
  });

  test('chooses "any" rank by the seed, among those there are', () => {
    const faults = Array.from({ length: 200 }, (_, step) => entry({ at: { step }, rank: 'any' }));
    const run = (seed: number): number[] =>
      followSchedule(liveSchedule(parseSchedule({ format: 1, seed, faults })))
        .due({ step: 200, ms: 0, ranks: 4 })
        .map((due) => due.rank);
    expect(new Set(run(1))).toEqual(new Set([0, 1, 2, 3]));
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test('waits while there is no rank to strike', () => {
    const cursor = followSchedule(schedule);
    expect(cursor.due({ step: 9, ms: 900, ranks: 0 })).toEqual([]);
    expect(cursor.due({ step: 9, ms: 900, ranks: 1 })).toHaveLength(4);
  });
});

describe('a schedule for live tabs', () => {
  test.each([
    [{ at: { moment: 'voted', nth: 1, afterMs: 0, hits: 'actor' }, fault: { kind: 'kill' } }, 'faults[0].at'],
    [{ at: { step: 1 }, page: 0, fault: { kind: 'kill' } }, 'faults[0].rank'],
    [{ at: { step: 1 }, rank: 0, fault: { kind: 'lose-gpu-for-good' } }, 'faults[0].fault.kind'],
  ])('refuses what only the simulator can do: %j', (given, place) => {
    const schedule = parseSchedule(scheduleOf(given));
    expect(errorOf(() => liveSchedule(schedule))?.[0]).toBe(place);
  });
});

describe('docs/faults.md', () => {
  const page = readFileSync(new URL('../../../docs/faults.md', import.meta.url), 'utf8');

  test('shows only schedules that are valid', () => {
    const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(2);
    for (const example of examples) expect(errorOf(() => parseScheduleText(example))).toBeUndefined();
  });

  const kinds = [...FaultSchema.options, ...WorldFaultSchema.options].map(
    (option) => option.entries.kind.literal,
  );
  const section = (title: string): string => page.slice(page.indexOf(`## ${title}`)).split('\n## ')[0] ?? '';
  const rowsOf = (title: string): readonly (readonly string[])[] =>
    [...section(title).matchAll(/^\| `[a-z-]+` \|.*$/gm)].map(([row]) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const kindOf = ([cell = '']: readonly string[]): string => cell.replaceAll('`', '');

  test('has a row for every kind of fault, and for no other', () => {
    expect(rowsOf('The kinds').map(kindOf)).toEqual(kinds);
    expect(rowsOf('How each is noticed and cured').map(kindOf)).toEqual(kinds);
  });

  test('names for every kind a test in a real browser that there is', () => {
    for (const row of rowsOf('How each is noticed and cured')) {
      const tests = [...(row.at(-1) ?? '').matchAll(/`([a-z0-9/-]+)`((?:[^"`]*"[^"`]+")+)/g)];
      expect(
        tests.some(([, file = '']) => /^(e2e|long|browser)\//.test(file)),
        kindOf(row),
      ).toBe(true);
      for (const [, file = '', names = ''] of tests) {
        const source = readFileSync(new URL(`../../${file}.test.ts`, import.meta.url), 'utf8');
        for (const [, name = ''] of names.matchAll(/"([^"]+)"/g))
          expect(source, `${kindOf(row)}: ${file}`).toContain(name);
      }
    }
  });
});

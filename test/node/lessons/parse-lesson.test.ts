// A lesson's file is untrusted: what is taken, and how each thing that is wrong is said.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCondition,
  holds,
  parseCondition,
  type Condition,
} from '../../../src/lab/lessons/condition.ts';
import { parseMarkdown } from '../../../src/lab/lessons/markdown.ts';
import { METRICS, VERDICTS } from '../../../src/lab/lessons/metrics.ts';
import { LessonError, MAX_LESSON, parseLesson } from '../../../src/lab/lessons/parse-lesson.ts';

const FRONT = `id: own
title: Mine
idea: One idea.
minutes: 5
predict:
  question: What happens?
  choices:
    - { says: nothing, when: [lostSteps = 0] }
    - { says: much, when: [lostSteps > 0] }
run: { world: simulator, ranks: 3, steps: 20 }
goal: [verdict = held]`;
const file = (front: string, body = '# Hello\n\nSome text.'): string => `---\n${front}\n---\n\n${body}\n`;

test('a lesson of a few lines is complete; what it leaves out is as usual', () => {
  const lesson = parseLesson(file(FRONT));
  expect(lesson).toMatchObject({
    id: 'own',
    run: { seed: 1, quorum: 'majority', checkpointEvery: 5, faults: [] },
    settings: [],
    goal: [{ kind: 'verdict', verdict: 'held' }],
    body: '\n# Hello\n\nSome text.\n',
  });
  expect(parseLesson(file(FRONT).replaceAll('\n', '\r\n')).id).toBe('own');
});

describe('a file that is wrong is one error, which names the place, what was expected and what was found', () => {
  const change = (from: string, to: string): string => file(FRONT.replace(from, to));
  test.each([
    ['no front matter', '# Hello', 'line 1: expected front matter between two lines of ---'],
    [
      'a body without text',
      file(FRONT, ''),
      'the text: expected Markdown after the front matter, found nothing',
    ],
    ['no YAML', file('id: [own'), /line \d+, column \d+: expected YAML/],
    ['a field too many', file(`${FRONT}\nstyle: loud`), 'style: expected no such field, found one'],
    ['a field too few', change('minutes: 5\n', ''), 'minutes: expected this field, found nothing'],
    [
      'an unknown metric',
      change('lostSteps > 0', 'luck > 0'),
      'predict.choices[1].when[0]: expected a condition such as "goodput >= 0.9"',
    ],
    [
      'an unknown world',
      change('world: simulator', 'world: moon'),
      /run\.world: expected .*"live".*, found "moon"/,
    ],
    ['too many ranks', change('ranks: 3', 'ranks: 5000'), /run\.ranks: expected .*32.*, found 5000/],
    [
      'a fault that does not exist',
      change('steps: 20', 'steps: 20, faults: [{ at: { step: 1 }, page: 0, fault: { kind: meteor } }]'),
      /run\.faults\[0\]\.fault\.kind: expected .*, found "meteor"/,
    ],
    [
      'a fault that strikes nobody',
      change('steps: 20', 'steps: 20, faults: [{ at: { step: 1 }, fault: { kind: kill } }]'),
      'run.faults[0]: expected whom it strikes: a rank or a page, found nobody',
    ],
    [
      'a fault that no live rank can act out',
      change(
        'world: simulator, ranks: 3, steps: 20',
        'world: live, ranks: 3, steps: 20, faults: [{ at: { step: 1 }, rank: 0, fault: { kind: reload } }]',
      ),
      'run.faults[0].fault.kind: expected what a live rank can do',
    ],
    [
      'a setting outside its own range',
      file(`${FRONT}\nsettings: [{ set: ranks, label: Ranks, value: 9, least: 1, most: 5 }]`),
      'settings[0].value: expected 1 to 5, found 9',
    ],
    [
      'a file that is too long',
      file(FRONT, 'x'.repeat(MAX_LESSON)),
      'the whole file: expected at most 65536 characters',
    ],
  ])('%s', (_name, text, message) => {
    expect(() => parseLesson(text)).toThrow(LessonError);
    expect(() => parseLesson(text)).toThrow(message);
  });

  test('a bomb of aliases is refused', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) bomb.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`);
    expect(() => parseLesson(file(bomb.join('\n')))).toThrow(LessonError);
  });

  test('whatever the text is, nothing but a lesson or that error comes of it', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        ...FRONT.split('\n'),
        '---',
        '  - x',
        'goal: 7',
        '&a',
        '*a',
        '!!js/function x',
        'run: null',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        for (const text of [pieces.join('\n'), file(pieces.join('\n'))]) {
          try {
            parseLesson(text);
          } catch (error) {
            expect(error).toBeInstanceOf(LessonError);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    kind: fc.constant('metric' as const),
    metric: fc.constantFrom(...METRICS),
    is: fc.constantFrom('>=' as const, '<=' as const, '=' as const, '>' as const, '<' as const),
    value: fc.integer({ min: 0, max: 999_999_999 }).map((n) => n / 100),
  }),
  fc.record({ kind: fc.constant('verdict' as const), verdict: fc.constantFrom(...VERDICTS) }),
);

describe('a condition', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        expect(parseCondition(formatCondition(condition))).toEqual(condition);
      }),
    );
  });

  test('is one of a small vocabulary', () => {
    for (const text of [
      '',
      'goodput',
      'goodput >= ',
      'goodput >= many',
      'goodput => 1',
      'verdict >= held',
      'verdict = fine',
      'goodput >= 1; drop',
      'constructor = 1',
    ])
      expect(parseCondition(text), text).toBeUndefined();
  });

  test('does not hold of what was not measured', () => {
    const nothing = { verdict: 'held', values: {} } as const;
    fc.assert(
      fc.property(conditions, (condition) => {
        expect(holds(condition, nothing)).toBe(condition.kind === 'verdict' && condition.verdict === 'held');
      }),
    );
  });
});

describe('the text of a lesson', () => {
  test('has no blank where a line of Chinese ends, and one between other words', () => {
    const said = (text: string): unknown => parseMarkdown(text)[0];
    for (const [text, shown] of [
      ['没有发生，\n就结束', '没有发生，就结束'],
      ['一个\n次序', '一个次序'],
      ['每个\nrank 都', '每个\nrank 都'],
      ['the end\nof it', 'the end\nof it'],
    ])
      expect(said(text ?? '')).toEqual({ kind: 'paragraph', children: [{ kind: 'text', text: shown }] });
  });

  test('holds no HTML, no picture, and no address that a click could run', () => {
    const tree = parseMarkdown(
      [
        '<script>alert(1)</script>',
        '![a picture](https://example.org/track.png) and <img src=x onerror=alert(1)>',
        '[run](javascript:alert(1)) [data](data:text/html,x) [near](//example.org) [go](https://example.org/a)',
      ].join('\n\n'),
    );
    expect(tree).toEqual([
      { kind: 'paragraph', children: [{ kind: 'text', text: '<script>alert(1)</script>' }] },
      {
        kind: 'paragraph',
        children: [
          { kind: 'text', text: 'a picture' },
          { kind: 'text', text: ' and ' },
          { kind: 'text', text: '<img src=x onerror=alert(1)>' },
        ],
      },
      {
        kind: 'paragraph',
        children: [
          { kind: 'text', text: 'run' },
          { kind: 'text', text: ' ' },
          { kind: 'text', text: 'data' },
          { kind: 'text', text: ' ' },
          { kind: 'text', text: 'near' },
          { kind: 'text', text: ' ' },
          { kind: 'link', href: 'https://example.org/a', children: [{ kind: 'text', text: 'go' }] },
        ],
      },
    ]);
  });

  test('is a tree whatever it is', () => {
    const mark = fc.constantFrom(
      '# ',
      '- ',
      '> ',
      '```\n',
      '**',
      '_',
      '[a](',
      ')',
      '|',
      '\n',
      '<b>',
      '![',
      '1. ',
      '    ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(mark, fc.string()), { maxLength: 60 }), (pieces) => {
        for (const { href } of linksIn(parseMarkdown(pieces.join('')))) expect(href).toMatch(/^https:\/\//i);
      }),
    );
  });
});

/** Every link in the tree. */
function linksIn(node: unknown): readonly { readonly href: string }[] {
  if (Array.isArray(node)) return node.flatMap(linksIn);
  if (node === null || typeof node !== 'object') return [];
  const inner = Object.values(node).flatMap(linksIn);
  return 'href' in node ? [node as { href: string }, ...inner] : inner;
}

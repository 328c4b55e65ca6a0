// The lab in two languages: complete in both, and nothing said outside the tables. That no name is missing is held by the types.

import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultSchema, WorldFaultSchema, type AnyFault } from '../../src/faults/vocabulary.ts';
import { chinese as classWords } from '../../src/lab/classroom/class-words-zh.ts';
import { chinese as consoleWords } from '../../src/lab/console/console-words-zh.ts';
import { chinese as diagramWords } from '../../src/lab/diagram/diagram-words-zh.ts';
import { toldDiagram } from '../../src/lab/diagram/guest-words.ts';
import { count, span, timeOfDay } from '../../src/lab/format.ts';
import { language, preferred, speak } from '../../src/lab/language/language.ts';
import { chinese as raceWords } from '../../src/lab/simulation/race-words-zh.ts';
import { plainText } from '../../src/lab/sentence.ts';
import { english } from '../../src/lab/sentences-en.ts';
import { chinese } from '../../src/lab/sentences-zh.ts';
import { drawGuest } from '../../src/simulator/guest/drawing.ts';
import { drawGuestExperiment } from '../../src/simulator/guest/experiment.ts';
import { runGuest } from '../../src/simulator/guest/run.ts';
import { parseProtocol } from '../../src/simulator/guest/shape.ts';
import { SCENARIOS } from '../../src/simulator/scenarios.ts';
import { chinese as strikes } from '../../src/lab/strike-words-zh.ts';
import { chinese as toldInChinese } from '../../src/lab/told-words-zh.ts';
import { words } from '../../src/lab/words.ts';
import { chinese as volunteerWords } from '../../src/lab/volunteer/volunteer-words-zh.ts';
import { chinese as labWords } from '../../src/lab/words-zh.ts';

const LAB = new URL('../../src/lab/', import.meta.url);
/** The tables; and workers and the parser of lesson files: what these throw is detail in a sentence of the lab. */
const MAY_SPEAK =
  /words-(en|zh)\.ts$|sentences-(en|zh)\.ts$|-worker\.ts$|^simulation\/branches\.ts$|^lessons\/parse-lesson\.ts$/;
/** Names that are the same in every language. */
const NAMES = /^(WebGPU|CPU|GPU|WebGPU|Rankfall|KiB|Top k)$/;

interface Found {
  readonly where: string;
  readonly text: string;
}

/** Text that a person would read: between tags, in the attributes that are read out, or given to what speaks. */
function literalsIn(file: string, source: string): readonly Found[] {
  const root = ts.createSourceFile(
    file,
    source,
    ts.ScriptTarget.Latest,
    true,
    file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );
  const found: Found[] = [];
  const note = (node: ts.Node, text: string): void => {
    const words = text.replace(/[^\p{L}]+/gu, ' ').trim();
    if (words.length < 2 || NAMES.test(words)) return;
    const { line } = root.getLineAndCharacterOfPosition(node.getStart());
    found.push({ where: `${file}:${line + 1}`, text: text.trim() });
  };
  const textOf = (node: ts.Node): string | undefined => {
    if (ts.isStringLiteralLike(node)) return node.text;
    if (ts.isTemplateExpression(node))
      return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' ');
    return undefined;
  };
  const READ = /^(aria-(label|valuetext|description)|title|alt|placeholder|label|about)$/;
  const SPEAKS = /^(say|complain|answered)$|Error$/;
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node, node.text);
    else if (ts.isJsxAttribute(node) && READ.test(node.name.getText())) {
      const value = node.initializer;
      const inner = value !== undefined && ts.isJsxExpression(value) ? value.expression : value;
      const text = inner === undefined ? undefined : textOf(inner);
      if (text !== undefined) note(node, text);
    } else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) {
      const inside = (part: ts.Node): void => {
        if (ts.isJsxElement(part) || ts.isJsxSelfClosingElement(part)) return;
        if (ts.isCallExpression(part)) return;
        if (ts.isBinaryExpression(part) && /^(===|!==|in)$/.test(part.operatorToken.getText())) return;
        if (ts.isElementAccessExpression(part)) return;
        const text = textOf(part);
        if (text !== undefined) note(part, text);
        else ts.forEachChild(part, inside);
      };
      ts.forEachChild(node, inside);
    } else if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const callee = node.expression.getText().split('.').at(-1) ?? '';
      if (SPEAKS.test(callee))
        for (const argument of node.arguments ?? []) {
          const text = textOf(ts.isArrowFunction(argument) ? argument.body : argument);
          if (text !== undefined && text.includes(' ')) note(argument, text);
        }
    }
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** Every text of a table that is not made from values. */
const textsOf = (table: unknown): readonly string[] =>
  typeof table === 'string'
    ? [table]
    : typeof table === 'object' && table !== null
      ? Object.values(table).flatMap(textsOf)
      : [];

afterEach(() => speak('en'));

describe('the lab in two languages', () => {
  it('finds words that are written into a page', () => {
    const page = `const A = () => <p title="Not here">Nor here {isOpen ? 'neither this' : words.a}{lab.say(\`\${n} too\`)}</p>;`;
    expect(literalsIn('page.tsx', page).map(({ text }) => text)).toEqual([
      'Not here',
      'Nor here',
      'neither this',
      'too',
    ]);
    expect(literalsIn('a.ts', `lab.complain('This is said.')`)).toHaveLength(1);
    expect(literalsIn('page.tsx', `const A = () => <b class="big">{words.name} · {count}</b>;`)).toEqual([]);
  });

  it('says nothing that is not in a table', () => {
    const files = readdirSync(LAB, { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.tsx?$/.test(file) && !MAY_SPEAK.test(file),
    );
    expect(files.length).toBeGreaterThan(60);
    const found = files.flatMap((file) => literalsIn(file, readFileSync(new URL(file, LAB), 'utf8')));
    expect(found).toEqual([]);
  });

  it.each(Object.entries({ labWords, raceWords, diagramWords, classWords, consoleWords, volunteerWords }))(
    'has Chinese text in the Chinese table %s',
    (_, table) => {
      const same = textsOf(table).filter((text) => !/\p{Script=Han}/u.test(text));
      // What is not Chinese there is the same everywhere, or has no letters.
      for (const text of same)
        expect(text).toMatch(/^(Rankfall|English|zh-Hans|en|Top k|Rank|WebGPU|[^\p{L}]*)$/u);
    },
  );

  it.each([
    [['zh-CN', 'en'], 'zh-Hans'],
    [['zh-Hant-TW'], 'zh-Hans'],
    [['de-AT', 'zh'], 'zh-Hans'],
    [['en-GB', 'zh'], 'en'],
    [['fr'], 'en'],
    [[], 'en'],
  ] as const)('speaks, to a browser that asks for %j, %s', (wanted, spoken) => {
    expect(preferred(wanted)).toBe(spoken);
  });

  it('follows a choice at once, words and numbers alike', async () => {
    expect(words.actions.pause).toBe('Pause');
    expect(span(600_000)).toBe('10 min');
    await speak('zh-Hans');
    expect(language.value).toBe('zh-Hans');
    expect(words.actions.pause).toBe('暂停');
    expect(words.regroups.generation(3)).toBe('第 3 代');
    expect(span(600_000)).toBe('10 分钟');
    expect(count(12_345)).toBe('12,345');
    expect(timeOfDay(new Date(2026, 0, 2, 3, 4, 5, 678).getTime())).toBe('03:04:05.6');
    await speak('en');
    expect(words.actions.pause).toBe('Pause');
  });

  it('takes the last of two choices, whichever of them is ready first', async () => {
    await Promise.all([speak('zh-Hans'), speak('en')]);
    expect(language.value).toBe('en');
  });
});

describe('what engines and invariants say of themselves', () => {
  it('is told in Chinese, with its names and numbers, and stays as it is where it is not known', () => {
    const { told, adapter } = toldInChinese;
    expect(told('Generation 4 has other members on 1a2b3c than on 4d5e6f.')).toBe(
      '第 4 代在 1a2b3c 上的成员与在 4d5e6f 上的不同。',
    );
    expect(
      told(
        'The only WebGPU adapter here, SwiftShader (software), is itself a program on the CPU, and the CPU engine is faster.',
      ),
    ).toBe('这里唯一的 WebGPU 适配器（SwiftShader (software)）本身就是 CPU 上的程序，CPU 引擎更快。');
    expect(adapter('TypeScript on the CPU')).toBe('CPU 上的 TypeScript');
    expect(told('no two readers hold one book')).toBe('no two readers hold one book');
  });

  it('knows every sentence of the invariants', () => {
    const source = readFileSync(new URL('../../src/invariants/check.ts', import.meta.url), 'utf8');
    const sentences = [...source.matchAll(/violate\(\s*\d,\s*`([^`]*)`/gu)].map(([, text = '']) =>
      text.replace(/\$\{[^}]*\}/gu, '7'),
    );
    expect(sentences.length).toBeGreaterThan(20);
    for (const sentence of sentences)
      expect(toldInChinese.told(sentence), sentence).toMatch(/\p{Script=Han}/u);
  });
});

describe('the race laboratory in Chinese', () => {
  it.each(Object.entries(SCENARIOS))('tells what happens in the scenario %s', (name, { tells }) => {
    expect(raceWords.tells({ name, tells })).not.toContain(tells);
  });
});

describe('a diagram in Chinese', () => {
  it('names lanes, what they say of themselves, and every fault that strikes', async () => {
    await speak('zh-Hans');
    const { lane, fact, standing, told } = toldInChinese;
    expect(['page 2 · 1a2b', 'witness · 1a2b', 'node 0', 'profile 1', 'rank 1a2b'].map(lane)).toEqual([
      '页面 2 · 1a2b',
      '见证者 · 1a2b',
      '节点 0',
      '浏览器 1',
      'rank 1a2b',
    ]);
    expect([fact('phase'), standing('reducing'), standing('step 7'), standing('3, of 4')]).toEqual([
      '阶段',
      '全归约中',
      '第 7 步',
      '第 3 代，4 个 rank',
    ]);
    expect(told('invariant 4')).toBe('不变量 4');
    const kinds = [...FaultSchema.options, ...WorldFaultSchema.options].map(
      ({ entries }) => entries.kind.literal,
    );
    for (const kind of kinds.filter((one) => one !== 'command'))
      expect(strikes.strike({ at: { ms: 0 }, page: 2, fault: { kind } as AnyFault }), kind).toMatch(
        /^页面 2：“[^”]*\p{Script=Han}/u,
      );
    expect(strikes.strike({ at: { step: 3 }, rank: 'any', fault: { kind: 'freeze', forMs: 5000 } })).toBe(
      '任一 rank：“冻结”（持续 5 秒）',
    );
    expect(strikes.strike({ at: { step: 3 }, page: 0, fault: { kind: 'command', command: 'pause' } })).toBe(
      '页面 0：有人按下“暂停”',
    );
  });
});

describe('the run of an example in Chinese', () => {
  const SEEDS = 60;

  it.each(['hello', 'horovod-elastic', 'torchft-quorum'])(
    'is told in it from beginning to end: %s',
    async (name) => {
      const module = (await import(`../../examples/${name}.ts`)) as { readonly protocol: unknown };
      const protocol = parseProtocol(module.protocol);
      await speak('zh-Hans');
      const told = new Set<string>();
      for (let seed = 1; seed <= SEEDS; seed++) {
        const drawing = drawGuest();
        const outcome = runGuest(protocol, drawGuestExperiment(seed, protocol, 'hash', {}), drawing);
        const { marks, headlines } = toldDiagram(drawing.diagram(outcome));
        for (const { text } of [...marks, ...headlines]) told.add(text);
        for (const sentence of [outcome.invariant, outcome.reason])
          if (sentence !== undefined) told.add(toldInChinese.told(sentence));
      }
      expect(told.size).toBeGreaterThan(5);
      for (const text of told) {
        expect(text).toMatch(/\p{Script=Han}/u);
        // Names of kinds and values stay; a sentence of English has more words than one in a row.
        expect(text).not.toMatch(/[a-z]{2,} [a-z]{2,}/u);
      }
    },
  );
});

describe('a fault in the log', () => {
  it('is told by its name and settings, not as it is stored', async () => {
    const told = (language: typeof english, fault: string, detail: string): string =>
      plainText(language.sentenceOf({ kind: 'faultInjected', fault, detail }));
    const delay = 'fault-1: {"kind":"delay","to":2,"ms":200,"forMs":5000}';
    expect(told(english, 'delay', delay)).toBe(
      'got a fault: “Delay messages”, towards rank 2, 200 ms, for 5 s.',
    );
    const storm = 'fault-3: {"kind":"repeat-late","chance":0.0001,"ms":1000}';
    expect(told(english, 'repeat-late', storm)).toBe(
      'got a fault: “Repeat messages late”, 0.01% of the messages, 1 s.',
    );
    await speak('zh-Hans');
    expect(told(chinese, 'delay', delay)).toBe('被注入故障：“延迟消息”，对 rank 2，200 毫秒，持续 5 秒。');
    expect(told(english, 'constructor', 'fault-2: after 5000 ms')).toBe(
      'got a fault: “constructor”, after 5000 ms.',
    );
  });
});

// One string for a whole experiment: what goes in comes out, with its diagram; and whatever else is pasted is refused with its place.

import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createScene, NO_FILTERS } from '../../../src/lab/diagram/scene.ts';
import { CORE_VERSION } from '../../../src/simulator/core-version.ts';
import { drawRoom } from '../../../src/simulator/drawing.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { MAX_PACKED, pack, unpack } from '../../../src/simulator/packed.ts';
import { MAX_WITH_DIAGRAM, pasteable, type Seen } from '../../../src/simulator/pasteable.ts';
import { OtherCoreError, parsePasted, PASTED_PREFIX as PREFIX } from '../../../src/simulator/pasted.ts';
import { ReplayError } from '../../../src/simulator/replay-error.ts';
import { encodeReplay, parseReplay, type Replay } from '../../../src/simulator/replay.ts';
import { recordRun, replayRun } from '../../../src/simulator/shrink.ts';
import { ofCore } from '../../support/of-core.ts';
import { condense, sizeOfDiagram } from '../../../src/trace/condensed.ts';
import { recordDiagram, type Diagram } from '../../../src/trace/diagram.ts';

interface Run {
  readonly replay: Replay;
  readonly seen: Seen & { readonly diagram: Diagram };
}

function runOf(seed: number): Run {
  const experiment = drawExperiment(seed);
  const drawing = drawRoom();
  const { outcome, tape } = recordRun(experiment, { ...drawing, hash: true });
  const { verdict, invariant, reason, traceHash } = outcome;
  return {
    replay: { experiment, tape, invariant, reason, traceHash },
    seen: { verdict, reason, diagram: drawing.diagram(outcome) },
  };
}

const textOf = ({ replay, seen }: Run): string => {
  const text = pasteable(replay, seen);
  if (text === undefined) throw new Error('it is too long to be pasted');
  return text;
};
const asWritten = (replay: Replay): string => {
  const text = pasteable(replay);
  if (text === undefined) throw new Error('it is too long to be pasted');
  return text;
};

/** A string as it was written before there were diagrams. */
const uncompressed = (json: string): string => `${PREFIX}${Buffer.from(json).toString('base64url')}`;

let run: Run;
let text: string;
beforeAll(() => {
  run = runOf(3);
  text = textOf(run);
});

describe('a pasted string', () => {
  it('runs again to the same trace, with and without its diagram', () => {
    for (const pasted of [text, asWritten(run.replay), uncompressed(encodeReplay(run.replay))]) {
      const replay = parseReplay(pasted);
      expect(replay).toEqual(run.replay);
      expect(replayRun(replay, { hash: true }).traceHash).toBe(run.replay.traceHash);
    }
  });

  it('brings the diagram of its run: lanes, messages, marks and spans, in their order', () => {
    const recorded = parsePasted(text)?.recorded;
    const { lanes, arrows, marks, spans, headlines } = run.seen.diagram;
    expect(recorded?.skipped).toBe(0);
    expect(recorded?.verdict).toBe(run.seen.verdict);
    const again = recorded?.diagram;
    expect(again?.lanes).toEqual(lanes);
    expect(again?.arrows.map(({ kind, from, to }) => [kind, from, to])).toEqual(
      arrows.map(({ kind, from, to }) => [kind, from, to]),
    );
    expect(again?.arrows.map(({ received }) => received === undefined)).toEqual(
      arrows.map(({ received }) => received === undefined),
    );
    for (const [i, { sent }] of arrows.entries()) expect(again?.arrows[i]?.sent.at).toBeCloseTo(sent.at, 0);
    expect(again?.marks.map((mark) => [mark.text, mark.lane, mark.tone])).toEqual(
      marks.map((mark) => [mark.text, mark.lane, mark.tone]),
    );
    expect(again?.spans.map(({ kind, name, lane }) => [kind, name, lane])).toEqual(
      spans.map(({ kind, name, lane }) => [kind, name, lane]),
    );
    expect(again?.headlines.map((headline) => headline.text)).toEqual(
      headlines.map((headline) => headline.text),
    );
  });

  it('never grows past what an address may be: of a long run the end is kept', () => {
    const long = runOf(5);
    const pasted = textOf(long);
    expect(pasted.length).toBeLessThanOrEqual(MAX_WITH_DIAGRAM);
    const recorded = parsePasted(pasted)?.recorded;
    const { diagram, skipped = 0 } = recorded ?? {};
    expect(skipped).toBeGreaterThan(0);
    expect((diagram?.end.seq ?? 0) + 1 + skipped).toBe(sizeOfDiagram(long.seen.diagram));
    expect(diagram?.marks.at(-1)?.text).toBe(long.seen.diagram.marks.at(-1)?.text);
  });

  it('of another version of the core is told apart, and still shows what was recorded of it', () => {
    const other = ofCore(CORE_VERSION + 1, text);
    const error = (() => {
      try {
        return parseReplay(other);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(OtherCoreError);
    expect(error).toMatchObject({ core: CORE_VERSION + 1, recorded: { verdict: run.seen.verdict } });
    expect(parsePasted(other)).toMatchObject({
      core: CORE_VERSION + 1,
      recorded: { verdict: run.seen.verdict },
    });
  });

  it.each([
    ['with a character that is none of its own', `${PREFIX}ab!d`, /character 6: expected base64url/],
    ['of another way to write it', 'rf77:AAAA', /character 0: expected rf1:, found rf77:/],
    ['of nothing', PREFIX, /character 4: expected a form/],
    ['of a form of tomorrow', `${PREFIX}${Buffer.from([9, 0, 0, 0, 0, 0]).toString('base64url')}`, /form 9/],
    ['that is too long', `${PREFIX}${'A'.repeat(MAX_PACKED + 1)}`, /at most 128000 characters/],
    ['without a replay in it', `${PREFIX}${pack('{}')}`, /at replay: expected a value, found nothing/],
    [
      'with more than it may hold',
      `${PREFIX}${pack('{"replay":{"core":1},"more":1}')}`,
      /at more: expected no such key, found "more"/,
    ],
    [
      'without its core',
      `${PREFIX}${pack('{"replay":{}}')}`,
      /at replay\.core: expected "core", found nothing/,
    ],
    [
      'without an experiment',
      `${PREFIX}${pack(`{"replay":{"format":"rankfall-replay","core":${CORE_VERSION}}}`)}`,
      /at experiment/,
    ],
    ['that is no JSON', `${PREFIX}${pack('{"replay":')}`, /line 1, column 11/],
    [
      'whose diagram speaks of a lane that it has not',
      `${PREFIX}${pack(
        JSON.stringify({
          replay: { core: CORE_VERSION },
          recorded: {
            verdict: 'held',
            diagram: {
              ...condense(recordDiagram().finish(0), 1),
              marks: { place: [0], lane: [0], text: [0], tone: [0] },
            },
          },
        }),
      )}`,
      /recorded\.diagram\.marks\.lane\.0: expected a number below 0/,
    ],
  ])('%s is refused with its place', (_, pasted, expected) => {
    expect(() => parseReplay(pasted)).toThrow(ReplayError);
    expect(() => parseReplay(pasted)).toThrow(expected);
  });

  it('breaks off anywhere, and says that it does', () => {
    for (let length = 4; length < text.length; length += 97)
      expect(() => parseReplay(text.slice(0, length)), `cut at ${length}`).toThrow(ReplayError);
  });

  it('unpacks no further than its bound', () => {
    const zeros = deflateRawSync(Buffer.alloc(90_000_000, 0x20), { level: 9 });
    const bomb = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), zeros]).toString('base64url');
    expect(bomb.length).toBeLessThan(MAX_PACKED);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => unpack(bomb, 4)).toThrow(/at most 16777216 bytes when unpacked/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('draws no more than a tape may hold, however shortly that is said', () => {
    const draws = '0.0*9000000';
    const stream = { sites: ['latency|0|1'], draws };
    const json = encodeReplay(run.replay).replace(
      /"tape":\{.*\}\}/,
      `"tape":${JSON.stringify({ net: stream, disk: stream, gpu: stream, sched: stream, workload: stream })}`,
    );
    expect(() => parseReplay(`${PREFIX}${pack(`{"replay":${json}}`)}`)).toThrow(
      /tape\.disk\.draws, item 0: expected at most 10000000 draws/,
    );
  });
});

const typed = (error: unknown): boolean => error instanceof ReplayError || error instanceof OtherCoreError;

describe('whatever is pasted', () => {
  it('is unpacked to what was packed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (content) => {
        expect(unpack(pack(content), 0)).toBe(content);
      }),
    );
  });

  it('fails with its place when it is made up', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
          fc.json().map(pack),
          fc.json({ maxDepth: 3 }).map((json) => pack(`{"replay":${json}}`)),
        ),
        (body) => {
          try {
            parseReplay(`${PREFIX}${body}`);
          } catch (error) {
            if (!typed(error)) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused, or as it was, when some characters were changed on the way', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const changes = fc.array(fc.tuple(fc.nat(text.length - 5), fc.nat(63)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (places) => {
        const characters = Array.from(text);
        for (const [at, index] of places) characters[at + 4] = alphabet[index] ?? 'A';
        try {
          expect(parseReplay(characters.join('')).traceHash).toBe(run.replay.traceHash);
        } catch (error) {
          if (!typed(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has a diagram that can be drawn, or is refused', () => {
    const small = condense(run.seen.diagram, 60);
    const parts = ['marks', 'arrows', 'spans'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(5), fc.nat(59), fc.nat(70), (part, which, at, value) => {
        const columns = Object.entries<readonly number[]>(small[part]);
        const [name, column] = columns[which % columns.length] ?? ['place', []];
        const changed = { ...small[part], [name]: column.with(at % column.length, value) };
        const recorded = { verdict: 'held', diagram: { ...small, [part]: changed } };
        try {
          const pasted = parsePasted(
            `${PREFIX}${pack(JSON.stringify({ replay: { core: CORE_VERSION }, recorded }))}`,
          );
          if (pasted?.recorded === undefined) throw new Error('it was recorded');
          const { messages } = createScene(pasted.recorded.diagram, NO_FILTERS);
          expect(messages).toBeDefined();
        } catch (error) {
          if (!typed(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

// A log or an incident opened in the page: it is read as the browser reads it, run again, and drawn with its messages.

import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { isLog, linesOf, LogFileError, unpack } from '../../src/lab/simulation/log-file.ts';
import { readLog, type OpenedLog } from '../../src/lab/simulation/log-reading.ts';
import { watchForIncidents } from '../../src/live/incident-watch.ts';
import { incidentFile } from '../../src/live/incident.ts';
import { joined } from '../../src/live/recorder.ts';
import { readTraceLog } from '../../src/protocol/recording/trace-lines.ts';
import { drawExperiment } from '../../src/simulator/draw-experiment.ts';
import { replayRecording } from '../../src/simulator/replay-recording.ts';
import { scenarioExperiment, SCENARIOS } from '../../src/simulator/scenarios.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';
import type { TraceRecord } from '../../src/trace/events.ts';
import { shortId } from '../../src/trace/short-names.ts';
import { createRoom } from './live/room.ts';
import { SMALL_JOB } from './live/small-job.ts';

const blobOf = (bytes: Uint8Array<ArrayBuffer> | string): Blob => new Blob([bytes]);
const packed = (text: string): Blob => new Blob([new Uint8Array(gzipSync(text))]);

async function textOf(file: Blob, limit?: number): Promise<string> {
  return [...linesOf(await unpack(file, limit))].join('\n');
}

async function opened(file: Blob): Promise<OpenedLog> {
  const answer = await readLog(file);
  if (answer.kind === 'refused') throw new Error(JSON.stringify(answer.why));
  return answer.log;
}

async function refusal(file: Blob): Promise<object> {
  const answer = await readLog(file);
  if (answer.kind === 'opened') throw new Error('it was opened');
  return answer.why;
}

let log: Uint8Array<ArrayBuffer>;
let incident: Uint8Array<ArrayBuffer>;
let members: readonly string[];
let victim: string;

/** Three ranks train; one goes without a word, and the others go on. */
beforeAll(async () => {
  const { clock, openAll } = createRoom({ ...SMALL_JOB, steps: 20 });
  const [first, second, third] = await openAll(3);
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('three were opened');
  first.host.command('start');
  await clock.until('some steps are done', () => third.host.status().step >= 5);
  const status = third.host.status();
  const watch = watchForIncidents();
  watch.observe(third.host.log(0, 100_000));
  third.kill();
  await clock.until('the others are done', () => first.host.status().phase === 'done');
  members = [first.member, second.member];
  victim = third.member;
  const recordings = [await first.recording(), await second.recording()];
  log = joined(recordings);
  incident = await incidentFile({
    at: 1_800_000_000_000,
    room: 'KQWERT',
    failures: ['The final state differs.'],
    words: [{ status, gone: 'killed' }],
    stalls: [],
    flights: [watch.flight(third.member) ?? { member: third.member, entries: [] }],
    recordings,
  });
});

describe('a log that is opened in the page', () => {
  it('tells how far it has come while it runs again', async () => {
    const told: number[] = [];
    await readLog(blobOf(log), (share) => told.push(share));
    expect(told.length).toBeGreaterThan(10);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect([told[0] ?? 1, told.at(-1) ?? 0].map((share) => Math.round(10 * share))).toEqual([0, 10]);
  });

  it('runs again, and is drawn with the steps of its ranks and the messages between them', async () => {
    const { verdict, ranks, committed, diagram, skipped } = await opened(blobOf(log));
    expect({ verdict, ranks, committed, skipped }).toEqual({
      verdict: 'held',
      ranks: 2,
      committed: 20,
      skipped: 0,
    });
    expect(diagram.lanes.map(({ name }) => name)).toEqual(members.map((member) => `rank ${shortId(member)}`));
    expect(diagram.failing).toBeUndefined();
    const steps = diagram.spans.filter(({ kind, name }) => kind === 'step' && name === 'step 19');
    expect(steps.map(({ lane }) => lane).sort()).toEqual([0, 1]);
    expect(new Set(diagram.arrows.map(({ kind }) => kind))).toContain('part');
    // The two lose nothing to each other. What was sent to the third is not drawn: nobody wrote down whether it came.
    expect(diagram.arrows.filter(({ received }) => received === undefined)).toEqual([]);
    for (const { sent, received } of diagram.arrows) expect(received?.seq).toBeGreaterThan(sent.seq);
    const order = diagram.marks.map(({ seq }) => seq);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('is cut at the members of its gzip, which a browser takes one by one', async () => {
    const text = gunzipSync(log).toString();
    expect(await textOf(blobOf(log))).toBe(text.trimEnd());
    expect(await textOf(packed(text))).toBe(text.trimEnd());
    expect(await textOf(blobOf(text))).toBe(text.trimEnd());
    // Bytes within a member that look like the start of the next one.
    const disguised = new Uint8Array(gzipSync('\u001f\n'.repeat(3), { level: 0 }));
    expect(await textOf(blobOf(joined([disguised, log])))).toContain('rankfall-recording');
  });

  it('is told from a protocol and a replay by its first bytes', async () => {
    expect(await isLog(blobOf(log))).toBe(true);
    expect(await isLog(blobOf(gunzipSync(log).toString()))).toBe(true);
    expect(await isLog(blobOf('export const protocol = {};'))).toBe(false);
    expect(await isLog(blobOf('rf1:abc'))).toBe(false);
    expect(await isLog(blobOf(''))).toBe(false);
  });

  it('shows where a rank answers otherwise than it did live', async () => {
    const text = gunzipSync(log)
      .toString()
      .replace('"kind":"command","command":"start"', '"kind":"command","command":"pause"');
    expect(await opened(packed(text))).toMatchObject({
      verdict: 'differs',
      divergence: { member: members[0], input: 'command' },
    });
  });
});

describe('the checkers over the logs of all ranks', () => {
  it('pin the invariant that does not hold where the record that shows it is drawn', async () => {
    const lines = gunzipSync(log).toString().split('\n');
    // A host that has stored a second vote under one ballot: no rank's core would ask it to.
    const at = lines.findIndex((line) => line.includes('"note":{"kind":"voted"'));
    const { note } = JSON.parse(lines[at] ?? '') as { readonly note: object };
    lines.splice(at + 1, 0, JSON.stringify({ after: 0, note: { ...note, value: 'another' } }));
    const { verdict, invariant, sentence, diagram } = await opened(packed(lines.join('\n')));
    expect(verdict).toBe('violated');
    expect(diagram.failing).toMatchObject({ invariant: `invariant ${invariant ?? '?'}`, sentence });
    const { failing, end } = diagram;
    expect(failing?.seq).toBeLessThan(end.seq / 2);
    const mark = diagram.marks.findLast(({ seq }) => seq <= (failing?.seq ?? 0));
    expect(mark?.at).toBe(failing?.at);
  });
});

describe('an incident that is opened in the page', () => {
  it('tells what did not hold, and draws the last of a rank whose page is gone', async () => {
    const { incident: head, verdict, diagram } = await opened(blobOf(incident));
    expect(head).toMatchObject({ room: 'KQWERT', failures: ['The final state differs.'] });
    expect(verdict).toBe('held');
    const lane = diagram.lanes.findIndex(({ name }) => name === `rank ${shortId(victim)}`);
    expect(lane).toBe(2);
    expect(diagram.marks.some((mark) => mark.lane === lane && mark.text.includes('step 5'))).toBe(true);
  });

  it('opens without a recording as well', async () => {
    const [head = ''] = gunzipSync(incident).toString().split('\n');
    const alone = await opened(packed(`${head}\n`));
    expect(alone).toMatchObject({ verdict: undefined, ranks: 0, diagram: { lanes: [{}] } });
  });
});

describe('a file that is none', () => {
  it.each([
    ['that breaks off', () => blobOf(log.slice(0, log.length - 40)), { kind: 'flaw', flaw: 'damaged' }],
    [
      'whose bytes changed',
      () => blobOf(log.with(Math.floor(log.length / 3), 7)),
      { kind: 'flaw', flaw: 'damaged' },
    ],
    ['of nothing', () => blobOf(''), { kind: 'flaw', flaw: 'empty' }],
    ['of nothing but gzip', () => packed(''), { kind: 'wrong' }],
    [
      'with another format',
      () => packed('{"format":"something"}\n'),
      { kind: 'wrong', sentence: /line 1, .*rankfall-recording/ },
    ],
    [
      'whose incident is none',
      () => packed('{"format":"rankfall-incident","version":9}\n'),
      { kind: 'wrong', sentence: /line 1/ },
    ],
    [
      'with an input that no rank takes',
      () => packed(gunzipSync(log).toString().replace('"kind":"boot"', '"kind":"reboot"')),
      { kind: 'wrong', sentence: /line 2, event\.kind/ },
    ],
  ])('%s is refused with the reason', async (_, make, expected) => {
    const why = await refusal(make());
    const { sentence, ...rest } = expected as { readonly kind: string; readonly sentence?: RegExp };
    expect(why).toMatchObject(rest);
    if (sentence !== undefined) expect((why as { readonly sentence: string }).sentence).toMatch(sentence);
  });

  it('is unpacked no further than its limit', async () => {
    const bomb = packed('0'.repeat(1_000_000));
    expect(bomb.size).toBeLessThan(2000);
    await expect(textOf(bomb, 100_000)).rejects.toEqual(new LogFileError('unpacks-too-large'));
  });
});

describe('an event log', () => {
  const reported = (): readonly TraceRecord[] => {
    const records: TraceRecord[] = [];
    const scenario = SCENARIOS['kill-one'];
    if (scenario === undefined) throw new Error('a scenario of that name was expected');
    runExperiment(scenarioExperiment(scenario, { seed: 3, ranks: 4 }), {
      onRecord: (record) => records.push(record),
    });
    return records;
  };
  const asText = (records: readonly TraceRecord[]): string =>
    records.map((record) => `${JSON.stringify(record)}\n`).join('');

  it('of every kind of bad day reads back as it was written', () => {
    for (const seed of [1, 5, 9, 14, 22, 31]) {
      const records: TraceRecord[] = [];
      runExperiment(drawExperiment(seed), { onRecord: (record) => records.push(record) });
      const inOrder = (all: readonly TraceRecord[]): readonly TraceRecord[] =>
        all.toSorted((a, b) => (a.member < b.member ? -1 : a.member > b.member ? 1 : a.seq - b.seq));
      const read = readTraceLog(asText(records).split('\n'));
      expect(inOrder(read), `seed ${seed}`).toEqual(inOrder(records));
    }
  });

  it('is drawn with the steps and generations of its ranks, packed or not', async () => {
    const text = asText(reported());
    expect(await isLog(blobOf(text))).toBe(true);
    for (const file of [blobOf(text), packed(text)]) {
      const { verdict, holds, ranks, entries, committed, diagram } = await opened(file);
      expect({ verdict, holds, ranks }).toEqual({ verdict: 'held', holds: 'records', ranks: 4 });
      expect(entries).toBe(reported().length);
      expect(committed).toBeGreaterThan(5);
      expect(new Set(diagram.spans.map(({ kind }) => kind))).toEqual(new Set(['step', 'generation']));
      expect(diagram.arrows).toEqual([]);
    }
  });

  it('of a live run opens as well, each rank after the other', async () => {
    const { records } = replayRecording(gunzipSync(log).toString().split('\n'));
    const byRank = records.toSorted((a, b) =>
      a.member < b.member ? -1 : a.member > b.member ? 1 : a.seq - b.seq,
    );
    expect(await opened(blobOf(asText(byRank)))).toMatchObject({ verdict: 'held', ranks: 2, committed: 20 });
  });

  it('pins the invariant that its records do not keep', async () => {
    const records = reported();
    const at = records.findLastIndex(({ event }) => event.kind === 'committed');
    const last = records[at];
    if (last?.event.kind !== 'committed') throw new Error('no step was committed');
    const other = { ...last, event: { ...last.event, hash: 'f'.repeat(32) } } as TraceRecord;
    const { verdict, diagram } = await opened(blobOf(asText(records.with(at, other))));
    expect(verdict).toBe('violated');
    expect(diagram.failing?.sentence).toBeDefined();
  });

  it.each([
    ['with a kind that is none', '"kind":"phase"', '"kind":"face"', /line 1, event\.kind/],
    ['with more than a record has', '"seq":0', '"seq":0,"more":1', /line 1, more/],
    ['with a number that is none', '"at":', '"at":-', /line 1, at/],
    [
      'with records missing',
      '"seq":1,',
      '"seq":7,',
      /seq: expected 1, after that rank's record before, found 7/,
    ],
    [
      'that breaks off',
      '"phase":"joining"}}',
      '"phase":"joi',
      /line 1, column \d+: expected the string's closing quote, found the end of the text/,
    ],
  ])('%s is refused with the reason', async (_, from, to, expected) => {
    const why = await refusal(blobOf(asText(reported()).replace(from, to)));
    expect((why as { readonly sentence: string }).sentence).toMatch(expected);
  });
});

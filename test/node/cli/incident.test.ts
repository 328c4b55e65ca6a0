// An incident is saved as one file, read back by `rankfall replay`, and told so that a person knows who, what, when and why.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { UsageError } from '../../../src/cli/errors.ts';
import { replayRecordingCommand } from '../../../src/cli/replay-recording.ts';
import { isRecording, recordingLines } from '../../../src/cli/sim/recording-file.ts';
import { watchForIncidents } from '../../../src/live/incident-watch.ts';
import { incidentFile } from '../../../src/live/incident.ts';
import { createRoom } from '../live/room.ts';
import { SMALL_JOB } from '../live/small-job.ts';

const COMMAND = fileURLToPath(new URL('../../../src/cli/rankfall.mjs', import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rankfall-incident-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What the command prints, and its exit status. */
function told(path: string, flags: { readonly json?: true } = {}) {
  const printed: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    return { status: replayRecordingCommand(path, flags), text: printed.join('') };
  } finally {
    spy.mockRestore();
  }
}

/** Three ranks train; one goes without a word, and the others wait for it, name it and go on. */
async function disturbed(): Promise<{
  readonly path: string;
  readonly victim: string;
  readonly ranks: number;
}> {
  const { clock, openAll } = createRoom({ ...SMALL_JOB, steps: 40 });
  const [first, second, third] = await openAll(3);
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('three were opened');
  first.host.command('start');
  await clock.until('some steps are done', () => third.host.status().step >= 5);
  const { status } = { status: third.host.status() };
  const log = third.host.log(0, 100_000);
  third.kill();
  await clock.until('its death is found out', () => first.host.status().members.length === 2);
  await clock.until('the others are done', () => first.host.status().phase === 'done');
  const watch = watchForIncidents();
  watch.observe(log);
  const survivors = [first, second];
  for (const { host } of survivors) watch.observe(host.log(0, 100_000));
  const flight = watch.flight(status.member);
  const file = await incidentFile({
    at: 1_800_000_000_000,
    room: 'KQWERT',
    failures: ['The final state differs.'],
    words: [
      ...survivors.map(({ host }) => ({ status: host.status(), gone: undefined })),
      { status, gone: 'killed' },
    ],
    stalls: watch.stalls(),
    flights: flight === undefined ? [] : [flight],
    recordings: await Promise.all(survivors.map(({ recording }) => recording())),
  });
  const path = join(folder, 'room.incident.gz');
  writeFileSync(path, file);
  return { path, victim: status.member, ranks: 3 };
}

describe('an incident', () => {
  test('is told: who was there, what happened, whom the room waited for, and what the checkers say', async () => {
    const { path, victim } = await disturbed();
    expect(isRecording(path)).toBe(true);
    const { status, text } = told(path);
    expect(status).toBe(0);
    const name = victim.slice(0, 4);
    expect(text).toContain('incident in room KQWERT');
    expect(text).toContain('The final state differs.');
    expect(text).toContain('who: 3 ranks');
    expect(text).toMatch(new RegExp(`${name} .*; killed`, 'u'));
    expect(text).toContain(`suspects ${name}`);
    expect(text).toContain('the last of those whose recordings are not here');
    expect(text).toContain('held: every rank decided, sent and arrived at what it did live');
    const json = JSON.parse(told(path, { json: true }).text) as {
      readonly verdict: string;
      readonly ranks: number;
      readonly incident: { readonly ranks: readonly unknown[] };
    };
    expect(json).toMatchObject({ verdict: 'held', ranks: 2, incident: { room: 'KQWERT' } });
    expect(json.incident.ranks).toHaveLength(3);
  });

  const head = { format: 'rankfall-incident', version: 1, at: 1, room: 'KQWERT' };
  const whole = { ...head, failures: [], ranks: [], stalls: [], flights: [] };

  test('without a recording is told as far as it goes', () => {
    const path = join(folder, 'bare.incident.gz');
    writeFileSync(path, gzipSync(`${JSON.stringify(whole)}\n`));
    const { status, text } = told(path);
    expect(status).toBe(0);
    expect(text).toContain('nothing to run again');
  });

  test.each([
    ['a head that lacks something', JSON.stringify(head), 'line 1, failures: expected'],
    ['another version', JSON.stringify({ ...whole, version: 2 }), 'line 1, version: expected 1'],
    [
      'more than there is room for',
      JSON.stringify({ ...whole, failures: new Array(500).fill('x') }),
      'line 1, failures',
    ],
    [
      'something that nobody asked for',
      JSON.stringify({ ...whole, script: 'alert(1)' }),
      'line 1, script: expected no such key',
    ],
    [
      'what is no JSON',
      '{"format":"rankfall-incident", oh',
      'line 1, column 32: expected a key in double quotes, found "oh"',
    ],
    [
      'a line behind it that is no recording',
      `${JSON.stringify(whole)}\n[0,{"kind":"boot"}]`,
      'line 2, the whole line: expected {"format":"rankfall-recording"',
    ],
  ])('with %s is refused, with file, place and what was expected', (_, lines, says) => {
    const path = join(folder, 'bad.incident.gz');
    writeFileSync(path, gzipSync(`${lines}\n`));
    expect(() => told(path)).toThrow(UsageError);
    expect(() => told(path)).toThrow(says);
    expect(() => told(path)).toThrow(path);
  });

  test('whose words would steer a terminal shows their codes instead', () => {
    const path = join(folder, 'steers.log');
    const member = '00'.repeat(16);
    const header = { format: 'rankfall-recording', version: 2, member, seat: member, epoch: 0, now: 0 };
    const answered = [0, { kind: 'timer', name: 'beat' }, '\u001b[2J', 'AAA'];
    writeFileSync(path, `${JSON.stringify(header)}\n${JSON.stringify(answered)}\n`);
    const { status, text } = told(path);
    expect(status).toBe(1);
    expect(text).toContain('expected \\u{1b}[2J');
    writeFileSync(
      path,
      `${JSON.stringify(header)}\n${JSON.stringify([0, { kind: 'timer', '\u001b[2J': 1 }])}\n`,
    );
    const refused = spawnSync(process.execPath, [COMMAND, 'replay', path], { encoding: 'utf8' });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/^rankfall: [^\p{C}]+\n$/u);
  }, 30_000);

  test('that would fill memory when it is unpacked is refused before it does', () => {
    const path = join(folder, 'bomb.incident.gz');
    writeFileSync(path, gzipSync(Buffer.alloc(4 * 1024 * 1024)));
    expect(() => [...recordingLines(path, 1024 * 1024)]).toThrow(
      `${path}: expected at most ${1024 * 1024} bytes when unpacked, found more.`,
    );
  });
});

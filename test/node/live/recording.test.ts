// A run of live ranks is recorded and run again from its log alone: the same core, the same decisions, without an engine.

import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/job/job.ts';
import { rerun, RecordingError } from '../../../src/protocol/recording/rerun.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { createRoom } from './room.ts';
import type { TestRank } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const linesOf = (recording: Uint8Array): string[] => gunzipSync(recording).toString().trimEnd().split('\n');

/** More lanes than travel directly, so that four ranks make a ring. */
const RING_JOB: Job = {
  ...SMALL_JOB,
  model: { kind: 'mlp', layers: [4, 700, 2], activation: 'relu' },
  steps: 20,
};

/** Trains with as many ranks; the last one dies in mid-step, another joins. */
async function disturbedRun(job: Job, size: number): Promise<TestRank[]> {
  const { clock, openAll, open } = createRoom(job);
  const ranks = await openAll(size);
  const [first] = ranks;
  const last = ranks.at(-1);
  if (first === undefined || last === undefined) throw new Error('ranks were opened');
  first.host.command('start');
  await clock.until('the last rank has done some steps', () => last.host.status().step >= 5);
  last.kill();
  await clock.until('its death is found out', () => first.host.status().members.length === size - 1);
  const late = await open();
  await clock.until('all others are done', () =>
    [...ranks.slice(0, -1), late].every(({ host }) => host.status().phase === 'done'),
  );
  return [...ranks, late];
}

describe('the recording of a live run', () => {
  test.each([
    ['of few lanes, which travel directly', SMALL_JOB, 3],
    ['of many lanes, which travel in a ring', RING_JOB, 4],
  ])('%s, with a death and a newcomer, runs again to the same decisions and states', async (_, job, size) => {
    const ranks = await disturbedRun(job, size);
    for (const { host, recording } of ranks) {
      const [again] = rerun(linesOf(await recording()));
      expect(again?.divergence).toBeUndefined();
      expect(again?.ended).toBe('open');
      const { step, stateHash, committed } = host.status();
      expect({ step: again?.step, stateHash: again?.stateHash, committed: again?.committed }).toEqual({
        step,
        stateHash,
        committed,
      });
    }
  });

  test('names the first answer that another rule changes, and goes no further', async () => {
    const [, second] = await disturbedRun(SMALL_JOB, 3);
    if (second === undefined) throw new Error('three were opened');
    const lines = linesOf(await second.recording());
    const [again] = rerun(lines, { ...RULES, readyToApply: () => false });
    expect(again?.divergence).toMatchObject({ member: second.member, seq: (again?.inputs ?? 0) - 1 });
    expect(again?.divergence?.expected).not.toBe(again?.divergence?.found);
    expect(again?.inputs).toBeLessThan(lines.length / 2);
  });

  test('shows a payload that was other than recorded', async () => {
    const [first] = await disturbedRun(SMALL_JOB, 3);
    const lines = linesOf((await first?.recording()) ?? new Uint8Array());
    const at = lines.findIndex((line) => line.includes('"kind":"computed"'));
    const changed = lines.with(
      at,
      (lines[at] ?? '').replace(/"lanes":\[\[(\d+),(-?\d+)\]/, '"lanes":[[$1,7]'),
    );
    const [again] = rerun(changed);
    expect(again?.divergence).toMatchObject({ line: at + 1, input: 'computed' });
  });

  test('ends at its limit, says so, and runs again up to there', async () => {
    const { clock, open } = createRoom();
    const { host, recording } = await open({ options: { fresh: true }, recordingLimit: 8000 });
    await clock.until('it is done', () => host.status().phase === 'done');
    const [again] = rerun(linesOf(await recording()));
    expect(again).toMatchObject({ ended: 'full', divergence: undefined });
    expect(again?.step).toBeLessThan(SMALL_JOB.steps);
  });

  test.each([
    ['{"format":"rankfall-recording","version":1}', 1, 'version', '2'],
    ['[0,{"kind":"boot"}]', 1, 'the whole line', '{"format":"rankfall-recording",…}'],
    ['HEADER\n[0,{"kind":"timer","name":"tea"}]', 2, 'event.name', '("beat" | "propose" | '],
    ['HEADER\n[0,{"kind":"linkUp"', 2, 'column 20', '"," or "}"'],
    ['HEADER\n[0,{"kind":"linkUp","tea":1}]', 2, 'event.peer', '"peer"'],
    ['HEADER\n[0,{"kind":"linkUp","peer":"00"}]', 2, 'event.peer', 'a member id of 32 hex digits'],
    ['HEADER\n{"end":"open","entries":5,"check":"AAA"}', 2, 'entries', '0, the entries before it'],
  ])('refuses %s, and says where and what was expected', (text, line, place, expected) => {
    const header = JSON.stringify({
      format: 'rankfall-recording',
      version: 2,
      member: '00'.repeat(16),
      seat: '01'.repeat(16),
      epoch: 0,
      now: 0,
    });
    try {
      rerun(text.replace('HEADER', header).split('\n'));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RecordingError);
      expect(error).toMatchObject({ line, place });
      expect((error as RecordingError).expected).toContain(expected);
    }
  });
});

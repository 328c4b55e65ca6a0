// A run of live ranks is recorded and run again from its log alone: the same core, the same decisions, without an engine.

import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
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
});

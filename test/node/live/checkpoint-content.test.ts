// What a checkpoint of a running room holds besides the tensors, and that it is still there after the room was reopened.

import { describe, expect, test } from 'vitest';
import { progressIn } from '../../../src/checkpoint/progress.ts';
import { decodeState, readJob } from '../../../src/checkpoint/state-file.ts';
import { parameterTensors } from '../../../src/engine/graph/parameters.ts';
import { stateHash } from '../../../src/engine/state.ts';
import { jobHash } from '../../../src/job/job.ts';
import type { CheckpointRecord } from '../../../src/ports/store.ts';
import { createRoom } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

const TENSORS = parameterTensors(SMALL_JOB.model);

async function checkpointOf(
  records: ReadonlyMap<string, CheckpointRecord>,
  until: (what: string, condition: () => boolean) => Promise<void>,
  step: number,
): Promise<CheckpointRecord> {
  const find = () => [...records.values()].find(({ summary }) => summary.step === step);
  await until(`a checkpoint of step ${step} is stored`, () => find() !== undefined);
  const record = find();
  if (record === undefined) throw new Error('it was there');
  return record;
}

describe('a checkpoint', () => {
  test('says all that goes on with the run: job, state, curves, sampler, random numbers, generation, ledger', async () => {
    const { clock, openAll, profile } = createRoom();
    const [first] = await openAll(2);
    first?.host.command('start');
    const { summary, file } = await checkpointOf(profile.records, (what, is) => clock.until(what, is), 10);
    expect(readJob(file)).toEqual(SMALL_JOB);
    const { state, notes, stateHash: hash } = decodeState(file, SMALL_JOB, TENSORS);
    expect([hash, summary.stateHash]).toEqual([stateHash(state), stateHash(state)]);
    expect(summary.jobHash).toBe(jobHash(SMALL_JOB));
    expect(notes).toMatchObject({
      metrics: { step: Array.from({ length: 10 }, (_, i) => i) },
      provenance: { updateMode: 'native', exactness: { kind: 'exact' } },
      // 64 samples in batches of 16: step 10 is the third of the third epoch.
      progress: {
        generation: summary.generation,
        epoch: 2,
        sampler: { row: 32, rows: 64, stepsPerEpoch: 4 },
        random: { generator: 'sfc32', seed: SMALL_JOB.seed, epoch: 2, step: 10 },
      },
    });
    expect(progressIn(notes)?.ledger.regroup).toBeGreaterThanOrEqual(0);
  });

  test('carries the lost-time ledger on over a room that was closed and reopened', async () => {
    const { clock, openAll, open, profile } = createRoom();
    const ranks = await openAll(2);
    ranks[0]?.host.command('start');
    const until = (what: string, is: () => boolean) => clock.until(what, is);
    const before = await checkpointOf(profile.records, until, 10);
    for (const rank of ranks) rank.kill();
    await open();
    const after = await checkpointOf(profile.records, until, 30);
    const [earlier, later] = [before, after].map(
      ({ file }) => progressIn(decodeState(file, SMALL_JOB, TENSORS).notes)?.ledger,
    );
    if (earlier === undefined || later === undefined) throw new Error('both have a ledger');
    for (const [account, spent] of Object.entries(earlier))
      expect(later[account as keyof typeof later]).toBeGreaterThanOrEqual(spent);
  });

  test('with a progress note that is not well-formed says nothing of it', () => {
    expect(progressIn({})).toBeUndefined();
    expect(progressIn({ progress: { epoch: -1 } })).toBeUndefined();
  });
});

// The worker of the checkpoint benchmark. It stands where a rank's worker stands: the engine is in another, and so is what saves.

import * as Comlink from 'comlink';
import { automaticInterval, lostShare } from '../../../checkpoint/interval.ts';
import { decodeState } from '../../../checkpoint/state-file.ts';
import { openCheckpointStore } from '../../../checkpoint/store.ts';
import { parameterTensors } from '../../../engine/graph/parameters.ts';
import { DEFAULT_JOB, jobHash, parseJob } from '../../../job/job.ts';
import type { Job } from '../../../job/job.ts';
import type { EngineChoice } from '../../../live/api.ts';
import { openEngineProxy } from '../../../live/engine-proxy.ts';
import { helpersOf } from '../../../live/helpers.ts';
import type { HelperKeeper, OpenHelper } from '../../../live/helpers.ts';
import { openSaver } from '../../../live/save-service.ts';
import type { Engine } from '../../../ports/engine.ts';
import type { IncarnationId } from '../../../ports/ids.ts';
import { median } from '../median.ts';
import type { CheckpointReport, CheckpointRow } from './report.ts';

const DATABASE = 'rankfall-bench-checkpoints';
const MIB = 1024 * 1024;
/** Of a state with parameters and two moments. */
const BYTES_A_PARAMETER = 12;
/** The first save of an engine waits for memory; those after it are measured. */
const SAVES = 3;
const LARGE_SAVES = 2;
const LARGE_MIB = 100;
const STEPS = 6;
/** What the digits are held against: an hour between failures. */
const MTBF_SECONDS = 3600;

const generation = { incarnation: `00000001-${'b'.repeat(32)}` as IncarnationId, number: 1 };

/** Digits by one hidden layer of as many units as make the file so large. */
function jobOf(mib: number): Job {
  const units = Math.max(1, Math.round((mib * MIB) / BYTES_A_PARAMETER / 795));
  return parseJob({
    ...DEFAULT_JOB,
    model: { kind: 'mlp', layers: [784, units, 10], activation: 'relu' },
  });
}

/** `page` is a Comlink proxy. */
export interface CheckpointBench {
  row(
    page: HelperKeeper,
    engine: EngineChoice,
    data: string,
    mib: number,
  ): Promise<CheckpointRow & { readonly adapter: string }>;
  digits(page: HelperKeeper, engine: EngineChoice, data: string): Promise<CheckpointReport['digits']>;
}

/** A store and an engine, both emptied afterwards. */
async function withEngine<T>(
  openHelper: OpenHelper,
  choice: EngineChoice,
  data: string,
  job: Job,
  use: (engine: Engine, saves: Saves) => Promise<T>,
): Promise<T> {
  const engine = await openEngineProxy(openHelper('engine'), { choice, job, data });
  const options = { databaseName: DATABASE, keep: 1 };
  const store = openCheckpointStore({ ...options, now: () => Date.now(), deadlineMs: 120_000 });
  const saver = openSaver(() => openHelper('save'), options);
  const hash = jobHash(job);

  const save = async (step: number) => {
    // A room knows the hash from the step: the update returns it.
    const stateHash = await engine.hash();
    const began = performance.now();
    const snapshot = await engine.snapshot();
    const heldUpMs = performance.now() - began;
    const state = await snapshot.read();
    // The state has not changed since: only its number is, so that each save writes another checkpoint.
    const file = await saver.encode({
      generation,
      step: state.step,
      hash: stateHash,
      job,
      jobHash: hash,
      state,
      notes: { save: step },
    });
    const summary = await saver.save({ room: 'bench', generation, step }, hash, stateHash, file);
    return { heldUpMs, saveMs: performance.now() - began, summary };
  };

  try {
    return await use(engine, { save, store });
  } finally {
    engine.destroy();
    for (const { id } of await store.list('bench')) await store.delete(id);
    store.close();
  }
}

interface Saves {
  readonly save: (step: number) => Promise<{
    readonly heldUpMs: number;
    readonly saveMs: number;
    readonly summary: { readonly id: string };
  }>;
  readonly store: ReturnType<typeof openCheckpointStore>;
}

/** The median of saves, without the first. */
async function measureSaves({ save }: Saves, count: number) {
  let last = await save(0);
  const measured: (typeof last)[] = [];
  for (let i = 1; i <= count; i++) {
    last = await save(i);
    measured.push(last);
  }
  return {
    saveMs: median(measured.map(({ saveMs }) => saveMs)),
    heldUpMs: median(measured.map(({ heldUpMs }) => heldUpMs)),
    id: last.summary.id,
  };
}

const bench: CheckpointBench = {
  row: (page, choice, data, mib) => {
    const job = jobOf(mib);
    return withEngine(helpersOf(page), choice, data, job, async (engine, saves) => {
      const { saveMs, heldUpMs, id } = await measureSaves(saves, mib > LARGE_MIB ? LARGE_SAVES : SAVES);
      let began = performance.now();
      const { file } = await saves.store.load(id);
      await engine.importState(decodeState(file, job, parameterTensors(job.model)).state);
      const loadMs = performance.now() - began;
      began = performance.now();
      await saves.store.verify(id);
      const verifyMs = performance.now() - began;
      return { mib, saveMs, heldUpMs, loadMs, verifyMs, adapter: engine.description.adapter };
    });
  },

  digits: (page, choice, data) =>
    withEngine(helpersOf(page), choice, data, DEFAULT_JOB, async (engine, saves) => {
      const microBatches = Array.from({ length: DEFAULT_JOB.microBatches }, (_, i) => i);
      const steps: number[] = [];
      for (let step = 0; step < STEPS; step++) {
        const began = performance.now();
        const reduced = await engine.contribute({ step, microBatches });
        await engine.apply({ step, reduced, mode: 'native' });
        steps.push(performance.now() - began);
      }
      const { saveMs, heldUpMs } = await measureSaves(saves, 2 * SAVES);
      const costs = { mtbfMs: 1000 * MTBF_SECONDS, costMs: heldUpMs };
      const automaticMs = automaticInterval(costs, saveMs);
      return {
        saveMs,
        heldUpMs,
        stepMs: median(steps.slice(1)),
        mtbfSeconds: MTBF_SECONDS,
        automaticMs,
        overheadShare: lostShare(costs, automaticMs).overhead,
      };
    }),
};

Comlink.expose(bench);

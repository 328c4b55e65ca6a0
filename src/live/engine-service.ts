// What the engine's worker answers: the engine port, one message a call, and its faults. Failures travel as values, since an
// error loses its type on the way between workers; results are transferred, not copied.

import * as Comlink from 'comlink';
import type { EngineHooks } from '../engine/hooks.ts';
import type { DataDamage } from '../faults/data-asset.ts';
import type { Exhaustion, ExhaustionBudget } from '../faults/gpu.ts';
import type { Fault } from '../faults/vocabulary.ts';
import type { Job } from '../job/job.ts';
import { recoveryOf } from '../job/recovery-schema.ts';
import type {
  ApplyRequest,
  ContributionRequest,
  Engine,
  EngineDescription,
  EngineFault,
  EngineMemory,
  Evaluation,
  Preflight,
  PredictRequest,
  StateSnapshot,
  TrainingState,
} from '../ports/engine.ts';
import { EngineError } from '../ports/engine.ts';
import type { StateHash } from '../ports/ids.ts';
import type { Loader } from '../ports/loader.ts';
import { LoaderError } from '../ports/loader.ts';
import type { EngineChoice } from './api.ts';
import { systemClock } from '../transport/system-clock.ts';
import { seededSites } from '../faults/site-random.ts';
import { createEngineFaults, runsOnGpu } from './engine-faults.ts';
import type { EngineNotice } from './engine-faults.ts';
import { timedLoader, workingPartOfTheTime } from './engine-share.ts';
import { messageOf } from './message-of.ts';

export interface Failure {
  readonly fault: EngineFault;
  readonly message: string;
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly memory: EngineMemory }
  | { readonly ok: false; readonly failure: Failure };

export interface EngineOrder {
  readonly choice: EngineChoice;
  readonly job: Job;
  /** Address of the folder with the packed data sets, and a slash at its end. */
  readonly data: string;
  /** Per cent of the time that the engine works, 1 to 100; all of it if absent. */
  readonly share?: number | undefined;
}

/** What is known of an engine once it is open. */
export interface OpenedEngine {
  readonly description: EngineDescription;
  readonly samples: Engine['samples'];
  readonly preflight: Preflight | undefined;
}

export interface EngineService {
  /** Once. `notify` is a Comlink proxy, and so is `deliver`, which takes the buckets of the contribution that is asked for. */
  open(
    order: EngineOrder,
    notify: (notice: EngineNotice) => void,
    deliver: (bucket: number, lanes: Int32Array<ArrayBuffer>) => Promise<void>,
  ): Promise<Reply<OpenedEngine>>;
  /** Settles when the open engine is gone for good. */
  lost(): Promise<Failure>;
  reset(): Promise<Reply<StateHash>>;
  contribute(request: ContributionRequest): Promise<Reply<Int32Array<ArrayBuffer>>>;
  /** Answers when all buckets have arrived. */
  contributeInBuckets(request: ContributionRequest): Promise<Reply<undefined>>;
  apply(request: ApplyRequest): Promise<Reply<StateHash>>;
  hash(): Promise<Reply<StateHash>>;
  exportState(): Promise<Reply<TrainingState>>;
  /** Names a snapshot, to be read once. */
  snapshot(): Promise<Reply<number>>;
  readSnapshot(id: number): Promise<Reply<TrainingState>>;
  importState(state: TrainingState): Promise<Reply<StateHash>>;
  evaluate(): Promise<Reply<Evaluation>>;
  predict(request: PredictRequest): Promise<Reply<Float32Array<ArrayBuffer>>>;
  fingerprint(): Promise<Reply<string>>;
  /** Faults may come while a call runs; they show in the next one. */
  injectFault(id: string, fault: Fault): Promise<void>;
  healFault(id: string): Promise<void>;
  /** Holds GPU memory under `id` until `letGo`. */
  exhaust(id: number, budget: ExhaustionBudget): Promise<Reply<Omit<Exhaustion, 'release'>>>;
  letGo(id: number): Promise<void>;
}

/** What the worker can do that a test cannot. */
export interface EngineServiceOptions {
  readonly openData: (job: Job, folder: string, damage?: DataDamage) => Promise<Loader>;
  readonly openEngine: (
    choice: EngineChoice,
    job: Job,
    loader: Promise<Loader>,
    hooks: EngineHooks,
  ) => Promise<Engine>;
}

export function createEngineService({ openData, openEngine }: EngineServiceOptions): EngineService {
  let engine: Engine | undefined;
  /** The same, without its faults. */
  let bare: Engine | undefined;
  let receiver: Parameters<EngineService['open']>[2] = () => Promise.resolve();
  let listener: (notice: EngineNotice) => void = () => undefined;
  /** Settles when the call that runs is over. */
  let running: Promise<unknown> = Promise.resolve();
  const held = new Map<number, Exhaustion>();
  const snapshots = new Map<number, StateSnapshot>();
  let snapshotsTaken = 0;
  const clock = systemClock();
  const faults = createEngineFaults({
    clock,
    // Chance must differ between ranks, and nothing that is repeated depends on it.
    random: seededSites(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0),
    notify: (notice) => {
      listener(notice);
    },
  });

  const answer = async <T>(
    call: (engine: Engine) => Promise<T>,
    buffers: (value: T) => Transferable[],
  ): Promise<Reply<T>> => {
    if (engine === undefined)
      return failed(new EngineError('unavailable', 'No engine is open in this worker.'));
    try {
      const value = await call(engine);
      const reply: Reply<T> = { ok: true, value, memory: engine.memory() };
      return Comlink.transfer(reply, buffers(value));
    } catch (error) {
      return failed(error);
    }
  };

  const reply = <T>(
    call: (engine: Engine) => Promise<T>,
    buffers: (value: T) => Transferable[] = () => [],
  ): Promise<Reply<T>> => {
    const answered = answer(call, buffers);
    running = answered;
    return answered;
  };

  /** What the GPU gives has changed: plan anew, between two calls. */
  const planAnew = (): void => {
    void running.then(() => {
      if (bare !== undefined && runsOnGpu(bare)) bare.replan();
    });
  };

  return {
    async open({ choice, job, data, share = 100 }, notify, deliver) {
      listener = notify;
      receiver = deliver;
      try {
        let waitedMs = (): number => 0;
        const loader = openData(job, data).then((opened) => {
          const guarded = faults.wrap(
            opened,
            (damage) => openData(job, data, damage),
            recoveryOf(job.policies),
          );
          const timed = timedLoader(guarded, clock);
          ({ waitedMs } = timed);
          return timed.loader;
        });
        // Who asks for it hears what became of it, and not every engine comes as far as that.
        loader.catch(() => undefined);
        bare = await openEngine(choice, job, loader, faults.hooks);
        engine = workingPartOfTheTime(faults.wrapEngine(bare), share, clock, () => waitedMs());
        const { description, samples, preflight } = engine;
        return { ok: true, value: { description, samples, preflight }, memory: engine.memory() };
      } catch (error) {
        return failed(error);
      }
    },
    async lost() {
      if (engine === undefined)
        return failed(new EngineError('unavailable', 'No engine is open in this worker.')).failure;
      return failed(await engine.lost).failure;
    },
    reset: () => reply((open) => open.reset()),
    contribute: (request) =>
      reply(
        (open) => open.contribute(request),
        (lanes) => [lanes.buffer],
      ),
    contributeInBuckets: (request) =>
      reply(async (open) => {
        const arrived: Promise<void>[] = [];
        await open.contributeInBuckets(request, (bucket, lanes) => {
          arrived.push(receiver(bucket, Comlink.transfer(lanes, [lanes.buffer])));
        });
        await Promise.all(arrived);
        return undefined;
      }),
    apply: (request) => reply((open) => open.apply(request)),
    hash: () => reply((open) => open.hash()),
    exportState: () => reply((open) => open.exportState(), stateBuffers),
    snapshot: () =>
      reply(async (open) => {
        snapshots.set(++snapshotsTaken, await open.snapshot());
        return snapshotsTaken;
      }),
    // Not one of the calls that follow each other: the next step runs meanwhile.
    readSnapshot: (id) =>
      answer(async () => {
        const snapshot = snapshots.get(id);
        snapshots.delete(id);
        if (snapshot === undefined)
          throw new EngineError('bad-state', `There is no snapshot ${id}: it was read already.`);
        return await snapshot.read();
      }, stateBuffers),
    importState: (state) => reply((open) => open.importState(state)),
    evaluate: () => reply((open) => open.evaluate()),
    predict: (request) =>
      reply(
        (open) => open.predict(request),
        (logits) => [logits.buffer],
      ),
    fingerprint: () => reply((open) => open.fingerprint()),
    async injectFault(id, fault) {
      faults.inject(id, fault);
      if (fault.kind === 'refuse-gpu' || fault.kind === 'oversize-buffer') planAnew();
      return Promise.resolve();
    },
    async healFault(id) {
      faults.heal(id);
      planAnew();
      return Promise.resolve();
    },
    async exhaust(id, budget) {
      if (engine === undefined || bare === undefined)
        return failed(new EngineError('unavailable', 'No engine is open in this worker.'));
      try {
        const exhaustion = await faults.exhaust(bare, budget);
        held.set(id, exhaustion);
        planAnew();
        const { bytes, refused } = exhaustion;
        return { ok: true, value: { bytes, refused }, memory: engine.memory() };
      } catch (error) {
        return failed(error);
      }
    },
    async letGo(id) {
      held.get(id)?.release();
      held.delete(id);
      planAnew();
      return Promise.resolve();
    },
  };
}

/** Each buffer once: what is handed over with an exported state. */
const stateBuffers = (state: TrainingState): Transferable[] => [
  ...new Set([
    state.parameters.buffer,
    state.firstMoments.buffer,
    state.secondMoments.buffer,
    state.exponents.buffer,
    state.powers.buffer,
    state.quarantine.buffer,
  ]),
];

function failed(error: unknown): { readonly ok: false; readonly failure: Failure } {
  const fault =
    error instanceof EngineError ? error.fault : error instanceof LoaderError ? 'loader' : 'internal';
  return { ok: false, failure: { fault, message: messageOf(error) } };
}

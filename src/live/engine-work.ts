// The engine's side of the host: turns engine effects into calls, one at a time, and their outcomes into events.

import { jobHash as hashOfJob } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import { jobLayout } from '../engine/graph/job-layout.ts';
import { modelGraph } from '../engine/graph/model-graph.ts';
import { parameterTensors } from '../engine/graph/parameters.ts';
import type { Engine, EngineFault, TrainingState } from '../ports/engine.ts';
import { EngineError } from '../ports/engine.ts';
import type { GenerationId, JobHash } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { CheckpointNotes } from '../ports/store.ts';
import type { Effect, Event } from '../protocol/effects.ts';
import { createEngineQueue } from './engine-queue.ts';
import type { OpenEngine } from './host-ports.ts';
import type { Saved } from './saved.ts';
import { fromPieces, toPieces } from './state-pieces.ts';
import { messageOf } from './message-of.ts';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { readonly kind: Kind }>;

export interface EngineWorkOptions {
  readonly open: OpenEngine;
  readonly dispatch: (event: Event) => void;
  /** What travels with a state of that many updates. */
  readonly notes: (step: number, generation: GenerationId) => CheckpointNotes;
  /** A state came with these. */
  readonly adopt: (notes: CheckpointNotes, step: number) => void;
  readonly note: (detail: string) => void;
  /** Milliseconds, to measure with. */
  readonly now: () => number;
}

/** A state in hand, and what goes with it. */
export interface Captured {
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly state: TrainingState;
}

export interface EngineWork {
  readonly engine: Engine | undefined;
  /** How often an engine was asked for: a state found for an earlier one is not for this one. */
  readonly preparations: number;
  prepare(effect: EffectOf<'prepareEngine'>): void;
  compute(effect: EffectOf<'compute'>): void;
  apply(effect: EffectOf<'apply'>): void;
  exportState(effect: EffectOf<'exportState'>): void;
  /** The same, for which training stands still no longer than for the snapshot of a checkpoint. */
  copyState(effect: EffectOf<'copyState'>): void;
  importState(effect: EffectOf<'importState'>): void;
  /** Brings the engine to a state that was verified before. */
  restore(saved: Saved): void;
  /**
   * The state as it is before anything asked for later. `wanted` is asked when its turn has come. Only the snapshot holds up what
   * comes later; `heldUp` hears for how many milliseconds.
   */
  capture(
    wanted: () => Promise<boolean>,
    captured: (state: Captured) => void,
    failed: (detail: string) => void,
    heldUp?: (ms: number) => void,
  ): void;
  /** Nothing computed for this generation counts any more. */
  abandon(generation: GenerationId): void;
  idle(): Promise<void>;
  destroy(): void;
}

interface Open {
  readonly engine: Engine;
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly fingerprint: string;
}

export function createEngineWork({ open, dispatch, notes, adopt, note, now }: EngineWorkOptions): EngineWork {
  let current: Open | undefined;
  let losses = 0;
  let preparations = 0;
  let destroyed = false;
  let abandoned: GenerationId | undefined;
  /** The computation asked for last: whatever is still queued before it is not worth starting. */
  let wanted: EffectOf<'compute'> | undefined;

  const queue = createEngineQueue((error) => {
    dispatch({ kind: 'engineFailed', fault: 'internal', detail: messageOf(error) });
  });

  /** The engine is gone for good. Said once, whether its promise or a call notices first. */
  const lose = (engine: Engine, fault: EngineFault, detail: string): void => {
    if (current?.engine !== engine || destroyed) return;
    current = undefined;
    losses++;
    engine.destroy();
    dispatch({ kind: 'engineFailed', fault, detail });
  };

  /** Runs a call on the open engine. A lost device is the engine's end; other failures are the caller's to answer. */
  const call = async (
    task: (open: Open) => Promise<void>,
    failed: (detail: string, fault: EngineFault) => void,
  ): Promise<void> => {
    const target = current;
    if (target === undefined) {
      failed('No engine is open.', 'unavailable');
      return;
    }
    try {
      await task(target);
    } catch (error) {
      // The engine was lost under the call: that has been told, and is the whole story.
      if (current !== target) return;
      const fault = error instanceof EngineError ? error.fault : 'internal';
      if (fault === 'device-lost') lose(target.engine, fault, messageOf(error));
      else failed(messageOf(error), fault);
    }
  };

  const fail = (detail: string, fault: EngineFault): void => {
    dispatch({ kind: 'engineFailed', fault, detail });
  };

  /** For calls that come to nothing without an engine: that there is none has been told. */
  const failUnlessGone = (detail: string, fault: EngineFault): void => {
    if (current !== undefined) fail(detail, fault);
  };

  const openFor = async ({ job }: EffectOf<'prepareEngine'>): Promise<Open> => {
    const jobHash = hashOfJob(job);
    if (current?.jobHash === jobHash) return current;
    current?.engine.destroy();
    current = undefined;
    const engine = await open(job, losses);
    const opened: Open = { engine, job, jobHash, fingerprint: await engine.fingerprint() };
    current = opened;
    note(`${engine.description.kind} on ${engine.description.adapter}: ${engine.description.reason}`);
    void engine.lost.then((error) => {
      lose(engine, error.fault, error.message);
    });
    return opened;
  };

  const capture: EngineWork['capture'] = (isWanted, captured, failed, heldUp) => {
    queue.add(() =>
      call(async (target) => {
        if (!(await isWanted())) return;
        const began = now();
        const snapshot = await target.engine.snapshot();
        heldUp?.(now() - began);
        // Behind the steps that follow. An engine that is lost meanwhile has been told as lost.
        void snapshot.read().then(
          (state) => {
            captured({ job: target.job, jobHash: target.jobHash, state });
          },
          (error: unknown) => {
            failed(messageOf(error));
          },
        );
      }, failed),
    );
  };

  return {
    get engine() {
      return current?.engine;
    },

    get preparations() {
      return preparations;
    },

    prepare(effect) {
      const asked = ++preparations;
      // A page that hears of a room trains that room's job: no engine for the job before it is the answer any more.
      const isOutOfDate = (): boolean => asked !== preparations;
      queue.add(async () => {
        const before = losses;
        try {
          const { engine, jobHash, job, fingerprint } = await openFor(effect);
          const hash = await engine.reset();
          if (destroyed) {
            engine.destroy();
            return;
          }
          if (isOutOfDate()) return;
          const graph = modelGraph(job.model);
          const layout = jobLayout(job, graph);
          const tensors = graph.parameters.map(({ name }) => name);
          dispatch({ kind: 'engineReady', jobHash, fingerprint, layout, tensors, hash });
        } catch (error) {
          if (losses !== before) return;
          const fault = error instanceof EngineError ? error.fault : 'internal';
          if (fault === 'device-lost') losses++;
          current?.engine.destroy();
          current = undefined;
          if (!isOutOfDate()) fail(messageOf(error), fault);
        }
      }, isOutOfDate);
    },

    compute(effect) {
      wanted = effect;
      const { generation, step, attempt, microBatches, exponents, quarantined } = effect;
      const stale = (): boolean =>
        wanted !== effect || (abandoned !== undefined && sameGeneration(abandoned, generation));
      queue.add(
        () =>
          call(
            async ({ engine }) => {
              await engine.contributeInBuckets(
                { step, microBatches, exponents, quarantined },
                (bucket, lanes) => {
                  dispatch({ kind: 'computed', generation, step, attempt, bucket, lanes });
                },
              );
            },
            (detail) => {
              dispatch({ kind: 'computeFailed', generation, step, attempt, detail });
            },
          ),
        stale,
      );
    },

    apply({ generation, step, reduced, exponents, quarantined, mode }) {
      queue.add(() =>
        call(async ({ engine }) => {
          const hash = await engine.apply({ step, reduced, mode, exponents, quarantined });
          dispatch({ kind: 'applied', generation, step, hash });
        }, failUnlessGone),
      );
    },

    exportState({ generation }) {
      queue.add(() =>
        call(
          async ({ engine, job, jobHash }) => {
            const state = await engine.exportState();
            const hash = await engine.hash();
            const pieces = await toPieces(
              { state, job, jobHash, stateHash: hash, notes: notes(state.step, generation) },
              parameterTensors(job.model),
            );
            dispatch({ kind: 'exported', generation, step: state.step, hash, state: pieces });
          },
          (detail) => {
            note(`The state could not be exported for a rank that heals: ${detail}`);
          },
        ),
      );
    },

    copyState({ generation, step, hash }) {
      const failed = (detail: string): void => {
        note(`The state could not be copied for a rank that learns: ${detail}`);
        dispatch({ kind: 'copied', step, hash, state: undefined });
      };
      const inPieces = async ({ job, jobHash, state }: Captured): Promise<void> => {
        const contents = { state, job, jobHash, stateHash: hash, notes: notes(step, generation) };
        const pieces = await toPieces(contents, parameterTensors(job.model));
        dispatch({ kind: 'copied', step, hash, state: pieces });
      };
      capture(
        () => Promise.resolve(true),
        (captured) => {
          inPieces(captured).catch((error: unknown) => {
            failed(messageOf(error));
          });
        },
        failed,
      );
    },

    importState({ generation, step, hash, pieces }) {
      const failed = (detail: string): void => {
        dispatch({ kind: 'importFailed', generation, detail });
      };
      queue.add(() =>
        call(async ({ engine, job }) => {
          const file = fromPieces(pieces, job, parameterTensors(job.model));
          if (file.state.step !== step || file.stateHash !== hash) {
            failed(`The donor announced step ${step} and sent a state of step ${file.state.step}.`);
            return;
          }
          const found = await engine.importState(file.state);
          adopt(file.notes, step);
          // Whether that is the hash announced is the core's to judge: the engine's state has changed either way.
          dispatch({ kind: 'imported', generation, step, hash: found });
        }, failed),
      );
    },

    restore({ state, summary, notes: restored, provenance }) {
      queue.add(() =>
        call(async ({ engine }) => {
          const found = await engine.importState(state);
          if (found !== summary.stateHash) {
            fail(
              `The checkpoint of step ${state.step} came out as ${found}, expected ${summary.stateHash}.`,
              'bad-state',
            );
            return;
          }
          adopt(restored, state.step);
          const standing = { lineage: summary.generation, step: state.step, hash: found };
          dispatch({ kind: 'restored', found: { standing, provenance } });
        }, failUnlessGone),
      );
    },

    capture,

    abandon(generation) {
      abandoned = generation;
    },

    idle: () => queue.idle(),

    destroy() {
      destroyed = true;
      current?.engine.destroy();
      current = undefined;
    },
  };
}

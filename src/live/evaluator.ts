// An engine behind the training, for what no step waits for: held-out accuracy, of which the newest snapshot wins, and predictions.

import type { Job } from '../job/job.ts';
import type { Engine, PredictRequest, TrainingState } from '../ports/engine.ts';
import type { EvaluationPoint } from './api.ts';
import { messageOf } from './message-of.ts';

export interface Evaluator {
  /** Evaluates the state when the one before is done. */
  evaluate(job: Job, state: TrainingState, measured: (point: EvaluationPoint) => void): void;
  /** f32[count, classes]: what that state predicts. */
  predict(job: Job, state: TrainingState, request: PredictRequest): Promise<Float32Array<ArrayBuffer>>;
  destroy(): void;
}

/** `failed` hears why there is no accuracy; the evaluator is opened anew for the next snapshot. */
export function createEvaluator(
  open: (job: Job) => Promise<Engine>,
  failed: (detail: string) => void,
): Evaluator {
  let engine: Engine | undefined;
  /** What the engine was opened for, and the state that it holds. */
  let opened: Job | undefined;
  let held: TrainingState | undefined;
  let waiting: { job: Job; state: TrainingState; measured: (point: EvaluationPoint) => void } | undefined;
  let destroyed = false;
  /** One use of the engine at a time, as its port demands. */
  let tail: Promise<unknown> = Promise.resolve();

  const close = (): void => {
    engine?.destroy();
    engine = undefined;
    held = undefined;
  };

  const use = <T>(job: Job, state: TrainingState, work: (engine: Engine) => Promise<T>): Promise<T> => {
    const result = tail.then(async () => {
      if (destroyed) throw new Error('The rank has gone.');
      try {
        if (engine === undefined || opened !== job) {
          close();
          engine = await open(job);
          opened = job;
        }
        if (held !== state) await engine.importState(state);
        held = state;
        return await work(engine);
      } catch (error) {
        close();
        throw error;
      }
    });
    tail = result.catch(() => undefined);
    return result;
  };

  const work = async (): Promise<void> => {
    if (waiting === undefined) return;
    const { job, state, measured } = waiting;
    waiting = undefined;
    try {
      const { predictions, correct, loss } = await use(job, state, (open) => open.evaluate());
      measured({ step: state.step, accuracy: correct / predictions, loss });
    } catch (error) {
      if (!destroyed) failed(messageOf(error));
    }
  };

  return {
    evaluate(job, state, measured) {
      waiting = { job, state, measured };
      void tail.then(work);
    },
    predict: (job, state, request) => use(job, state, (open) => open.predict(request)),
    destroy() {
      destroyed = true;
      waiting = undefined;
      void tail.then(close);
    },
  };
}

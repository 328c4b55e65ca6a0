// Held-out accuracy, measured on snapshots behind the training, so that no step waits for it. The newest snapshot wins.

import type { Job } from '../job/job.ts';
import type { Engine, TrainingState } from '../ports/engine.ts';
import type { EvaluationPoint } from './api.ts';
import { messageOf } from './message-of.ts';

export interface Evaluator {
  /** Evaluates the state when the one before is done. */
  evaluate(job: Job, state: TrainingState, measured: (point: EvaluationPoint) => void): void;
  destroy(): void;
}

/** `failed` hears why there is no accuracy; the evaluator is opened anew for the next snapshot. */
export function createEvaluator(
  open: (job: Job) => Promise<Engine>,
  failed: (detail: string) => void,
): Evaluator {
  let engine: Engine | undefined;
  /** The job that the engine was opened for. */
  let opened: Job | undefined;
  let waiting: { job: Job; state: TrainingState; measured: (point: EvaluationPoint) => void } | undefined;
  let busy = false;
  let destroyed = false;

  const work = async (): Promise<void> => {
    busy = true;
    while (waiting !== undefined) {
      const { job, state, measured } = waiting;
      waiting = undefined;
      try {
        if (engine === undefined || opened !== job) {
          engine?.destroy();
          engine = await open(job);
          opened = job;
        }
        await engine.importState(state);
        const { predictions, correct, loss } = await engine.evaluate();
        measured({ step: state.step, accuracy: correct / predictions, loss });
      } catch (error) {
        engine?.destroy();
        engine = undefined;
        failed(messageOf(error));
      }
    }
    busy = false;
    if (destroyed) engine?.destroy();
  };

  return {
    evaluate(job, state, measured) {
      waiting = { job, state, measured };
      if (!busy && !destroyed) void work();
    },
    destroy() {
      destroyed = true;
      waiting = undefined;
      if (!busy) engine?.destroy();
    },
  };
}

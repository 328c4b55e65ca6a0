// What the model says of samples that a person brings. The state that answers is captured once and kept, so that one question after
// another is answered by the same state, until the newest is asked for.

import type { PredictRequest } from '../ports/engine.ts';
import type { Prediction } from './api.ts';
import type { Captured, EngineWork } from './engine-work.ts';
import type { Evaluator } from './evaluator.ts';
import { RankError } from './rank-error.ts';

export type Predict = (request: PredictRequest, newest: boolean) => Promise<Prediction>;

export function createPredict(work: EngineWork, evaluator: Evaluator): Predict {
  let asked: Captured | undefined;

  const captureNow = (): Promise<Captured> =>
    new Promise((resolve, reject) => {
      work.capture(
        () => Promise.resolve(true),
        resolve,
        (detail) => {
          reject(new RankError(`The model could not be asked: ${detail}`));
        },
      );
    });

  return async (request, newest) => {
    if (newest || asked === undefined) asked = await captureNow();
    const { job, state } = asked;
    return { step: state.step, logits: await evaluator.predict(job, state, request) };
  };
}

// A lesson's run in the simulator, in a worker: the same one that `rankfall sim` runs, measured and drawn.

import * as Comlink from 'comlink';
import { drawRoom } from '../../simulator/drawing.ts';
import { recordingEntropy } from '../../simulator/random.ts';
import { pasteable } from '../../simulator/pasteable.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { speak, type Language } from '../language/language.ts';
import type { SimulatedRun } from './lesson.ts';
import { keepMeasures } from './metrics.ts';
import type { LessonOutcome } from './outcome.ts';
import { experimentOf } from './settings.ts';
import { strikeTeller, teller } from '../teller.ts';

export interface LessonWorker {
  /** What happened is told in that language. */
  run(run: SimulatedRun, language: Language): Promise<LessonOutcome>;
}

const worker: LessonWorker = {
  run: async (run, language) => {
    await speak(language);
    const experiment = experimentOf(run);
    const { entropy, tape } = recordingEntropy(experiment.seed);
    const keeper = keepMeasures(experiment.steps, 0);
    const drawing = drawRoom(teller, strikeTeller);
    const outcome = runExperiment(experiment, {
      ...drawing,
      entropy,
      hash: true,
      onRecord(record, host) {
        keeper.observe(record);
        drawing.onRecord(record, host);
      },
      onStrike(strike, at) {
        keeper.struck(at);
        drawing.onStrike(strike, at);
      },
    });
    const { verdict, invariant, reason, traceHash } = outcome;
    const diagram = drawing.diagram(outcome);
    return {
      measures: keeper.measures(verdict, invariant === undefined ? 0 : 1),
      reason,
      diagram,
      replay: pasteable({ experiment, tape, invariant, reason, traceHash }, { verdict, reason, diagram }),
    };
  },
};

Comlink.expose(worker);

// A lesson's run in the simulator, in a worker: the same one that `rankfall sim` runs, measured and drawn.

import * as Comlink from 'comlink';
import type { Diagram } from '../../trace/diagram.ts';
import { drawRoom } from '../../simulator/drawing.ts';
import { recordingEntropy } from '../../simulator/random.ts';
import { pasteable } from '../../simulator/replay.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { teller } from './teller.ts';
import type { SimulatedRun } from './lesson.ts';
import { keepMeasures, type Measures } from './metrics.ts';
import { experimentOf } from './settings.ts';

export interface SimulatedResult {
  readonly measures: Measures;
  /** What was broken, or why the run could not be held to its promise. */
  readonly reason: string | undefined;
  readonly virtualMs: number;
  readonly diagram: Diagram;
  /** The run as one string that `rankfall replay` takes. */
  readonly replay: string;
}

export interface LessonWorker {
  run(run: SimulatedRun): Promise<SimulatedResult>;
}

const worker: LessonWorker = {
  run: async (run) => {
    const experiment = experimentOf(run);
    const { entropy, tape } = recordingEntropy(experiment.seed);
    const keeper = keepMeasures(experiment.steps, 0);
    const drawing = drawRoom(teller);
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
    const { verdict, invariant, reason, traceHash, virtualMs } = outcome;
    return {
      measures: keeper.measures(verdict, invariant === undefined ? 0 : 1),
      reason,
      virtualMs,
      diagram: drawing.diagram(outcome),
      replay: pasteable({ experiment, tape, invariant, reason, traceHash }),
    };
  },
};

Comlink.expose(worker);

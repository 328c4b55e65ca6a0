// The numeric fingerprint: a digest of what an engine computes from made-up samples, so that ranks can tell whether their
// arithmetic agrees to the bit.

import { digestHex, digestWords } from '../collective/digest.ts';
import { randomStream, uniformFraction, uniformInteger } from '../job/random.ts';
import type { Job } from '../job/job.ts';
import type { ApplyRequest, ContributionRequest, TrainingState } from '../ports/engine.ts';
import type { StateHash } from '../ports/ids.ts';
import type { Loader } from '../ports/loader.ts';
import type { Graph } from './graph/graph.ts';
import { modelGraph } from './graph/model-graph.ts';
import { elements } from './layers/layer.ts';
import { initialState } from './state.ts';

/** What the probe needs of an engine. */
export interface Probed {
  exportState(): Promise<TrainingState>;
  importState(state: TrainingState): Promise<StateHash>;
  contributeFrom(loader: Loader, request: ContributionRequest): Promise<Int32Array>;
  apply(request: ApplyRequest): Promise<StateHash>;
}

const PURPOSE_PROBE = 0x70_72_6f_62;
/**
 * What two steps do not show of how a state follows from the one before, such as how slowly exponents fall: one more whenever that changes.
 */
const ARITHMETIC = 2;
/** The second step sees what the first one's update rounded. */
const PROBE_STEPS = 2;
/** Wide enough for any gradient of a mean loss on inputs below 1. */
const PROBE_EXPONENT = 8;

/** Inputs uniform in [0, 1), tokens and labels uniform; a sample depends on the job's seed and its row alone. */
function probeLoader(job: Job, { values: [input], positions, classes }: Graph): Loader {
  const { shape = [], type: inputType = 'f32' } = input ?? {};
  const features = elements(shape);
  return {
    format: { type: inputType, shape, positions, classes },
    sizes: { train: job.globalBatch, test: 1 },
    load: async (_split, rows) => {
      const length = rows.length * features;
      const inputs = inputType === 'tokens' ? new Int32Array(length) : new Float32Array(length);
      const labels = new Int32Array(rows.length * positions);
      rows.forEach((row, i) => {
        const next = randomStream(job.seed, PURPOSE_PROBE, row);
        for (let j = 0; j < positions; j++) labels[i * positions + j] = uniformInteger(next, classes);
        for (let j = 0; j < features; j++) {
          inputs[i * features + j] =
            inputType === 'tokens' ? uniformInteger(next, classes) : uniformFraction(next);
        }
      });
      return Promise.resolve({ inputs, labels });
    },
  };
}

/** 32 hex digits. The engine's state is set aside and put back, also when the probe fails. */
export async function fingerprintOf(job: Job, engine: Probed): Promise<string> {
  const kept = await engine.exportState();
  const graph = modelGraph(job.model);
  const loader = probeLoader(job, graph);
  const exponents = new Int32Array(graph.parameters.length).fill(PROBE_EXPONENT);
  const sums = new Int32Array(4);
  digestWords(sums, Int32Array.of(ARITHMETIC), PROBE_STEPS);
  try {
    await engine.importState(initialState(job));
    for (let step = 0; step < PROBE_STEPS; step++) {
      const reduced = await engine.contributeFrom(loader, { step, microBatches: [0], exponents });
      digestWords(sums, reduced, step);
      const hash = await engine.apply({ step, reduced, mode: 'native', exponents });
      digestWords(
        sums,
        Int32Array.from(hash.match(/.{8}/gu) ?? [], (hex) => Number.parseInt(hex, 16)),
        step,
      );
    }
  } finally {
    await engine.importState(kept);
  }
  return digestHex(sums);
}

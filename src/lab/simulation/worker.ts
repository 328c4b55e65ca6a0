// The simulator in a worker of the lab: the same one that `rankfall sim` runs, so that the same seed comes to the same trace.

import * as Comlink from 'comlink';
import type { MemberId } from '../../ports/ids.ts';
import { drawExperiment, type Experiment } from '../../simulator/experiment.ts';
import { pasteable } from '../../simulator/replay.ts';
import { SCENARIOS, scenarioExperiment } from '../../simulator/scenarios.ts';
import { replayOf } from '../../simulator/shrink.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { sentenceOf, toneOf, topicOf, type Topic } from '../sentences.ts';
import type { SimulationEntry, SimulationRequest, SimulationWorker } from './api.ts';

const TOLD: ReadonlySet<Topic> = new Set<Topic>(['membership', 'state', 'faults', 'votes']);
const MAX_ENTRIES = 400;

function experimentOf({ scenario, seed, ranks }: SimulationRequest): Experiment {
  const named = scenario === undefined ? undefined : SCENARIOS[scenario];
  return named === undefined ? drawExperiment(seed, { ranks }) : scenarioExperiment(named, { seed, ranks });
}

const worker: SimulationWorker = {
  scenarios: async () => Object.entries(SCENARIOS).map(([name, { tells }]) => ({ name, tells })),

  run: async (request) => {
    const experiment = experimentOf(request);
    const entries: SimulationEntry[] = [];
    const members = new Set<MemberId>();
    let more = 0;
    const started = performance.now();
    const outcome = runExperiment(experiment, {
      hash: true,
      watch: true,
      onRecord({ at, member, event }) {
        members.add(member);
        if (!TOLD.has(topicOf(event))) return;
        if (entries.length < MAX_ENTRIES)
          entries.push({ at, member, tone: toneOf(event), sentence: sentenceOf(event) });
        else more += 1;
      },
    });
    const { verdict, invariant, reason, traceHash, stateHash, committed, events, virtualMs, ledger } =
      outcome;
    return {
      verdict,
      invariant,
      reason,
      traceHash,
      stateHash,
      steps: experiment.steps,
      committed,
      events,
      virtualMs,
      wallMs: performance.now() - started,
      ledger,
      members: [...members],
      entries,
      more,
    };
  },

  replay: async (request) => pasteable(replayOf(experimentOf(request))),
};

Comlink.expose(worker);

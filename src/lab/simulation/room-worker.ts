// The simulator in a worker of the lab: the same one that `rankfall sim` runs, so that the same seed comes to the same trace.

import * as Comlink from 'comlink';
import { drawRoom } from '../../simulator/drawing.ts';
import { drawExperiment } from '../../simulator/draw-experiment.ts';
import type { Experiment } from '../../simulator/experiment.ts';
import { recordingEntropy, replayingEntropy, type Tape } from '../../simulator/random.ts';
import { pasteable, type Seen } from '../../simulator/pasteable.ts';
import { encodeReplay, parseReplay, type Replay } from '../../simulator/replay.ts';
import { SCENARIOS, scenarioExperiment } from '../../simulator/scenarios.ts';
import { shrink } from '../../simulator/shrink.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { speak } from '../language/language.ts';
import { strikeTeller, teller } from '../teller.ts';
import { branch } from './branches.ts';
import { exactly } from './exactly.ts';
import type { RaceWorker, RunRequest, SeedRequest } from './api.ts';

const RANKS = 4;

function experimentOf({ scenario, seed, ranks }: SeedRequest): Experiment {
  const named = scenario === undefined ? undefined : SCENARIOS[scenario];
  return named === undefined ? drawExperiment(seed, { ranks }) : scenarioExperiment(named, { seed, ranks });
}

/** Bugs are planted by the command alone: what ships to a page has none to plant. */
function parse(text: string): Replay {
  const replay = parseReplay(text);
  const { bug } = replay.experiment;
  if (bug !== undefined)
    throw new Error(
      `This run has the bug "${bug}" planted, and a page holds no planted bugs: run it with npx rankfall replay.`,
    );
  return replay;
}

interface Ran {
  readonly replay: Replay;
  readonly seen: Seen;
}

let last: Ran | undefined;

function lastRun(): Ran {
  if (last === undefined) throw new Error('Nothing was run yet.');
  return last;
}

function prepare(request: RunRequest): {
  readonly experiment: Experiment;
  readonly entropy: ReturnType<typeof replayingEntropy>;
  readonly tape: Tape;
  readonly recorded: string | undefined;
} {
  if (request.kind === 'replay') {
    const { experiment, tape, traceHash } = parse(request.text);
    return { experiment, entropy: replayingEntropy(tape), tape, recorded: traceHash };
  }
  const experiment = experimentOf(request);
  return { experiment, ...recordingEntropy(experiment.seed), recorded: undefined };
}

const worker: RaceWorker = {
  open: async () => ({
    protocol: 'rankfall',
    ranks: RANKS,
    scenarios: Object.entries(SCENARIOS).map(([name, { tells }]) => ({ name, tells })),
  }),

  speak,

  run: async (request) => {
    const { experiment, entropy, tape, recorded } = prepare(request);
    const drawing = drawRoom(teller, strikeTeller);
    const started = performance.now();
    const outcome = exactly(recorded, () =>
      runExperiment(experiment, { ...drawing, entropy, hash: true, watch: true }),
    );
    const wallMs = performance.now() - started;
    const { verdict, invariant, reason, traceHash, stateHash, committed, events, virtualMs, ledger } =
      outcome;
    const diagram = drawing.diagram(outcome);
    const replay: Replay = { experiment, tape, invariant, reason, traceHash };
    last = { replay, seen: { verdict, reason, diagram } };
    return {
      verdict,
      invariant,
      reason,
      traceHash,
      stateHash,
      seed: experiment.seed,
      ranks: experiment.ranks,
      steps: experiment.steps,
      committed,
      events,
      virtualMs,
      wallMs,
      ledger: { ...ledger },
      diagram,
      pasteable: pasteable(replay),
    };
  },

  replay: async () => {
    const { replay, seen } = lastRun();
    return { text: pasteable(replay, seen) };
  },

  branch: async (request) => {
    const { replay } = lastRun();
    return branch(replay, request, (make) => {
      const drawing = drawRoom(teller, strikeTeller);
      const outcome = runExperiment(replay.experiment, { ...drawing, ...make(drawing.moments) });
      return { invariant: outcome.invariant, diagram: drawing.diagram(outcome) };
    });
  },

  hunt: async ({ from, count, ranks }) => {
    let [events, virtualMs] = [0, 0];
    for (let seed = from; seed < from + count; seed++) {
      const outcome = runExperiment(drawExperiment(seed, { ranks }));
      events += outcome.events;
      virtualMs += outcome.virtualMs;
      const { verdict, invariant, reason } = outcome;
      if (verdict === 'violated')
        return { count: seed - from + 1, events, virtualMs, finding: { seed, invariant, reason } };
    }
    return { count, events, virtualMs, finding: undefined };
  },

  shrink: async (budgetMs) => {
    const { replay, size, runs } = shrink(lastRun().replay, { now: () => performance.now(), budgetMs });
    return { replay: encodeReplay(replay), size, runs };
  },
};

Comlink.expose(worker);

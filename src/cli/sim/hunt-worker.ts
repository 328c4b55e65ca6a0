// One hunting thread: runs the seeds that it is handed, and says what it found.

import { parentPort, workerData } from 'node:worker_threads';
import { drawExperiment, type ExperimentOptions } from '../../simulator/draw-experiment.ts';
import { drawGuestExperiment } from '../../simulator/guest/experiment.ts';
import { runGuestTwice } from '../../simulator/guest/run.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { UsageError } from '../errors.ts';
import { answering, loadProtocol } from '../guest/load.ts';
import { rulesWith } from './bugs.ts';

export interface HuntSetup {
  readonly options: ExperimentOptions;
  readonly situations: boolean;
  /** The file of a protocol of the user's own; undefined: the built-in one. */
  readonly protocol?: string | undefined;
}

export interface HuntChunk {
  readonly from: number;
  readonly count: number;
}

export interface HuntFinding {
  readonly seed: number;
  readonly invariant: number | string;
  readonly reason: string;
  readonly events: number;
}

export interface HuntResult extends HuntChunk {
  readonly events: number;
  readonly virtualMs: number;
  readonly findings: readonly HuntFinding[];
  readonly unrecoverable: number;
  readonly situations: readonly (readonly [string, number])[];
}

/** The hunt cannot go on: what the person has to mend. */
export interface HuntRefusal {
  readonly refused: string;
}

/** What a hunter wants to know of one seed's run. */
interface Run {
  readonly verdict: 'held' | 'violated' | 'unrecoverable';
  readonly invariant: number | string | undefined;
  readonly reason: string | undefined;
  readonly events: number;
  readonly virtualMs: number;
  readonly situations?: ReadonlyMap<string, number>;
}

const setup = workerData as HuntSetup;

function roomRuns(): (seed: number) => Run {
  const rules = rulesWith(setup.options.bug);
  return (seed) =>
    runExperiment(drawExperiment(seed, setup.options), {
      ...(rules === undefined ? {} : { rules }),
      watch: setup.situations,
    });
}

/** A user's protocol runs each seed twice: one that cannot be replayed is told at once. */
async function guestRuns(path: string): Promise<(seed: number) => Run> {
  const { protocol, hash } = await loadProtocol(path);
  return (seed) => runGuestTwice(protocol, drawGuestExperiment(seed, protocol, hash, setup.options));
}

function hunt(run: (seed: number) => Run, { from, count }: HuntChunk): HuntResult {
  let [events, virtualMs, unrecoverable] = [0, 0, 0];
  const findings: HuntFinding[] = [];
  const situations = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const outcome = run(seed);
    events += outcome.events;
    virtualMs += outcome.virtualMs;
    if (outcome.verdict === 'unrecoverable') unrecoverable += 1;
    if (outcome.verdict === 'violated')
      findings.push({
        seed,
        invariant: outcome.invariant ?? 0,
        reason: outcome.reason ?? '',
        events: outcome.events,
      });
    for (const [name, times] of outcome.situations ?? [])
      situations.set(name, (situations.get(name) ?? 0) + times);
  }
  return { from, count, events, virtualMs, findings, unrecoverable, situations: [...situations] };
}

const { protocol } = setup;
const run = protocol === undefined ? roomRuns() : await guestRuns(protocol);
parentPort?.on('message', (chunk: HuntChunk) => {
  void answering(protocol ?? '', () => hunt(run, chunk)).then(
    (result) => parentPort?.postMessage(result),
    (error: unknown) => {
      if (!(error instanceof UsageError)) throw error;
      parentPort?.postMessage({ refused: error.message } satisfies HuntRefusal);
    },
  );
});
parentPort?.postMessage('ready');

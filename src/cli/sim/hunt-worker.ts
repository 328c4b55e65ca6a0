// One hunting thread: runs the seeds that it is handed, and says what it found.

import { parentPort, workerData } from 'node:worker_threads';
import { drawExperiment, type ExperimentOptions } from '../../simulator/experiment.ts';
import { runExperiment } from '../../simulator/swarm.ts';
import { rulesWith } from './bugs.ts';

export interface HuntSetup {
  readonly options: ExperimentOptions;
  readonly situations: boolean;
}

export interface HuntChunk {
  readonly from: number;
  readonly count: number;
}

export interface HuntFinding {
  readonly seed: number;
  readonly invariant: number;
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

const setup = workerData as HuntSetup;
const rules = rulesWith(setup.options.bug);

function hunt({ from, count }: HuntChunk): HuntResult {
  let [events, virtualMs, unrecoverable] = [0, 0, 0];
  const findings: HuntFinding[] = [];
  const situations = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const outcome = runExperiment(drawExperiment(seed, setup.options), {
      ...(rules === undefined ? {} : { rules }),
      watch: setup.situations,
    });
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
    for (const [name, times] of outcome.situations) situations.set(name, (situations.get(name) ?? 0) + times);
  }
  return { from, count, events, virtualMs, findings, unrecoverable, situations: [...situations] };
}

parentPort?.on('message', (chunk: HuntChunk) => parentPort?.postMessage(hunt(chunk)));
parentPort?.postMessage('ready');

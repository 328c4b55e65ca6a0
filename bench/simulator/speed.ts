// How fast the simulator is, with all checks on, on one core: virtual seconds and events for each real second.
//
//   npx tsx bench/simulator/speed.ts [--ranks N] [--steps N] [--churn N] [--repeat N] [--json]
//
// A step takes one virtual second, and heartbeats come every 100 ms. `--churn` strikes pages: that many are killed, and as many
// opened, spread over the run. The best of `--repeat` runs is reported, since a busy machine only ever makes one slower.

import { parseArgs } from 'node:util';
import type { Strike } from '../../src/faults/schedule.ts';
import { calmExperiment, type Experiment } from '../../src/simulator/experiment.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '8' },
    steps: { type: 'string', default: '1000' },
    churn: { type: 'string', default: '0' },
    repeat: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

function count(name: 'ranks' | 'steps' | 'churn' | 'repeat', least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  process.stderr.write(`--${name}: expected a whole number from ${least}, found ${values[name]}\n`);
  process.exit(2);
}

const ranks = count('ranks', 1);
const steps = count('steps', 1);
const churn = count('churn', 0);
const repeat = count('repeat', 1);

/** Computing and applying take 490 ms each; with the messages between them, a step takes a second. */
const ENGINE_MS = [490, 490] as const;

const churning = (i: number): readonly Strike[] => {
  const at = { step: Math.max(1, Math.floor(((i + 1) * steps) / (churn + 1))) };
  return [
    { at, page: (1 + i * 7) % ranks, fault: { kind: 'kill' } },
    { at, page: 0, fault: { kind: 'open' } },
  ];
};

const experiment: Experiment = {
  ...calmExperiment(1, ranks, steps),
  profiles: ranks,
  engineMs: ENGINE_MS,
  checkpointEvery: 10,
  plan: Array.from({ length: churn }, (_, i) => churning(i)).flat(),
};

let best: { readonly wallMs: number; readonly events: number; readonly virtualMs: number } | undefined;
for (let run = 0; run < repeat; run++) {
  const started = performance.now();
  const { verdict, reason, events, virtualMs, committed } = runExperiment(experiment);
  const wallMs = performance.now() - started;
  if (verdict !== 'held' || committed < steps) {
    process.stderr.write(
      `The run was not clean: ${verdict}, ${committed} of ${steps} steps, ${reason ?? ''}\n`,
    );
    process.exit(1);
  }
  if (best === undefined || wallMs < best.wallMs) best = { wallMs, events, virtualMs };
}

if (best !== undefined) {
  const { wallMs, events, virtualMs } = best;
  const result = {
    ranks,
    steps,
    churn,
    virtualMs,
    wallMs: Math.round(wallMs),
    events,
    virtualPerReal: Math.round(virtualMs / wallMs),
    eventsPerSecond: Math.round((1000 * events) / wallMs),
    eventMicroseconds: Number(((1000 * wallMs) / events).toFixed(2)),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    process.stdout.write(
      `${ranks} ranks, ${steps} steps of a virtual second, ${churn} lost and as many new\n` +
        `${result.virtualPerReal} virtual seconds for each real second\n` +
        `${result.eventsPerSecond} events for each real second (${result.eventMicroseconds} µs an event)\n` +
        `${result.wallMs} ms for ${events} events in ${Math.round(virtualMs / 1000)} virtual seconds\n` +
        `${result.peakRssMiB} MiB of memory at most\n`,
    );
}

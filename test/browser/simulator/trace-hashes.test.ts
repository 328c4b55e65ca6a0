// The simulator is the same everywhere: a race found in Node replays in a tab.

import { expect, it } from 'vitest';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';
import hashes from '../../fixtures/trace-hashes.json';

it.each(hashes)(
  'seed $seed comes to the same trace hash in this browser as in Node, twice',
  ({ seed, traceHash }) => {
    for (let run = 0; run < 2; run++)
      expect(runExperiment(drawExperiment(seed), { hash: true }).traceHash).toBe(traceHash);
  },
);

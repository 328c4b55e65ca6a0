// Trace hashes that Chromium has to come to as well (test/browser/simulator).
// After a change that is meant: npx vitest run --project node test/node/simulator/trace-hashes.test.ts -u

import { expect, it } from 'vitest';
import { drawExperiment } from '../../../src/simulator/experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

it('the first seeds come to the trace hashes on record', async () => {
  const hashes = Array.from({ length: 20 }, (_, i) => ({
    seed: i + 1,
    traceHash: runExperiment(drawExperiment(i + 1), { hash: true }).traceHash,
  }));
  await expect(`${JSON.stringify(hashes, null, 2)}\n`).toMatchFileSnapshot(
    '../../fixtures/trace-hashes.json',
  );
});

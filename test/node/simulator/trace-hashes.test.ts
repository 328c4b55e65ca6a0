// Trace hashes that Chromium has to come to as well (test/browser/simulator), and the version of the core that they stand for.
// After a change that is meant: npx vitest run --project node test/node/simulator/trace-hashes.test.ts -u

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { CORE_VERSION } from '../../../src/simulator/core-version.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

/** So many are on record for other engines of JavaScript. */
const SEEDS = 100;

const hashes = Array.from({ length: SEEDS }, (_, i) => ({
  seed: i + 1,
  traceHash: runExperiment(drawExperiment(i + 1), { hash: true }).traceHash,
}));

it('the first seeds come to the trace hashes on record', async () => {
  await expect(`${JSON.stringify(hashes, null, 2)}\n`).toMatchFileSnapshot(
    '../../fixtures/trace-hashes.json',
  );
});

const VERSIONS = 'test/fixtures/core-versions.json';
const versions = v.parse(
  v.array(v.strictObject({ core: v.number(), traces: v.string() })),
  JSON.parse(readFileSync(VERSIONS, 'utf8')),
);

it('a core that decides otherwise has another version, so that old replays are not taken for its own', () => {
  const traces = createHash('sha256').update(JSON.stringify(hashes)).digest('hex');
  const known = versions.find((version) => version.traces === traces);
  const next = Math.max(...versions.map(({ core }) => core)) + 1;
  const advice =
    known === undefined
      ? `No version of the core has come to these traces: set CORE_VERSION in src/simulator/core-version.ts to ${next}, and add {"core": ${next}, "traces": "${traces}"} to ${VERSIONS}.`
      : `These are the traces of version ${known.core} of the core: set CORE_VERSION in src/simulator/core-version.ts to ${known.core}.`;
  expect(known?.core, advice).toBe(CORE_VERSION);
});

// The ports' contract in a real browser: WebRTC, IndexedDB and the machine's clock. What the simulated ports keep in Node
// (test/node/ports) they must keep here; where the two differ, the simulator is wrong.

import { afterEach, describe, it } from 'vitest';
import { CLOCK_CONTRACT } from '../../../src/ports/contract/clock.ts';
import { NETWORK_CONTRACT } from '../../../src/ports/contract/network.ts';
import { BALLOT_CONTRACT, CHECKPOINT_CONTRACT } from '../../../src/ports/contract/stores.ts';
import { systemClock } from '../../../src/transport/system-clock.ts';
import { ballotHarness, checkpointHarness } from '../../support/store-harness.ts';
import { openWebRtcPair, until, type WebRtcPair } from './webrtc-pair.ts';

let pair: WebRtcPair | undefined;
afterEach(() => {
  pair?.end();
  pair = undefined;
});

describe('the network over WebRTC', () => {
  it.each(NETWORK_CONTRACT)('keeps that $name', async ({ run }) => {
    pair = await openWebRtcPair();
    await run(pair);
  });
});

describe("the machine's clock", () => {
  it.each(CLOCK_CONTRACT)('keeps that $name', async ({ run }) => {
    const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    await run({ clock: systemClock(), until, pass });
  });
});

describe('the ballot store in IndexedDB', () => {
  it.each(BALLOT_CONTRACT)('keeps that $name', async ({ run }) => {
    await run(ballotHarness());
  });
});

describe('the checkpoint store in IndexedDB', () => {
  it.each(CHECKPOINT_CONTRACT)('keeps that $name', async ({ run }) => {
    await run(checkpointHarness());
  });
});

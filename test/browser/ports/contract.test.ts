// The ports' contract in a real browser: WebRTC, IndexedDB and the machine's clock. What the simulated ports keep in Node
// (test/node/ports) they must keep here; where the two differ, the simulator is wrong.

import { afterEach, describe, expect, it } from 'vitest';
import { CHANNEL_CONTRACT, MAX_CHANNEL_MESSAGE_BYTES } from '../../../src/ports/contract/channel.ts';
import { CLOCK_CONTRACT } from '../../../src/ports/contract/clock.ts';
import { NETWORK_CONTRACT } from '../../../src/ports/contract/network.ts';
import { BALLOT_CONTRACT, CHECKPOINT_CONTRACT } from '../../../src/ports/contract/stores.ts';
import { systemClock } from '../../../src/transport/system-clock.ts';
import { ballotHarness, checkpointHarness } from '../../support/store-harness.ts';
import { openRawChannel, type OpenChannel } from './raw-channel.ts';
import { openWebRtcPair, until, type WebRtcPair } from './webrtc-pair.ts';

let pair: WebRtcPair | undefined;
afterEach(() => {
  pair?.end();
  pair = undefined;
  for (const channel of channels.splice(0)) channel.end();
});

const channels: OpenChannel[] = [];
async function openChannel(): Promise<OpenChannel> {
  const channel = await openRawChannel();
  channels.push(channel);
  return channel;
}

describe('the network over WebRTC', () => {
  it.each(NETWORK_CONTRACT)('keeps that $name', async ({ run }) => {
    pair = await openWebRtcPair();
    await run(pair);
  });
});

describe('a data channel', () => {
  it('says itself that a message may have 262,144 bytes', async () => {
    const channel = await openChannel();
    expect(channel.limit).toBe(MAX_CHANNEL_MESSAGE_BYTES);
  });

  it.each(CHANNEL_CONTRACT)('keeps that $name', async ({ run }) => {
    await run(await openChannel());
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

// The ports' contract in a real browser: WebRTC, WebGPU, IndexedDB and the machine's clock. What the simulated ports keep in Node
// (test/node/ports) they must keep here; where the two differ, the simulator is wrong.

import { afterEach, describe, expect, it } from 'vitest';
import { CHANNEL_CONTRACT, MAX_CHANNEL_MESSAGE_BYTES } from '../../../src/ports/contract/channel.ts';
import { CLOCK_CONTRACT } from '../../../src/ports/contract/clock.ts';
import { DEVICE_CONTRACT, ENGINE_CONTRACT, type DeviceHarness } from '../../../src/ports/contract/engine.ts';
import { NETWORK_CONTRACT } from '../../../src/ports/contract/network.ts';
import { BALLOT_CONTRACT, CHECKPOINT_CONTRACT } from '../../../src/ports/contract/stores.ts';
import { requestAdapter, requestDevice } from '../../../src/engine/webgpu/device.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../../../src/engine/webgpu/engine.ts';
import { bundledShader } from '../../../src/engine/webgpu/shader-bundle.ts';
import { systemClock } from '../../../src/transport/system-clock.ts';
import { clusterLoader, layoutOf, mlpJob } from '../../support/engine.ts';
import { underFaults } from '../../support/engine-harness.ts';
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

describe('the WebGPU engine on a real device', () => {
  const job = mlpJob([11, 9, 5], { globalBatch: 24, microBatches: 4 });
  let engine: WebGpuEngine | undefined;
  afterEach(() => {
    engine?.destroy();
    engine = undefined;
  });

  async function openEngine(): Promise<DeviceHarness> {
    const device = await requestDevice(await requestAdapter(navigator.gpu));
    const opened = await underFaults(layoutOf(job), (hooks) =>
      createWebGpuEngine({
        device,
        shaders: bundledShader,
        job,
        loader: clusterLoader(11, 5),
        description: { kind: 'webgpu', adapter: 'test', software: true, reason: 'A test.' },
        hooks,
      }),
    );
    engine = opened.engine;
    return {
      ...opened.harness,
      refuseMemory(refuses) {
        opened.act({ kind: 'refuse-gpu', forMs: 600_000 }, refuses);
        // Else it would go on in what it has.
        opened.engine.replan();
      },
      loseDevice: () => opened.act({ kind: 'lose-device' }, true),
    };
  }

  it.each([...ENGINE_CONTRACT, ...DEVICE_CONTRACT])('keeps that $name', async ({ run }) => {
    await run(await openEngine());
  });
});

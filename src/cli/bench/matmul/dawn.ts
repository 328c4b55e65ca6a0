// The WebGPU engine's matrix product in Node, on Dawn, and the peers on another device of the same process.

import { requestDevice } from '../../../engine/webgpu/device.ts';
import { importFromBench, requestDawnAdapter } from '../../dawn.ts';
import { shaderFromDisk } from '../../shader-files.ts';
import { gpuTarget } from './gpu.ts';
import { createPeers, type PeerLibraries } from './peers.ts';
import type { MatmulTarget } from './report.ts';

export async function dawnTarget(withPeers: boolean): Promise<MatmulTarget> {
  const adapter = await requestDawnAdapter();
  const target = gpuTarget(adapter, await requestDevice(adapter), shaderFromDisk);
  const peers = withPeers ? await createPeers(await load()) : undefined;
  return { ...target, measurePeers: async (size, transpose) => (await peers?.(size, transpose)) ?? {} };
}

async function load(): Promise<PeerLibraries> {
  const tf = await importFromBench('@tensorflow/tfjs');
  await importFromBench('@tensorflow/tfjs-backend-webgpu');
  return { tf, jax: await importFromBench('@jax-js/jax') } as PeerLibraries;
}

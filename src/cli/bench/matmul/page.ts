// The page of `rankfall bench matmul --engine webgpu`: the browser's own device, and the same measurements as in Node.

import { requestAdapter, requestDevice } from '../../../engine/webgpu/device.ts';
import { bundledShader } from '../../../engine/webgpu/shader-bundle.ts';
import { gpuTarget } from './gpu.ts';
import { createPeers, type PeerLibraries } from './peers.ts';
import type { MatmulTarget } from './report.ts';

/** `window.bench` of the page. */
export interface MatmulDoor {
  /** Opens the device. Rejects where there is none. */
  open(): Promise<Pick<MatmulTarget, 'adapter' | 'software' | 'timer'>>;
  /** The peers' scripts have been loaded: `tf` is a global then, and jax-js is a module at the address. */
  openPeers(jaxUrl: string): Promise<void>;
  readonly target: () => MatmulTarget;
}

declare global {
  interface Window {
    matmulBench?: MatmulDoor;
    tf?: PeerLibraries['tf'];
  }
}

let target: Omit<MatmulTarget, 'measurePeers'> | undefined;
let peers: Awaited<ReturnType<typeof createPeers>> | undefined;

window.matmulBench = {
  async open() {
    const adapter = await requestAdapter(navigator.gpu);
    target = gpuTarget(adapter, await requestDevice(adapter), bundledShader);
    const { adapter: name, software, timer } = target;
    return { adapter: name, software, timer };
  },

  async openPeers(jaxUrl) {
    if (window.tf === undefined) throw new RangeError('The script of tfjs was not loaded.');
    const jax = (await import(/* @vite-ignore */ jaxUrl)) as PeerLibraries['jax'];
    peers = await createPeers({ tf: window.tf, jax });
  },

  target() {
    if (target === undefined) throw new RangeError('The device is not open yet.');
    return { ...target, measurePeers: async (size, transpose) => (await peers?.(size, transpose)) ?? {} };
  },
};

// Real exhaustion on the browser's own GPU device: within the budget, and given back.

import { expect, test } from 'vitest';
import { exhaustGpu } from '../../../src/faults/gpu.ts';

const MIB = 1024 * 1024;

test('a real device is exhausted up to the budget, reports no stray error, and works again afterwards', async (context) => {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) {
    context.skip('This browser has no WebGPU adapter.');
    return;
  }
  const device = await adapter.requestDevice();
  const stray: string[] = [];
  device.addEventListener('uncapturederror', ({ error }) => {
    stray.push(error.message);
  });
  const exhaustion = await exhaustGpu(device, { maxBytes: 40 * MIB, maxMs: 5000 }, () => performance.now());
  expect(exhaustion.bytes).toBeGreaterThan(0);
  expect(exhaustion.bytes).toBeLessThanOrEqual(40 * MIB);
  exhaustion.release();

  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  device.queue.writeBuffer(buffer, 0, new Uint8Array(16));
  await device.queue.onSubmittedWorkDone();
  expect(stray).toEqual([]);
  device.destroy();
});

// A job pins kernels for all ranks of a room: a device that cannot run one says so, and which.

import { expect, test } from 'vitest';
import { checkPinned } from '../../../src/engine/webgpu/matmul/choose.ts';
import { EngineError } from '../../../src/ports/engine.ts';

const TABLE = { 'NT 512x512x512 1': { kernel: '256x128x16', splits: 1 } } as const;
const ROOMY = { maxComputeWorkgroupStorageSize: 49_152, maxComputeInvocationsPerWorkgroup: 1024 };

test('a pinned kernel that the device cannot run is named, with what it needs and what there is', () => {
  expect(() => {
    checkPinned(TABLE, ROOMY);
    checkPinned({}, { maxComputeWorkgroupStorageSize: 0, maxComputeInvocationsPerWorkgroup: 0 });
  }).not.toThrow();
  const refusal = (limits: Partial<typeof ROOMY>): unknown => {
    try {
      checkPinned(TABLE, { ...ROOMY, ...limits });
    } catch (error) {
      return error;
    }
    return undefined;
  };
  // What compatibility mode offers, and what every device has.
  for (const limits of [
    { maxComputeInvocationsPerWorkgroup: 128 },
    { maxComputeWorkgroupStorageSize: 16_384 },
  ]) {
    const error = refusal(limits);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ fault: 'unavailable' });
    expect(String(error)).toMatch(/pins the kernel 256x128x16 for NT 512x512x512 1: it needs 49152 bytes/u);
  }
});

// Lack of GPU memory: refused at the port, or real, by allocating until the GPU refuses, within a budget.

import type { Clock } from '../ports/clock.ts';
import { EngineError } from '../ports/engine.ts';
import { LONGEST_HOLD_MS } from './consent.ts';
import type { Consent } from './consent.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort } from './port.ts';

/** What is used of a `GPUDevice`. */
export type BufferMaker = Pick<GPUDevice, 'createBuffer' | 'pushErrorScope' | 'popErrorScope'> & {
  readonly limits: Pick<GPUSupportedLimits, 'maxBufferSize'>;
};

export interface GpuAllocationFaults {
  /** Throws an `EngineError('out-of-memory')` while allocations are refused. */
  admit(bytes: number): void;
  /** `device.createBuffer` behind `admit`: the hook that the engine's arena takes. */
  createBuffer(
    device: Pick<GPUDevice, 'createBuffer'> & { readonly limits: Pick<GPUSupportedLimits, 'maxBufferSize'> },
    descriptor: GPUBufferDescriptor,
  ): GPUBuffer;
  readonly faults: FaultPort<'refuse-gpu' | 'oversize-buffer'>;
}

export function gpuAllocationFaults(): GpuAllocationFaults {
  const active = new Set<string>();
  /** Allocations still to be made too large; undefined: until healed. */
  const oversize = new Map<string, { left: number | undefined; readonly ended: () => void }>();
  const admit = (bytes: number): void => {
    if (active.size > 0)
      throw new EngineError(
        'out-of-memory',
        `${bytes} bytes of GPU memory were refused by an injected fault.`,
      );
  };
  return {
    admit,
    createBuffer(device, descriptor) {
      admit(descriptor.size);
      const [struck] = oversize.values();
      if (struck === undefined) return device.createBuffer(descriptor);
      if (struck.left !== undefined && --struck.left === 0) struck.ended();
      // The device itself says that this is too much, as it does of any such buffer.
      return device.createBuffer({ ...descriptor, size: 2 * device.limits.maxBufferSize });
    },
    faults: {
      kinds: ['refuse-gpu', 'oversize-buffer'],
      inject({ id, ended }, fault) {
        if (fault.kind === 'refuse-gpu') active.add(id);
        else oversize.set(id, { left: fault.times, ended });
      },
      heal(id) {
        active.delete(id);
        oversize.delete(id);
      },
    },
  };
}

export interface ExhaustionBudget {
  readonly maxBytes: number;
  /** Milliseconds after which no further allocation is tried. */
  readonly maxMs: number;
}

export interface Exhaustion {
  readonly bytes: number;
  /** Whether the GPU refused at last; else the budget ended first. */
  readonly refused: boolean;
  release(): void;
}

const LARGEST_CHUNK = 256 * 1024 * 1024;
const SMALLEST_CHUNK = 1024 * 1024;
/** GPUBufferUsage.COPY_DST | GPUBufferUsage.STORAGE, whose names workers without WebGPU lack. */
const USAGE = 0x0008 | 0x0080;

/** Allocates until the GPU refuses even a mebibyte, or a budget ends. What it holds is held until `release`. */
export async function exhaustGpu(
  device: BufferMaker,
  budget: ExhaustionBudget,
  now: () => number,
): Promise<Exhaustion> {
  const held: GPUBuffer[] = [];
  const started = now();
  let bytes = 0;
  let refused = false;
  let chunk = Math.min(LARGEST_CHUNK, device.limits.maxBufferSize);
  const smallest = Math.min(SMALLEST_CHUNK, budget.maxBytes);
  while (chunk >= smallest && now() - started < budget.maxMs) {
    if (bytes + chunk > budget.maxBytes) {
      chunk = halfOf(chunk);
      continue;
    }
    const buffer = await tryBuffer(device, chunk);
    if (buffer === undefined) {
      refused = true;
      chunk = halfOf(chunk);
    } else {
      held.push(buffer);
      bytes += chunk;
    }
  }
  return {
    bytes,
    refused,
    release() {
      for (const buffer of held.splice(0)) buffer.destroy();
    },
  };
}

/** In whole words, as buffers are; 0 at the end. */
const halfOf = (bytes: number): number => Math.floor(bytes / 8) * 4;

async function tryBuffer(device: BufferMaker, size: number): Promise<GPUBuffer | undefined> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let buffer: GPUBuffer | undefined;
  try {
    buffer = device.createBuffer({ label: 'injected exhaustion', size, usage: USAGE });
  } catch {
    // Some browsers throw for what they cannot even try: a refusal as well.
  }
  const [memory, validation] = await Promise.all([device.popErrorScope(), device.popErrorScope()]).catch(
    // The device was lost meanwhile: nothing more is to be had from it.
    () => [undefined, undefined],
  );
  if (memory === null && validation === null) return buffer;
  buffer?.destroy();
  return undefined;
}

export interface GpuExhaustionOptions {
  readonly consent: Consent;
  readonly clock: Pick<Clock, 'after'>;
  /** Exhausts the engine's own device. Rejects when there is none. */
  readonly exhaust: (budget: ExhaustionBudget) => Promise<Exhaustion>;
  /** The most that this machine allows; a fault may ask for less. */
  readonly budget: ExhaustionBudget;
}

/** Real exhaustion as a fault: asks first, keeps to the budget, and lets everything go when it is healed. */
export function gpuExhaustion({
  consent,
  clock,
  exhaust,
  budget,
}: GpuExhaustionOptions): FaultPort<'exhaust-gpu'> {
  /** Undefined while it is still allocating. */
  const active = new Map<string, Exhaustion | undefined>();
  const begin = async (id: string, wanted: number, ended: () => void): Promise<string> => {
    if (!(await consent('gpu-memory'))) {
      throw new FaultError(
        'no-consent',
        'GPU memory is not exhausted: nobody at this machine has agreed to it.',
      );
    }
    if (!active.has(id)) return 'healed before it began';
    clock.after(LONGEST_HOLD_MS, () => {
      if (active.has(id)) ended();
    });
    const exhaustion = await exhaust({ ...budget, maxBytes: Math.min(wanted, budget.maxBytes) });
    // It may have been healed while it was allocating.
    if (active.has(id)) active.set(id, exhaustion);
    else exhaustion.release();
    return `${exhaustion.bytes} bytes of GPU memory held, ${exhaustion.refused ? 'and more was refused' : 'then the budget ended'}`;
  };
  return {
    kinds: ['exhaust-gpu'],
    inject({ id, working, ended }, fault) {
      active.set(id, undefined);
      working(begin(id, fault.maxBytes ?? budget.maxBytes, ended));
    },
    heal(id) {
      active.get(id)?.release();
      active.delete(id);
    },
  };
}

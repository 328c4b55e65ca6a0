// Stands where a layer's kernels are still to come: whoever plans with it is told so.

import { EngineError } from '../../ports/engine.ts';
import type { GpuLayer } from './layer.ts';

export function gpuUnavailable(kind: string): GpuLayer<unknown> {
  const refuse = (): never => {
    throw new EngineError('unavailable', `The layer ${kind} has no kernels: run this job on the CPU engine.`);
  };
  return { forward: refuse, backward: refuse };
}

// Faults inside the engine's worker: its data loader, its arithmetic, the GPU memory that is refused or really used up.

import type { EngineHooks } from '../engine/hooks.ts';
import type { WebGpuEngine } from '../engine/webgpu/engine.ts';
import { losableData } from '../faults/data-asset.ts';
import type { DataDamage } from '../faults/data-asset.ts';
import { engineFaults } from '../faults/engine.ts';
import { exhaustGpu, gpuAllocationFaults } from '../faults/gpu.ts';
import type { Exhaustion, ExhaustionBudget } from '../faults/gpu.ts';
import { faultyLoader } from '../faults/loader.ts';
import type { FaultPort } from '../faults/port.ts';
import type { Fault } from '../faults/vocabulary.ts';
import type { SiteRandom } from '../faults/site-random.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import { EngineError } from '../ports/engine.ts';
import type { Loader } from '../ports/loader.ts';
import type { Recovery } from '../job/recovery-schema.ts';
import { guardedLoader } from './guarded-loader.ts';

/** What happens in there, for the injector and the log outside. */
export type EngineNotice =
  { readonly kind: 'ended'; readonly id: string } | { readonly kind: 'note'; readonly detail: string };

export interface EngineFaults {
  readonly hooks: EngineHooks;
  /** The loader behind its faults, guarded as the job says. `reopen` fetches its data anew, or what is left of them. */
  wrap(
    loader: Loader,
    reopen: (damage: DataDamage | undefined) => Promise<Loader>,
    recovery: Recovery,
  ): Loader;
  /** The engine behind its faults. */
  wrapEngine(engine: Engine): Engine;
  inject(id: string, fault: Fault): void;
  heal(id: string): void;
  /** Uses up the memory of the engine's own device. Rejects with an `EngineError` where there is none. */
  exhaust(engine: Engine, budget: ExhaustionBudget): Promise<Exhaustion>;
}

export interface EngineFaultsOptions {
  readonly notify: (notice: EngineNotice) => void;
  readonly clock: Clock;
  readonly random: SiteRandom;
}

export function createEngineFaults({ notify, clock, random }: EngineFaultsOptions): EngineFaults {
  const gpu = gpuAllocationFaults();
  let device: GPUDevice | undefined;
  const arithmetic = engineFaults({
    clock,
    random,
    destroyDevice() {
      device?.destroy();
      return device !== undefined;
    },
  });
  const ports: FaultPort[] = [gpu.faults, arithmetic.faults];
  return {
    hooks: {
      createBuffer: (device, descriptor) => gpu.createBuffer(device, descriptor),
      onReplan({ slicesPerPass, reason }) {
        notify({ kind: 'note', detail: `Smaller passes, of ${slicesPerPass} slices: ${reason}` });
      },
    },
    wrap(loader, reopen, recovery) {
      const losable = losableData(loader, reopen);
      const faulty = faultyLoader(losable.loader);
      ports.push(losable.faults, faulty.faults);
      return guardedLoader({
        loader: faulty.loader,
        recovery,
        clock,
        note: (detail) => {
          notify({ kind: 'note', detail });
        },
      });
    },
    wrapEngine(engine) {
      device = runsOnGpu(engine) ? engine.device : undefined;
      return arithmetic.wrap(engine);
    },
    inject(id, fault) {
      for (const port of ports) {
        if (!port.kinds.includes(fault.kind)) continue;
        port.inject(
          {
            id,
            resolvePeer: () => undefined,
            ended: () => {
              notify({ kind: 'ended', id });
            },
            working: () => undefined,
          },
          fault,
        );
      }
    },
    heal(id) {
      for (const port of ports) port.heal(id);
    },
    async exhaust(engine, budget) {
      if (!runsOnGpu(engine)) {
        throw new EngineError('unavailable', 'This rank runs on the CPU: it has no GPU memory to use up.');
      }
      return await exhaustGpu(engine.device, budget, () => performance.now());
    },
  };
}

export const runsOnGpu = (engine: Engine): engine is WebGpuEngine => 'device' in engine && 'replan' in engine;

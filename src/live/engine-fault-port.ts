// The injector's port to the engine's worker, behind messages. Faults outlive an engine: the next one gets those still active.

import type { Consent } from '../faults/consent.ts';
import { gpuExhaustion } from '../faults/gpu.ts';
import type { ExhaustionBudget } from '../faults/gpu.ts';
import type { FaultPort, Injection } from '../faults/port.ts';
import type { Fault } from '../faults/vocabulary.ts';
import type { Clock } from '../ports/clock.ts';
import { EngineError } from '../ports/engine.ts';
import type { EngineNotice } from './engine-faults.ts';
import type { ProxiedEngine } from './engine-proxy.ts';

/** What really using up GPU memory may take, whatever a fault asks for. */
const BUDGET: ExhaustionBudget = { maxBytes: 1024 * 1024 * 1024, maxMs: 5_000 };

/** What acts in the engine's worker. */
const FORWARDED = [
  'refuse-gpu',
  'oversize-buffer',
  'lose-data',
  'loader-throws',
  'loader-hangs',
  'loader-garbles',
  'bad-sample',
  'lose-device',
  'nan',
  'flip-bit',
  'slow-gpu',
  'slow-map',
  'hang-kernel',
] as const;

export interface EngineFaultPorts {
  readonly ports: readonly FaultPort[];
  /** A new engine is open. */
  attach(engine: ProxiedEngine): void;
  /** Something happened in the engine's worker. */
  notice(notice: EngineNotice): void;
}

export interface EngineFaultPortOptions {
  readonly consent: Consent;
  readonly clock: Pick<Clock, 'after'>;
  readonly note: (detail: string) => void;
}

export function engineFaultPorts({ consent, clock, note }: EngineFaultPortOptions): EngineFaultPorts {
  let engine: ProxiedEngine | undefined;
  const active = new Map<string, { readonly fault: Fault; readonly injection: Injection }>();

  const forwarded: FaultPort<(typeof FORWARDED)[number]> = {
    kinds: FORWARDED,
    inject(injection, fault) {
      active.set(injection.id, { fault, injection });
      void engine?.injectFault(injection.id, fault);
    },
    heal(id) {
      if (active.delete(id)) void engine?.healFault(id);
    },
  };

  return {
    ports: [
      forwarded,
      gpuExhaustion({
        consent,
        clock,
        budget: BUDGET,
        exhaust: async (budget) => {
          if (engine === undefined) throw new EngineError('unavailable', 'No engine is open at present.');
          return await engine.exhaust(budget);
        },
      }),
    ],
    attach(opened) {
      engine = opened;
      for (const [id, { fault }] of active) void opened.injectFault(id, fault);
    },
    notice(notice) {
      if (notice.kind === 'ended') active.get(notice.id)?.injection.ended();
      else note(notice.detail);
    },
  };
}

// An engine behind the faults that a live rank's worker puts before it, for the ports' contract.

import type { LaneLayout } from '../../src/collective/lanes.ts';
import type { EngineHooks } from '../../src/engine/hooks.ts';
import { seededSites } from '../../src/faults/site-random.ts';
import type { Fault } from '../../src/faults/vocabulary.ts';
import { createEngineFaults } from '../../src/live/engine-faults.ts';
import type { EngineHarness } from '../../src/ports/contract/engine.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { systemClock } from '../../src/transport/system-clock.ts';

const PATIENCE_MS = 20_000;
/** Longer than any case takes: faults end when they are healed. */
const FOR_MS = 600_000;

export interface UnderFaults<Opened extends Engine> {
  readonly engine: Opened;
  readonly harness: EngineHarness;
  /** Injects a fault, or heals it. */
  readonly act: (fault: Fault, acts: boolean) => void;
}

/** Opens an engine with the hooks of its faults. */
export async function underFaults<Opened extends Engine>(
  lanes: LaneLayout,
  open: (hooks: EngineHooks) => Promise<Opened>,
): Promise<UnderFaults<Opened>> {
  const clock = systemClock();
  const faults = createEngineFaults({ notify: () => undefined, clock, random: seededSites(1) });
  const engine = await open(faults.hooks);
  const act = (fault: Fault, acts: boolean): void => {
    faults.heal(fault.kind);
    if (acts) faults.inject(fault.kind, fault);
  };
  const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    engine,
    act,
    harness: {
      engine: faults.wrapEngine(engine),
      lanes,
      now: () => clock.now(),
      pass,
      async until(what, condition) {
        const end = clock.now() + PATIENCE_MS;
        while (!condition()) {
          if (clock.now() > end) throw new Error(`Within ${PATIENCE_MS} ms it never came true that ${what}.`);
          await pass(5);
        }
      },
      mapLate: (ms) => act({ kind: 'slow-map', ms: ms ?? 1, forMs: FOR_MS }, ms !== undefined),
      hang: (hangs) => act({ kind: 'hang-kernel', forMs: FOR_MS }, hangs),
      poison: () => act({ kind: 'nan' }, true),
      flip: () => act({ kind: 'flip-bit', where: 'gradient' }, true),
    },
  };
}

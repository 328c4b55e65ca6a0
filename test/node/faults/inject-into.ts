// Injects faults straight into a port, as the injector does.

import type { FaultPort, Injection } from '../../../src/faults/port.ts';
import type { FaultKind, FaultOf } from '../../../src/faults/vocabulary.ts';
import type { MemberId } from '../../../src/ports/ids.ts';

export interface Injected {
  readonly outcomes: Promise<string>[];
  /** Times that the port said that the fault had used itself up. */
  ended: number;
  heal(): void;
}

let injections = 0;

export function injectInto<Kind extends FaultKind>(
  port: FaultPort<Kind>,
  fault: FaultOf<Kind>,
  resolvePeer: (rank: number) => MemberId | undefined = () => undefined,
): Injected {
  const id = `injection ${++injections}`;
  const injected: Injected = {
    outcomes: [],
    ended: 0,
    heal: () => {
      port.heal(id);
    },
  };
  const injection: Injection = {
    id,
    resolvePeer,
    ended: () => {
      injected.ended++;
      port.heal(id);
    },
    working: (outcome) => void injected.outcomes.push(outcome),
  };
  port.inject(injection, fault);
  return injected;
}

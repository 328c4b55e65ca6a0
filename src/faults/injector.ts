// One rank's faults: hands each to the ports that can act it out, heals it in time, and says so in the log.

import * as v from 'valibot';
import type { Clock } from '../ports/clock.ts';
import type { MemberId } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import { FaultError } from './fault-error.ts';
import type { FaultPort, Injection } from './port.ts';
import { FaultSchema } from './vocabulary.ts';
import type { Fault } from './vocabulary.ts';

export interface FaultInjectorOptions {
  readonly ports: readonly FaultPort[];
  readonly clock: Clock;
  /** The member with this rank number in the generation in force. */
  readonly resolvePeer: (rank: number) => MemberId | undefined;
  readonly report: (event: TraceEvent) => void;
}

export interface ActiveFault {
  readonly id: string;
  readonly fault: Fault;
}

export interface FaultInjector {
  /** Starts a fault in every port that acts it out, and returns its id. Throws a `FaultError`, and then nothing has begun. */
  inject(fault: Fault): string;
  /** Ends a fault. False when there is no such fault any more. */
  heal(id: string): boolean;
  healAll(): void;
  active(): readonly ActiveFault[];
}

interface Entry extends Omit<ActiveFault, 'id'> {
  readonly ports: readonly FaultPort[];
  cancelTimer: () => void;
}

/** More than that at once is a mistake in a schedule. */
const MAX_ACTIVE = 1000;

export function createFaultInjector(options: FaultInjectorOptions): FaultInjector {
  const { ports, clock, report } = options;
  const active = new Map<string, Entry>();
  let injected = 0;

  function end(id: string, why: string): boolean {
    const entry = active.get(id);
    if (entry === undefined) return false;
    active.delete(id);
    entry.cancelTimer();
    for (const port of entry.ports) port.heal(id);
    report({ kind: 'faultHealed', fault: entry.fault.kind, detail: `${id}: ${why}` });
    return true;
  }

  return {
    inject(given) {
      const fault = parseFault(given);
      const able = ports.filter((port) => port.kinds.includes(fault.kind));
      if (able.length === 0) {
        throw new FaultError(
          'unsupported',
          `Fault "${fault.kind}" cannot be injected into this rank: nothing here can act it out.`,
        );
      }
      if (active.size >= MAX_ACTIVE) {
        throw new FaultError('unsupported', `${MAX_ACTIVE} faults are active already. Heal some first.`);
      }
      const id = `fault-${++injected}`;
      const entry: Entry = { fault, ports: able, cancelTimer: () => undefined };
      active.set(id, entry);
      const outcomes: Promise<string>[] = [];
      const injection: Injection = {
        id,
        resolvePeer: options.resolvePeer,
        ended: () => void end(id, 'used up'),
        working: (outcome) => void outcomes.push(outcome),
      };
      try {
        for (const port of able) port.inject(injection, fault);
      } catch (error) {
        active.delete(id);
        for (const port of able) port.heal(id);
        throw error;
      }
      report({ kind: 'faultInjected', fault: fault.kind, detail: `${id}: ${JSON.stringify(fault)}` });
      for (const outcome of outcomes) {
        outcome.then(
          (detail) => {
            report({ kind: 'engine', detail: `${id}: ${detail}` });
          },
          (error: unknown) => void end(id, error instanceof Error ? error.message : String(error)),
        );
      }
      if ('forMs' in fault && fault.forMs !== undefined) {
        const { forMs } = fault;
        entry.cancelTimer = clock.after(forMs, () => void end(id, `after ${forMs} ms`));
      }
      return id;
    },
    heal: (id) => end(id, 'by hand'),
    healAll() {
      for (const id of [...active.keys()]) end(id, 'with all others');
    },
    active: () => [...active].map(([id, { fault }]) => ({ id, fault })),
  };
}

/** Validates a fault from outside. Throws a `FaultError` that says what is wrong with it. */
export function parseFault(value: unknown): Fault {
  const result = v.safeParse(FaultSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'the fault';
  throw new FaultError('invalid', `This is no fault: at ${path}, ${issue.message}.`);
}

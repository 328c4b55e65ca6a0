// What the lab asks of the simulator in its worker. Types only: the simulator itself is loaded when somebody opens it.

import type { MemberId } from '../../ports/ids.ts';
import type { Ledger } from '../../trace/ledger.ts';
import type { Sentence, Tone } from '../sentences.ts';

export interface Scenario {
  readonly name: string;
  /** What happens in it, in a sentence without its full stop. */
  readonly tells: string;
}

export interface SimulationRequest {
  /** Absent: the seed draws the faults as well. */
  readonly scenario: string | undefined;
  readonly seed: number;
  readonly ranks: number;
}

export interface SimulationEntry {
  /** Milliseconds of virtual time. */
  readonly at: number;
  readonly member: MemberId;
  readonly tone: Tone;
  readonly sentence: Sentence;
}

export interface SimulationResult {
  readonly verdict: 'held' | 'violated' | 'unrecoverable';
  readonly invariant: number | undefined;
  readonly reason: string | undefined;
  readonly traceHash: string;
  readonly stateHash: string | undefined;
  readonly steps: number;
  readonly committed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly ledger: Ledger;
  /** Ranks in the order in which their pages were opened. */
  readonly members: readonly MemberId[];
  /** What happened besides steps, links and beats, in order. */
  readonly entries: readonly SimulationEntry[];
  /** Entries that came after the last one listed. */
  readonly more: number;
}

export interface SimulationWorker {
  scenarios(): Promise<readonly Scenario[]>;
  run(request: SimulationRequest): Promise<SimulationResult>;
  /** The same run as one string that `rankfall replay` takes. */
  replay(request: SimulationRequest): Promise<string>;
}

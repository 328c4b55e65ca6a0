// What a live rank is given from outside: the protocol core and every port it acts through. Tests pass ports in memory.

import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { SeatLocks } from '../checkpoint/seat-locks.ts';
import type { DeviceId, JobHash, MemberId, SeatId } from '../ports/ids.ts';
import type { Carrier, Network, NetworkHandlers } from '../ports/network.ts';
import type { BallotStore, CheckpointStore } from '../ports/store.ts';
import type { Effect, Event } from '../protocol/effects.ts';
import type { RankView } from '../protocol/view.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { EvaluationPoint, RankOptions, RankStatus } from './api.ts';
import type { ActiveFault } from '../faults/injector.ts';
import type { Job } from '../job/job.ts';
import type { Snapshot } from './state-encoder.ts';

/** The protocol as the host sees it: events in, effects out, and a view for people. */
export interface Core {
  step(event: Event, now: number): readonly Effect[];
  view(now: number): RankView;
}

/** At most one rank of a browser profile saves a room's checkpoints, so that four frames do not save the same state four times. */
export interface WriterRole {
  /** Whether this rank is the writer. Becomes it when nobody is, and stays it until it gives up or its worker is gone. */
  acquire(): Promise<boolean>;
  giveUp(): void;
}

/** Between the ranks of one room in one browser profile: a state is evaluated once and all of them show it. */
export interface EvaluationShare {
  publish(point: EvaluationPoint, incarnation: string): void;
  subscribe(received: (point: EvaluationPoint, incarnation: string) => void): void;
}

/** Opens engines. `attempt` counts the engines that this rank has lost before: the ladder goes down with it. */
export type OpenEngine = (job: Job, attempt: number) => Promise<Engine>;

export type EncodeSnapshot = (snapshot: Snapshot) => Promise<Uint8Array<ArrayBuffer>>;

export interface HostPorts {
  readonly core: Core;
  /** Told what this rank logs besides what its core reports. */
  readonly noted?: (event: TraceEvent) => void;
  readonly clock: Clock;
  /** Milliseconds since the epoch, for the log. */
  readonly wallClock: () => number;
  readonly connect: (handlers: NetworkHandlers) => Network;
  /** What carries the link to a peer; undefined where there is none. */
  readonly carrierOf: (peer: MemberId) => Carrier | undefined;
  readonly openEngine: OpenEngine;
  /** An engine that measures held-out accuracy behind the training. Always the CPU's: it takes nothing from the GPU. */
  readonly openEvaluator: (job: Job) => Promise<Engine>;
  readonly ballots: BallotStore;
  readonly checkpoints: CheckpointStore;
  /** Names the browser profile that the checkpoints lie in. Rejects where nothing can be stored. */
  readonly device: () => Promise<DeviceId>;
  /** Verifies a snapshot and makes its file; where there are threads, in another one. */
  readonly encode: EncodeSnapshot;
  readonly seatLocks: SeatLocks;
  readonly writer: WriterRole;
  readonly evaluations: EvaluationShare;
  /** Links that this rank has refused so far, by the reason. */
  readonly refusals: () => RankStatus['refusals'];
  /** Faults that act on this rank now, to be shown. */
  readonly activeFaults: () => readonly ActiveFault[];
}

export interface HostSelf {
  readonly member: MemberId;
  readonly seat: SeatId;
  readonly options: RankOptions;
  readonly jobHash: JobHash;
}

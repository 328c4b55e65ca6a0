// What a rank shows to, and takes from, the page around it: the whole surface between the lab (or a script) and a rank.

import type { Job } from '../job/job.ts';
import type { EngineDescription, EngineMemory, PredictRequest, Preflight } from '../ports/engine.ts';
import type { GenerationId, JobHash, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { Carrier } from '../ports/network.ts';
import type { CheckpointSummary } from '../ports/store.ts';
import type { WitnessView } from '../protocol/witnessing.ts';
import type { Exactness, Phase, Stall, TraceRecord } from '../trace/events.ts';
import type { Holding } from '../protocol/messages.ts';
import type { Flight } from '../trace/flight-recorder.ts';
import type { Ledger } from '../trace/ledger.ts';
import type { Worn } from './colours.ts';
import type { CheckpointShelf } from './shelf-service.ts';
import type { SavePace } from './save-pacer.ts';
import type { Traffic } from './traffic.ts';
import type { Exhausted } from '../faults/consent.ts';
import type { Fault } from '../faults/vocabulary.ts';
import type { RefusalCode } from '../transport/refusal.ts';

export type EngineChoice = 'auto' | 'webgpu' | 'cpu';

/** What a rank page is opened with; it comes from the page's link and is validated there. */
export interface RankOptions {
  readonly room: string;
  readonly secret: string;
  /** The page made this room just now, so nobody else can be in it. */
  readonly fresh: boolean;
  readonly engine: EngineChoice;
  /** Trains as soon as it is a member; else waits for `start` from any rank. */
  readonly autostart: boolean;
  /** Whoever founds the room measures kernels on its GPU first, and pins the fastest in the job. */
  readonly tune: boolean;
  /** The PeerServer where the room's pages meet, spelled as in transport/network-settings.ts; the page's own server by default. */
  readonly signal?: string;
  /** STUN and TURN servers, in that file's spelling; none by default. */
  readonly ice?: string;
  /** The job to found the room with; a joiner takes the room's. */
  readonly job: Job;
  /** The name under which checkpoints are kept, the "checkpoint path". Without one, the room's code. */
  readonly path?: string | undefined;
  /** The id of the checkpoint to found a new room from; without one, the newest under that name. */
  readonly from?: string | undefined;
  /** The part of the time, in percent, that its engine may work. All of it by default. */
  readonly share?: number | undefined;
}

export interface MemberView {
  readonly member: MemberId;
  readonly seat: SeatId;
  /** Place in the generation's ring. */
  readonly rank: number;
  readonly self: boolean;
  readonly phase: Phase;
  readonly step: number;
  /** Milliseconds since it was last heard; 0 for self. */
  readonly silentMs: number;
  readonly suspected: boolean;
  /** Its tab is in the background, where browsers slow pages down. */
  readonly hidden: boolean;
}

export interface Prediction {
  readonly step: number;
  readonly logits: Float32Array<ArrayBuffer>;
}

export interface RankStatus {
  readonly member: MemberId;
  readonly seat: SeatId;
  readonly room: string;
  readonly phase: Phase;
  readonly engine: EngineDescription | undefined;
  readonly memory: EngineMemory | undefined;
  /** What the job takes on this rank's GPU, estimated before it said that it was ready. */
  readonly preflight: Preflight | undefined;
  readonly job: Job;
  readonly jobHash: JobHash;
  readonly generation: GenerationId | undefined;
  readonly members: readonly MemberView[];
  /** What ranks wear in the whole room: members, and those remembered. */
  readonly colours: readonly Worn[];
  /** Authenticated links that are open now. */
  readonly links: readonly MemberId[];
  /** Pairs of members without a working link between them: the ring goes round that, or others carry. */
  readonly apart: readonly (readonly [MemberId, MemberId])[];
  /** Of the links, those that are not direct, and what carries them. */
  readonly carried: readonly { readonly peer: MemberId; readonly carrier: Exclude<Carrier, 'webrtc'> }[];
  /** Bytes of gradients that this rank has sent, and those that the wire format has saved. */
  readonly sent: { readonly bytes: number; readonly saved: number };
  /** All that its links have moved, and what waits. */
  readonly traffic: Traffic;
  /** Where the time of the run went, as far as this rank can tell. */
  readonly ledger: Ledger;
  /** Links that this rank has refused, or dropped because their peer broke the rules, by the reason. */
  readonly refusals: readonly { readonly code: RefusalCode; readonly count: number }[];
  readonly running: boolean;
  /** Updates applied by this rank. */
  readonly step: number;
  /** Updates known to be applied by all. */
  readonly committed: number;
  readonly stateHash: StateHash | undefined;
  /** Hash of the state at the newest committed step. */
  readonly committedHash: StateHash | undefined;
  readonly exactness: Exactness;
  /** Where this run resumed from, if it did. */
  readonly resumedFromStep: number | undefined;
  /** What saving costs and how often it pays. */
  readonly pace: SavePace;
  /** The name under which this rank keeps checkpoints. */
  readonly path: string;
  readonly evaluation:
    { readonly step: number; readonly accuracy: number; readonly loss: number } | undefined;
  readonly waitingFor: readonly MemberId[];
  /** The witness of the generation in force, or one that this rank reaches and that has no vote. */
  readonly witness: WitnessView | undefined;
  /** Of a state on its way here, while it heals: the pieces of 256 KiB that have come, and all of them. */
  readonly incoming: { readonly pieces: number; readonly of: number } | undefined;
  /** Who this rank has waited for longer than usual, in what and why. */
  readonly stall: Stall | undefined;
  readonly faults: readonly { readonly id: string; readonly fault: Fault }[];
  /** What went wrong and what to do, for a person. */
  readonly problem: string | undefined;
}

export interface MetricPoint {
  /** Number of updates applied when it was measured. */
  readonly step: number;
  readonly loss: number;
  /** On the training batch of the step. */
  readonly trainAccuracy: number;
}

export interface EvaluationPoint {
  readonly step: number;
  readonly accuracy: number;
  readonly loss: number;
}

/** Calls a rank takes. Comlink carries it; in the lab's page and in tests it is the same object. */
export interface RankHandle {
  status(): Promise<RankStatus>;
  /**
   * Metrics from `from` (an index into the history) on, and the index to go on from. The history only grows: a point whose
   * step is not above the one before it starts the curve anew from there.
   */
  metrics(from: number): Promise<{
    readonly points: readonly MetricPoint[];
    readonly evaluations: readonly EvaluationPoint[];
    readonly next: number;
  }>;
  /** Log records with `seq` of at least `from`, at most `limit`. */
  log(from: number, limit: number): Promise<readonly TraceRecord[]>;
  /**
   * What its protocol core was told and answered so far, as gzip (docs/simulator.md). Those of several ranks are joined by
   * writing them one after the other; `rankfall replay` runs them again.
   */
  recording(): Promise<Uint8Array<ArrayBuffer>>;
  /** The last operations of all ranks that this one has links with and that answer within a second: a few kilobytes each. */
  recall(): Promise<readonly Flight[]>;
  /** The checkpoints of each other device of the room that answers within a second. */
  copies(): Promise<readonly Holding[]>;
  /** The whole room trains. */
  start(): Promise<void>;
  /** The whole room pauses at the same step. */
  pause(): Promise<void>;
  checkpointNow(): Promise<CheckpointSummary>;
  checkpoints(): Promise<readonly CheckpointSummary[]>;
  /**
   * The whole room goes back to a checkpoint of this browser and trains on from there, once its members have agreed. Rejects when it does
   * not verify or is of another job, or when they do not agree in time: then nothing has changed.
   */
  rollBack(id: string): Promise<void>;
  /** Leaves in order: votes for the generation without it, then goes. */
  leave(): Promise<void>;
  /** Founds a new incarnation when no majority can be reached. */
  force(): Promise<void>;
  inject(fault: Fault): Promise<string>;
  /**
   * What the model makes of samples: f32[count, classes] and the step of the state that was asked. `newest` takes the state as it is
   * now; without it, the state of the last prediction answers, so that a text is written by one state while training goes on.
   */
  predict(request: PredictRequest, newest: boolean): Promise<Prediction>;
  heal(id: string): Promise<void>;
}

/** What a rank page announces to the window around it (`window.parent.postMessage`), with a MessagePort that speaks `RankHandle`. */
export interface RankReady {
  readonly type: 'rankfall:rank';
  readonly member: MemberId;
}

/** Told to the window around it in the same way when the rank could not start: bad options, or a browser that lacks what it needs. */
export interface RankFailed {
  readonly type: 'rankfall:failed';
  /** What is wrong and what to do, for a person. */
  readonly message: string;
}

/** Told to the window around it when the rank goes by itself (a fault, or `leave`): its frame can be removed. */
export interface RankGone {
  readonly type: 'rankfall:gone';
  readonly member: MemberId;
  readonly how: 'close' | 'kill' | 'leave';
}

/**
 * Asked of the window around it before a fault really uses the machine up, with a MessagePort that takes the answer: `true` for yes. No
 * answer is a no.
 */
export interface RankAsks {
  readonly type: 'rankfall:asks';
  readonly member: MemberId;
  readonly what: Exhausted;
}

/** `window.rankfallPage` in the rank's own window. */
export interface RankPageDoor {
  readonly member: MemberId;
  readonly rank: RankHandle;
  /** From now on this page goes without a word, as if it had been killed. */
  suppressGoodbye(): void;
}

/** `window.rankfall`: the lab's door for scripts, tests and the command line. All ranks of this page, by member. */
export interface LabDoor {
  readonly ranks: ReadonlyMap<MemberId, RankHandle>;
  /** Opens another rank in this page, in a frame of its own. */
  addRank(): Promise<MemberId>;
  /** Removes a rank's frame. Without `goodbye`, the goodbye is suppressed first: peers must find out. */
  killRank(member: MemberId, options?: { readonly goodbye?: boolean }): Promise<void>;
  /** The recordings of all ranks of this page, as the lab's "Download log" saves them. */
  recording(): Promise<Uint8Array<ArrayBuffer>>;
  /** The same with who was at what and whom the room waited for, as "Download incident" saves it; `failures` say what did not hold. */
  incident(failures?: readonly string[]): Promise<Uint8Array<ArrayBuffer>>;
  /** From now on faults may really use this machine up, within their budgets, and nobody is asked. */
  agree(): void;
  readonly link: string;
  /** The checkpoints of this browser under the room's name, `path`. */
  readonly checkpoints: CheckpointShelf & { readonly path: string };
}

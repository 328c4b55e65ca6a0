// The event vocabulary: what a rank says about itself. Both worlds write it; checkers, lab and reports read it.

import type { Carrier, Evidence } from '../ports/network.ts';
import type { GenerationId, MemberId, SeatId, StateHash } from '../ports/ids.ts';

/** What a rank is doing, as the lab shows it. */
export type Phase =
  /** Opening the engine, the store and the links. */
  | 'starting'
  /** Not a member: waiting to be taken in. */
  | 'joining'
  /** Voting on the next generation, or waiting for its members' standing. */
  | 'regrouping'
  /** Receiving state from a donor. */
  | 'healing'
  /** A member with the agreed state, and the room paused. */
  | 'idle'
  /** Computing its micro-batches. */
  | 'computing'
  /** All-reducing. */
  | 'reducing'
  /** Applying the optimizer. */
  | 'applying'
  /** All of the job's steps are committed. */
  | 'done'
  /** No majority can be reached; names whom it waits for. */
  | 'stuck'
  /** Stopped for a reason that it names. */
  | 'stopped';

/** A ballot of single-decree Paxos: ordered by round, then proposer. */
export interface Ballot {
  readonly round: number;
  readonly proposer: MemberId;
}

/** What a rank does that others may have to wait for. */
export type Operation =
  /** Computing its micro-batches. */
  | 'contribution'
  /** Its share of a bucket's sum. */
  | 'all-reduce'
  /** The same without a gradient: it commits the state at its step. */
  | 'barrier'
  | 'apply'
  /** Saying where its state stands, at the start of a generation. */
  | 'standing'
  /** Giving its state, or getting one. */
  | 'heal'
  /** Answering a proposer, or proposing. */
  | 'vote';

/** In which way somebody is waited for. */
export type StallCause =
  /** Nothing is heard of it, or what it has sent did not come. */
  | 'missing'
  /** It is heard, and at work on it. */
  | 'slow'
  | 'different-operation'
  | 'different-size'
  | 'different-state';

/** Who is waited for, in what, and why as far as a rank can know. */
export interface Stall {
  readonly generation: GenerationId;
  readonly operation: Operation;
  readonly step: number;
  /** Of the round in hand: 0, higher where an overflow made all do it again, −1 for a barrier. */
  readonly attempt: number;
  /** The bucket whose sum it keeps from being whole. */
  readonly bucket: number | undefined;
  /** At the root of the stall: others may wait as well. The rank that says so, where it waits for its own engine. */
  readonly peer: MemberId;
  readonly cause: StallCause;
  readonly forMs: number;
  /** The last that it said of itself, so long ago. */
  readonly said: { readonly phase: Phase; readonly step: number; readonly agoMs: number } | undefined;
}

/** `come-in` and `ask-another` are the teacher's word; `differs`: what came is another state than was announced. */
export type LessonEnd =
  'caught-up' | 'stays-behind' | 'come-in' | 'ask-another' | 'teacher-gone' | 'silent' | 'differs';

export type StopReason = 'non-finite' | 'data' | 'refused' | 'engine-lost' | 'left' | 'invariant';

/** Why an incarnation is founded. */
export type Founding = 'new' | 'resumed' | 'forced' | 'rolled-back';

export type TraceEvent =
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'linkUp'; readonly peer: MemberId }
  /** No direct connection opened: another carrier steps in. */
  | { readonly kind: 'linkCarried'; readonly peer: MemberId; readonly carrier: Exclude<Carrier, 'webrtc'> }
  | { readonly kind: 'linkDown'; readonly peer: MemberId; readonly evidence: Evidence }
  | { readonly kind: 'suspected'; readonly peer: MemberId; readonly evidence: Evidence }
  | {
      readonly kind: 'founded';
      readonly generation: GenerationId;
      readonly step: number;
      readonly why: Founding;
    }
  | { readonly kind: 'prepared'; readonly generation: GenerationId; readonly ballot: Ballot }
  | {
      readonly kind: 'promised';
      readonly generation: GenerationId;
      readonly seat: SeatId;
      readonly ballot: Ballot;
      readonly stored: boolean;
    }
  | {
      readonly kind: 'voted';
      readonly generation: GenerationId;
      readonly seat: SeatId;
      readonly ballot: Ballot;
      readonly value: string;
      readonly stored: boolean;
    }
  | { readonly kind: 'chosen'; readonly generation: GenerationId; readonly value: string }
  | {
      readonly kind: 'installed';
      readonly generation: GenerationId;
      readonly base: GenerationId | undefined;
      readonly members: readonly MemberId[];
      readonly seats: readonly SeatId[];
      /** The seat of the witness that votes on its successor. */
      readonly witness?: SeatId;
      /** Pairs of members that have no working link: the ring goes round these, or others carry what the two send each other. */
      readonly apart?: readonly (readonly [MemberId, MemberId])[];
      /** The step that its members have agreed to go back to. */
      readonly back?: number;
    }
  | {
      readonly kind: 'left';
      readonly generation: GenerationId;
      readonly why: 'evicted' | 'dissolved' | 'leave';
    }
  | { readonly kind: 'aborted'; readonly generation: GenerationId; readonly step: number }
  | {
      readonly kind: 'contributed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly attempt: number;
      readonly microBatches: readonly number[];
    }
  /** A sample is bad: the step is done again without it. */
  | {
      readonly kind: 'sampleRefused';
      readonly generation: GenerationId;
      readonly step: number;
      readonly row: number;
    }
  /** Rows that the state leaves out from now on. They come with the update of that step. */
  | {
      readonly kind: 'quarantined';
      readonly generation: GenerationId;
      readonly step: number;
      readonly rows: readonly number[];
    }
  | { readonly kind: 'overflowed'; readonly generation: GenerationId; readonly step: number }
  | {
      readonly kind: 'applied';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      /** What each micro-batch's counter came out as. */
      readonly counts: readonly number[];
      readonly loss: number;
      readonly correct: number;
      /** Of so many predictions: one a sample of a classifier, one a position of a language model. */
      readonly samples: number;
    }
  /** `step` counts applied updates: committed 5 means that every member has applied steps 0 to 4. */
  | {
      readonly kind: 'committed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | {
      readonly kind: 'healed';
      readonly generation: GenerationId;
      readonly donor: MemberId;
      readonly step: number;
      readonly hash: StateHash;
      readonly by: 'gradient' | 'state';
      readonly bytes: number;
    }
  | {
      readonly kind: 'donated';
      readonly generation: GenerationId;
      readonly to: MemberId;
      readonly step: number;
      readonly by: 'gradient' | 'state';
      /** Of a state: the first piece that the other lacked, where it had some from another donor. */
      readonly piece?: number;
    }
  /** A newcomer learns beside the ring: the pieces of its teacher's state that it has at the beginning, and all of them. */
  | {
      readonly kind: 'learns';
      readonly teacher: MemberId;
      readonly step: number;
      readonly pieces: number;
      readonly of: number;
    }
  /** It has come to a state that the room has committed. `generation`: its teacher's. */
  | {
      readonly kind: 'learned';
      readonly generation: GenerationId;
      readonly teacher: MemberId;
      readonly step: number;
      readonly hash: StateHash;
      readonly by: 'gradient' | 'state';
      readonly bytes: number;
    }
  /** It asks for its place, since it has caught up or its teacher said so; or it looks for another teacher. */
  | {
      readonly kind: 'lessonOver';
      readonly teacher: MemberId;
      readonly step: number;
      readonly why: LessonEnd;
    }
  | {
      readonly kind: 'rejected';
      readonly from: MemberId;
      readonly message: string;
      readonly reason: 'fenced' | 'malformed' | 'unexpected';
    }
  /** A wait that is longer than usual: said once, and again when somebody else is waited for or in another way. */
  | ({ readonly kind: 'stalled' } & Stall)
  | { readonly kind: 'resent'; readonly to: MemberId; readonly step: number }
  | {
      readonly kind: 'checkpointed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | {
      readonly kind: 'checkpointFailed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly reason: string;
    }
  /** The copy of a state that is to be saved kept the engine from its next work for so many milliseconds, just now. */
  | { readonly kind: 'heldUp'; readonly step: number; readonly ms: number }
  | { readonly kind: 'checkpointSkipped'; readonly step: number; readonly reason: string }
  | { readonly kind: 'restored'; readonly step: number; readonly hash: StateHash }
  | { readonly kind: 'seatAcquired'; readonly seat: SeatId }
  /** It wears this slot's colour from now on (src/trace/looks.ts). */
  | { readonly kind: 'coloured'; readonly slot: number }
  | {
      readonly kind: 'waitingForQuorum';
      readonly seats: readonly SeatId[];
      readonly members: readonly MemberId[];
    }
  | { readonly kind: 'exactness'; readonly promise: Exactness }
  | { readonly kind: 'faultInjected'; readonly fault: string; readonly detail: string }
  | { readonly kind: 'faultHealed'; readonly fault: string; readonly detail: string }
  /** `lost`: the state went with the device. */
  | { readonly kind: 'engine'; readonly detail: string; readonly lost?: true }
  | { readonly kind: 'refused'; readonly by: MemberId | undefined; readonly reason: string }
  /** `peer`: who it said it was, where it got that far. */
  | { readonly kind: 'turnedAway'; readonly peer: MemberId | undefined; readonly reason: string }
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly detail: string }
  | { readonly kind: 'violated'; readonly invariant: number; readonly sentence: string };

/** Whether the state is promised to equal the fault-free single-rank run: `since` is the step from which it is not. */
export type Exactness = { readonly kind: 'exact' } | { readonly kind: 'unpromised'; readonly since: number };

/** One line of an event log. */
export interface TraceRecord {
  readonly member: MemberId;
  /** Position in this member's log, from 0. */
  readonly seq: number;
  /** Milliseconds: virtual time in the simulator, since the epoch when live. */
  readonly at: number;
  readonly event: TraceEvent;
}

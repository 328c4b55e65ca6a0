// What ranks say to each other. Every message that acts on a generation names it, and a receiver in another rejects it.

import type { Job } from '../job/job.ts';
import type {
  DeviceId,
  GenerationId,
  JobHash,
  MemberId,
  PieceDigest,
  SeatId,
  StateHash,
} from '../ports/ids.ts';
import type { Ballot, Phase } from '../trace/events.ts';
import type { FlightEntry } from '../trace/flight-recorder.ts';
import type { Evidence } from '../ports/network.ts';
import type { Generation, Member } from './generation.ts';
import type { Target } from './target.ts';

/** Where a rank's state stands in history. `lineage` is the generation that last vouched for it. */
export interface Standing {
  readonly lineage: GenerationId | undefined;
  readonly step: number;
  readonly hash: StateHash;
}

/** What a member says of itself at the start of a generation. */
export interface SelfReport {
  readonly standing: Standing | undefined;
  /** The newest that it could found an incarnation from: in memory or saved. */
  readonly best: Standing | undefined;
  /** Whether the room paused with the step that made this state, and was not started since as far as the member knows. */
  readonly paused: boolean;
}

/** What a generation goes on from, once the standings of all members are known. */
export interface Verdict {
  readonly target: Target;
  /** Whether the room paused with the step that made the target, and nobody with that state knows of a start since. */
  readonly paused: boolean;
  /** Where the state is lost: who founds a new incarnation. */
  readonly lost: { readonly founder: MemberId | undefined } | undefined;
  /** Where the states that are known differ, and none is to be believed: each rank forgets its own. */
  readonly tied: true | undefined;
}

/** Names the all-reduces of one step of a generation, one for each bucket. Attempt −1 is the barrier that commits the state at `step` without training on it. */
export interface RoundId {
  readonly step: number;
  readonly attempt: number;
}

/** Bad samples that one step may be redone without. */
export const MAX_QUARANTINED = 64;
/** One for each of them, and some for steps that overflow. */
export const MAX_ATTEMPT = MAX_QUARANTINED + 8;

export type Message =
  /** A newcomer asks to be taken in, or tells other newcomers what it could found a room from. */
  | {
      readonly kind: 'join';
      readonly member: Member | undefined;
      readonly jobHash: JobHash | undefined;
      readonly standing: Standing | undefined;
      readonly links: readonly MemberId[];
      /** The newest generations that it has installed: a member of one in force that asks anew has given its place up. */
      readonly installed: readonly GenerationId[];
    }
  /** A witness says that it is there and offers its seat; repeated as its heartbeat. */
  | {
      readonly kind: 'witness';
      readonly seat: SeatId;
      /** The newest generation that the receiver has told it of. */
      readonly knows: GenerationId | undefined;
      /** Ranks that it has links with, and has heard lately. */
      readonly links: readonly MemberId[];
    }
  /** A member says what the generation in force is: to newcomers, to those behind, and when a successor is chosen. */
  | { readonly kind: 'room'; readonly generation: Generation; readonly committed: number; readonly job: Job }
  | { readonly kind: 'refuse'; readonly reason: 'job-differs'; readonly detail: string }
  | {
      readonly kind: 'beat';
      readonly generation: GenerationId;
      readonly phase: Phase;
      readonly step: number;
      /** Who the sender itself is waiting for, so that blame falls on the root of a stall. */
      readonly waiting: MemberId | undefined;
      /** Of the round that it is in or computes for, where that is not the first of its step. */
      readonly attempt: number | undefined;
      /** Its tab is in the background. */
      readonly hidden: true | undefined;
      /** Of a rank that heals: how many pieces of the state it has, which shows that it gets on. */
      readonly pieces: number | undefined;
      /** Members that the sender does not hear over a link of its own; absent where it hears all. */
      readonly unheard: readonly MemberId[] | undefined;
    }
  | { readonly kind: 'prepare'; readonly generation: GenerationId; readonly ballot: Ballot }
  | {
      readonly kind: 'promise';
      readonly generation: GenerationId;
      readonly ballot: Ballot;
      readonly seat: SeatId;
      readonly accepted: { readonly ballot: Ballot; readonly value: Generation } | undefined;
      readonly links: readonly MemberId[];
      /** The newest generation of this incarnation in which the voter had the agreed state. */
      readonly vouched: number;
      /** Votes, and wants no place in the successor. */
      readonly leaving: boolean;
      readonly joiners: readonly Member[];
      /** In a hierarchy: members with which the voter has no link that works, of those with which it must. */
      readonly suspects: readonly MemberId[];
    }
  | {
      readonly kind: 'reject';
      readonly generation: GenerationId;
      readonly ballot: Ballot;
      readonly promised: Ballot;
    }
  | {
      readonly kind: 'accept';
      readonly generation: GenerationId;
      readonly ballot: Ballot;
      readonly value: Generation;
    }
  | {
      readonly kind: 'accepted';
      readonly generation: GenerationId;
      readonly ballot: Ballot;
      readonly seat: SeatId;
    }
  /** Evidence and newcomers, to whoever proposes in a hierarchy: what the sender knows of, and the others cannot see. */
  | {
      readonly kind: 'news';
      readonly generation: GenerationId;
      readonly suspects: readonly { readonly member: MemberId; readonly evidence: Evidence }[];
      readonly joiners: readonly Member[];
      readonly leaving: boolean;
    }
  /** The sender now holds a dead page's seat, and answers for it. */
  | { readonly kind: 'seatHeld'; readonly generation: GenerationId; readonly seat: SeatId }
  /** `again`: the receiver's own standing has not come, and is asked for. */
  | (SelfReport & {
      readonly kind: 'standing';
      readonly generation: GenerationId;
      readonly again: boolean;
    })
  /** What the standings of all members come to, from the coordinator of a hierarchy that gathered them. */
  | { readonly kind: 'target'; readonly generation: GenerationId; readonly verdict: Verdict }
  | {
      readonly kind: 'part';
      readonly generation: GenerationId;
      readonly round: RoundId;
      /** Which of the layout's buckets, each of which is an all-reduce of its own. */
      readonly bucket: number;
      /** Position in the sender's sequence of parts for this receiver (see collective/). */
      readonly part: number;
      readonly payload: Int32Array<ArrayBuffer>;
    }
  | {
      readonly kind: 'resend';
      readonly generation: GenerationId;
      readonly round: RoundId;
      readonly bucket: number;
      readonly part: number;
    }
  /** A rank that is behind asks a donor, and says what it has. */
  | {
      readonly kind: 'heal';
      readonly generation: GenerationId;
      readonly have: Standing | undefined;
      /** Where it takes the whole state: the first piece that it lacks. */
      readonly piece: number;
    }
  | {
      readonly kind: 'gradient';
      readonly generation: GenerationId;
      /** The step to apply; its reduced lanes follow. */
      readonly step: number;
      readonly exponents: Int32Array<ArrayBuffer> | undefined;
      /** Rows that the step was redone without, where it was. */
      readonly quarantined: readonly number[] | undefined;
      readonly reduced: Int32Array<ArrayBuffer>;
    }
  /** What a donor has: a list of pieces, and the one that was asked for. A state of one piece is here with it. */
  | {
      readonly kind: 'state';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      readonly digests: readonly PieceDigest[];
      readonly piece: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** Asks that donor for further pieces: a few at a time. */
  | {
      readonly kind: 'want';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      readonly pieces: readonly number[];
    }
  | {
      readonly kind: 'piece';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      readonly piece: number;
      readonly digest: PieceDigest;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** The whole room trains, or goes back to it after a pause. */
  | { readonly kind: 'start'; readonly generation: GenerationId }
  | Learn
  | Lesson
  | LessonOver
  | Recalled
  | Held
  | Coloured
  | Relay;

/**
 * A learner asks its teacher, in the words of a rank that heals: the generation is the teacher's, as far as the learner has heard, and of
 * it only the incarnation counts.
 */
export interface Learn {
  readonly kind: 'learn';
  readonly message: Extract<Message, { readonly kind: 'heal' | 'want' }>;
}

/** A teacher answers its learner, in the words of a donor: with states that are committed, and with what leads from one to the next. */
export interface Lesson {
  readonly kind: 'lesson';
  /** Steps that the room has committed. */
  readonly committed: number;
  /** With a gradient: the hash of the state that it leads to, as the room has committed it. */
  readonly hash: StateHash | undefined;
  readonly message: Extract<Message, { readonly kind: 'state' | 'piece' | 'gradient' }>;
}

/** A teacher gives no lesson, or no further one: its learner is to ask for its place as it is, or another member. */
export interface LessonOver {
  readonly kind: 'lessonOver';
  readonly then: 'come-in' | 'ask-another';
}

/** Between hosts, beside the protocol: what was each at last? It changes nothing, and belongs to no generation. */
export type Recalled =
  { readonly kind: 'recall' } | { readonly kind: 'flight'; readonly entries: readonly FlightEntry[] };

/** The checkpoints of one browser profile, newest first; of many, the newest. */
export interface Holding {
  readonly device: DeviceId;
  readonly checkpoints: readonly { readonly step: number; readonly hash: StateHash }[];
}

/** A holding names no more checkpoints than these. */
export const MAX_HELD = 64;

/** Between hosts, beside the protocol: which checkpoints does the other's device hold? Shown, and nothing else. */
export type Held = { readonly kind: 'copies' } | ({ readonly kind: 'holding' } & Holding);

/** Which colour a rank wears in the lab: see src/live/colours.ts. A greater claim of one rank is a newer one. */
export interface Claim {
  readonly member: MemberId;
  readonly claim: number;
}

/** A rank's claims end there: far more than there are conflicts to resolve. */
export const MAX_CLAIM = 4095;
/** One message names no more claims than these. */
export const MAX_CLAIMS_TOLD = 128;

/** Between hosts, beside the protocol: who wears which colour, as far as the sender knows. Shown, and nothing else. */
export interface Coloured {
  readonly kind: 'colours';
  readonly claims: readonly Claim[];
}

/** Those that are short, and reach members with whom the sender has no link. */
export type RelayedKind =
  | 'room'
  | 'prepare'
  | 'promise'
  | 'reject'
  | 'accept'
  | 'accepted'
  | 'news'
  | 'seatHeld'
  | 'standing'
  | 'target'
  | 'start';

/** The rest of what two members say to each other: relayed only between two that are apart. */
export type CarriedKind = 'beat' | 'part' | 'resend' | 'heal' | 'gradient' | 'state' | 'want' | 'piece';

/** Carries a message over members that have links with both ends. */
export interface Relay {
  readonly kind: 'relay';
  readonly origin: MemberId;
  readonly to: MemberId;
  /** Links that it may still take. */
  readonly hops: number;
  readonly message: Extract<Message, { readonly kind: RelayedKind | CarriedKind }>;
}

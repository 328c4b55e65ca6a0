// What the world tells a rank (events), and what a rank asks of the world (effects). Both are data, so that a simulator and a
// browser host the same core, and a log of them replays.

import type { Job } from '../job/job.ts';
import type { EngineFault, UpdateMode } from '../ports/engine.ts';
import type { GenerationId, JobHash, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { Evidence } from '../ports/network.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { LaneLayout } from '../collective/lanes.ts';
import type { PieceList } from '../collective/state-transfer.ts';
import type { Message, Standing } from './messages.ts';
import type { Provenance } from './provenance.ts';
import type { SavedPlace } from './generation.ts';
import type { Wanted } from './saved.ts';
import type { SeatRecord } from './votes.ts';

/** A named timer: setting it again replaces it. */
export type TimerName = 'beat' | 'propose' | 'retry' | 'progress' | 'found' | 'join' | 'heal';

export type Event =
  /** First event. `saved` is the newest checkpoint that verifies, if any; `fresh` rooms have nobody else in them. */
  | {
      readonly kind: 'boot';
      readonly job: Job;
      readonly jobHash: JobHash;
      readonly fresh: boolean;
      readonly autostart: boolean;
      readonly saved: Standing | undefined;
    }
  /** The engine for `jobHash` is open and reset; answers `prepareEngine`. */
  | {
      readonly kind: 'engineReady';
      readonly jobHash: JobHash;
      readonly fingerprint: string;
      readonly layout: LaneLayout;
      /** Names of the model's tensors, in the layout's order. */
      readonly tensors: readonly string[];
      readonly hash: StateHash;
    }
  | { readonly kind: 'engineFailed'; readonly fault: EngineFault; readonly detail: string }
  | { readonly kind: 'linkUp'; readonly peer: MemberId }
  | { readonly kind: 'linkDown'; readonly peer: MemberId; readonly evidence: Evidence }
  | { readonly kind: 'message'; readonly from: MemberId; readonly message: Message }
  /** Bytes from a peer that did not decode: damaged on the way, or hostile. */
  | { readonly kind: 'garbled'; readonly from: MemberId; readonly detail: string }
  /** A send did not leave: the queue is full or the link is gone. */
  | { readonly kind: 'unsent'; readonly to: MemberId }
  | { readonly kind: 'timer'; readonly name: TimerName }
  /** The page went to the background, or came back from it. */
  | { readonly kind: 'visibility'; readonly hidden: boolean }
  /** A bucket of a contribution; they come in order. */
  | {
      readonly kind: 'computed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly attempt: number;
      readonly bucket: number;
      readonly lanes: Int32Array<ArrayBuffer>;
    }
  | {
      readonly kind: 'computeFailed';
      readonly generation: GenerationId;
      readonly step: number;
      readonly attempt: number;
      readonly detail: string;
    }
  | {
      readonly kind: 'applied';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | {
      readonly kind: 'exported';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      readonly state: PieceList;
    }
  /** Answers `copyState`; no `state`: there could be none. */
  | {
      readonly kind: 'copied';
      readonly step: number;
      readonly hash: StateHash;
      readonly state: PieceList | undefined;
    }
  | {
      readonly kind: 'imported';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | { readonly kind: 'importFailed'; readonly generation: GenerationId; readonly detail: string }
  /** Answers `restore`; nothing `found`: there is no checkpoint that verifies, and the engine is as it was. */
  | {
      readonly kind: 'restored';
      readonly found: { readonly standing: Standing; readonly provenance: Provenance } | undefined;
    }
  /** A dead page's seat came to this worker, with the record stored for it (validated), if it ever voted. */
  | { readonly kind: 'seatAcquired'; readonly seat: SeatId; readonly record: SeatRecord | undefined }
  | { readonly kind: 'seatNotStored'; readonly seat: SeatId; readonly detail: string }
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
      readonly detail: string;
    }
  | { readonly kind: 'command'; readonly command: 'start' | 'pause' | 'checkpoint' | 'leave' | 'force' }
  /** A person wants the whole room to go back to a checkpoint of this browser, which is whole. */
  | { readonly kind: 'rollBack'; readonly to: SavedPlace };

export interface Send {
  readonly to: MemberId;
  readonly message: Message;
}

export type Effect =
  /** To oneself it comes back as a `message` event. */
  | ({ readonly kind: 'send' } & Send)
  /** Store, and only then send. When the store fails nothing is sent (an abstention) and `seatNotStored` comes back. */
  | {
      readonly kind: 'store';
      readonly record: SeatRecord;
      readonly thenSend: readonly Send[];
      readonly thenReport: TraceEvent | undefined;
    }
  /** Open (or reset) the engine for this job; answered by `engineReady` or `engineFailed`. */
  | { readonly kind: 'prepareEngine'; readonly job: Job }
  /** Engine work runs in order, one at a time. */
  | {
      readonly kind: 'compute';
      readonly generation: GenerationId;
      readonly step: number;
      readonly attempt: number;
      readonly microBatches: readonly number[];
      readonly exponents: Int32Array<ArrayBuffer> | undefined;
      readonly quarantined: readonly number[] | undefined;
    }
  | {
      readonly kind: 'apply';
      readonly generation: GenerationId;
      readonly step: number;
      readonly reduced: Int32Array<ArrayBuffer>;
      readonly exponents: Int32Array<ArrayBuffer> | undefined;
      readonly quarantined: readonly number[] | undefined;
      readonly mode: UpdateMode;
    }
  /** A copy of the state, cut into pieces; answered by `exported`. */
  | { readonly kind: 'exportState'; readonly generation: GenerationId }
  /** Snapshot now (before any later `apply`), and cut it into pieces behind the training; answered by `copied`. */
  | {
      readonly kind: 'copyState';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | {
      readonly kind: 'importState';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
      readonly pieces: readonly Uint8Array<ArrayBuffer>[];
    }
  /** Look for a checkpoint of this browser that verifies, now, and bring the engine to it; answered by `restored`. */
  | { readonly kind: 'restore'; readonly wanted: Wanted }
  /** Snapshot now (before any later `apply`) and save behind the training. */
  | {
      readonly kind: 'checkpoint';
      readonly generation: GenerationId;
      readonly step: number;
      readonly hash: StateHash;
    }
  | { readonly kind: 'setTimer'; readonly name: TimerName; readonly ms: number }
  | { readonly kind: 'clearTimer'; readonly name: TimerName }
  /** Queue for these seats' locks (and for no others): whoever's page dies, its seat may come here. The own one is held already. */
  | { readonly kind: 'watchSeats'; readonly seats: readonly SeatId[] }
  /** Stop holding a dead page's seat, which no longer votes for anything. */
  | { readonly kind: 'releaseSeat'; readonly seat: SeatId }
  | { readonly kind: 'dropLink'; readonly peer: MemberId; readonly reason: string }
  /** A link with this peer is needed. Worlds that connect everybody with everybody have nothing to do. */
  | { readonly kind: 'connect'; readonly peer: MemberId }
  /** A link is needed with anybody who is there: whom the rendezvous introduces. */
  | { readonly kind: 'meet' }
  /** This link is no longer needed. */
  | { readonly kind: 'disconnect'; readonly peer: MemberId }
  | { readonly kind: 'report'; readonly event: TraceEvent };

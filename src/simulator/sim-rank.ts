// One rank of a simulated world: the real core with simulated ports around it. The world decides when answers arrive.

import { cutIntoPieces, joinPieces } from '../collective/state-transfer.ts';
import type { Job } from '../job/job.ts';
import { jobHash } from '../job/job.ts';
import type { EngineFault } from '../ports/engine.ts';
import type { JobHash, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Effect, Event, Send, TimerName } from '../protocol/effects.ts';
import type { Standing } from '../protocol/messages.ts';
import { createRank, type RankState } from '../protocol/rank.ts';
import type { Provenance } from '../protocol/provenance.ts';
import type { Wanted } from '../protocol/saved.ts';
import type { SeatRecord } from '../protocol/votes.ts';
import type { Compute } from './compute.ts';

/** What comes of saving a checkpoint, as its writer hears it. `unanswered`: it landed, and the answer was lost. */
export type SaveOutcome = 'stored' | 'refused' | 'fenced' | 'quota' | 'unanswered';

/** A checkpoint as simulated storage keeps it. */
export interface SavedState {
  readonly standing: Standing;
  /** The encoded state. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface SimRank {
  readonly member: MemberId;
  readonly seat: SeatId;
  /** Pages of one profile share storage and locks. */
  readonly profile: string;
  readonly core: RankState;
  readonly compute: Compute;
  /** The state that its engine holds; undefined while it has no engine. */
  engine: unknown;
  alive: boolean;
  /** Seats whose locks this rank queues for. */
  watching: readonly SeatId[];
  seq: number;
}

/** What a world does for a rank's effects. `answer` brings the events that come of the work named by `work`, one or several. */
export interface SimPorts<R extends SimRank = SimRank> {
  send(rank: R, send: Send): void;
  answer(
    rank: R,
    work: 'engine' | 'store',
    events: Event | readonly Event[],
    /** How much work it is: 1 is that of an equal share of a step. */
    load?: number,
  ): void;
  /** Stores a ballot; calls back when it is durable, with false when it was refused. */
  storeBallot(rank: R, record: SeatRecord, done: (stored: boolean) => void): void;
  /** A copy of the state was taken: it costs what the snapshot of a checkpoint costs, and is cut into pieces behind the training. */
  copyState(rank: R, copied: Event): void;
  /** Saves a checkpoint; the rank is told what `outcome` makes of it. */
  saveCheckpoint(rank: R, saved: SavedState, outcome: (came: SaveOutcome) => Event): void;
  loadCheckpoint(rank: R, wanted: Wanted): SavedState | undefined;
  setTimer(rank: R, name: TimerName, ms: number | undefined): void;
  seatsChanged(rank: R): void;
  releaseSeat(rank: R, seat: SeatId): void;
  dropLink(rank: R, peer: MemberId): void;
  /** A link that the rank asks for, with a peer or with anybody; and one that it lets go. */
  connect(rank: R, peer: MemberId | undefined): void;
  disconnect(rank: R, peer: MemberId): void;
  record(rank: R, event: TraceEvent): void;
}

export const createSimRank = (
  member: MemberId,
  seat: SeatId,
  profile: string,
  compute: Compute,
): SimRank => ({
  member,
  seat,
  profile,
  core: createRank({ member, seat }),
  compute,
  engine: undefined,
  alive: true,
  watching: [],
  seq: 0,
});

/** A job is hashed once, however many pages train it. */
const jobHashes = new WeakMap<Job, JobHash>();
function knownJobHash(job: Job): JobHash {
  let hash = jobHashes.get(job);
  if (hash === undefined) {
    hash = jobHash(job);
    jobHashes.set(job, hash);
  }
  return hash;
}

/** All simulated engines compute alike. */
const SIMULATED: Provenance = {
  fingerprint: 'simulated',
  updateMode: 'native',
  exactness: { kind: 'exact' },
};

/** Carries out one effect. */
export function perform<R extends SimRank>(rank: R, effect: Effect, ports: SimPorts<R>): void {
  const { compute } = rank;
  switch (effect.kind) {
    case 'send':
      ports.send(rank, effect);
      return;
    case 'store':
      storeBallot(rank, effect, ports);
      return;
    case 'prepareEngine':
      rank.engine = compute.initial;
      ports.answer(rank, 'engine', {
        kind: 'engineReady',
        jobHash: knownJobHash(effect.job),
        fingerprint: 'simulated',
        layout: compute.layout,
        tensors: compute.tensors,
        hash: compute.hashOf(rank.engine),
      });
      return;
    case 'compute': {
      const { generation, step, attempt, microBatches, exponents, quarantined } = effect;
      const engine = rank.engine;
      if (engine === undefined) return;
      const lanes = compute.contribute(engine, {
        member: rank.member,
        generation,
        microBatches,
        exponents,
        quarantined,
      });
      const buckets = compute.layout.buckets.map(({ start, end }, bucket): Event => {
        const part = end - start === lanes.length ? lanes : lanes.slice(start, end);
        return { kind: 'computed', generation, step, attempt, bucket, lanes: part };
      });
      const world = rank.core.membership?.generation.members.length ?? 1;
      // Against an equal share, which is one micro-batch where there are more ranks than micro-batches.
      const load = microBatches.length / Math.max(1, compute.layout.microBatches / world);
      ports.answer(rank, 'engine', buckets, load);
      return;
    }
    case 'apply': {
      if (rank.engine === undefined) return;
      rank.engine = compute.apply(rank.engine, effect.reduced, effect.exponents, effect.quarantined);
      const { generation, step } = effect;
      ports.answer(rank, 'engine', { kind: 'applied', generation, step, hash: compute.hashOf(rank.engine) });
      return;
    }
    case 'exportState': {
      if (rank.engine === undefined) return;
      const { generation } = effect;
      const step = compute.stepOf(rank.engine);
      const bytes = compute.encode(rank.engine);
      ports.answer(rank, 'engine', {
        kind: 'exported',
        generation,
        step,
        hash: compute.hashOf(rank.engine),
        state: cutIntoPieces(bytes, Math.ceil(bytes.length / compute.pieces)),
      });
      return;
    }
    case 'copyState': {
      if (rank.engine === undefined) return;
      const { step, hash } = effect;
      const bytes = compute.encode(rank.engine);
      const state = cutIntoPieces(bytes, Math.ceil(bytes.length / compute.pieces));
      ports.copyState(rank, { kind: 'copied', step, hash, state });
      return;
    }
    case 'importState': {
      const { generation, step, pieces } = effect;
      try {
        rank.engine = compute.decode(joinPieces(pieces));
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        ports.answer(rank, 'engine', { kind: 'importFailed', generation, detail });
        return;
      }
      ports.answer(rank, 'engine', { kind: 'imported', generation, step, hash: compute.hashOf(rank.engine) });
      return;
    }
    case 'restore': {
      const saved = ports.loadCheckpoint(rank, effect.wanted);
      if (saved === undefined) {
        ports.answer(rank, 'engine', { kind: 'restored', found: undefined });
        return;
      }
      rank.engine = compute.decode(saved.bytes);
      ports.answer(rank, 'engine', {
        kind: 'restored',
        found: { standing: { ...saved.standing, hash: compute.hashOf(rank.engine) }, provenance: SIMULATED },
      });
      return;
    }
    case 'checkpoint': {
      const { generation, step, hash } = effect;
      if (rank.engine === undefined) return;
      const saved: SavedState = {
        standing: { lineage: generation, step, hash: compute.hashOf(rank.engine) },
        bytes: compute.encode(rank.engine),
      };
      ports.saveCheckpoint(rank, saved, (came) =>
        came === 'stored'
          ? { kind: 'checkpointed', generation, step, hash }
          : { kind: 'checkpointFailed', generation, step, detail: `storage: ${came}` },
      );
      return;
    }
    case 'setTimer':
      ports.setTimer(rank, effect.name, effect.ms);
      return;
    case 'clearTimer':
      ports.setTimer(rank, effect.name, undefined);
      return;
    case 'watchSeats':
      rank.watching = effect.seats;
      ports.seatsChanged(rank);
      return;
    case 'releaseSeat':
      ports.releaseSeat(rank, effect.seat);
      return;
    case 'dropLink':
      ports.dropLink(rank, effect.peer);
      return;
    case 'connect':
      ports.connect(rank, effect.peer);
      return;
    case 'meet':
      ports.connect(rank, undefined);
      return;
    case 'disconnect':
      ports.disconnect(rank, effect.peer);
      return;
    case 'report':
      ports.record(rank, effect.event);
      return;
  }
}

/** Apart from the other effects: none of them waits for an answer here, and what waits costs every one of them a little. */
function storeBallot<R extends SimRank>(
  rank: R,
  { record, thenReport, thenSend }: Extract<Effect, { kind: 'store' }>,
  ports: SimPorts<R>,
): void {
  ports.storeBallot(rank, record, (stored) => {
    if (!stored) {
      ports.answer(rank, 'store', { kind: 'seatNotStored', seat: record.seat, detail: 'storage refused' });
      return;
    }
    if (thenReport !== undefined) ports.record(rank, thenReport);
    for (const send of thenSend) ports.send(rank, send);
  });
}

export const bootEvent = (
  job: Job,
  fresh: boolean,
  saved: SavedState | undefined,
  autostart = true,
): Event => ({
  kind: 'boot',
  job,
  jobHash: knownJobHash(job),
  fresh,
  autostart,
  saved: saved?.standing,
});

export const engineFailure = (fault: EngineFault): Event => ({
  kind: 'engineFailed',
  fault,
  detail: `simulated ${fault}`,
});

export const stateHashOf = (rank: SimRank): StateHash | undefined =>
  rank.engine === undefined ? undefined : rank.compute.hashOf(rank.engine);

// What a rank lets be seen of itself: a projection for the page, the lab and the command line.

import { piecesHeld } from '../collective/state-transfer.ts';
import type { LaneLayout } from '../collective/lanes.ts';
import type { Job } from '../job/job.ts';
import type { GenerationId, JobHash, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { Exactness, Phase, Stall } from '../trace/events.ts';
import { namesApart, rankOf } from './generation.ts';
import type { Provenance } from './provenance.ts';
import { stallOf } from './stalls.ts';
import type { RankState } from './state.ts';
import { viewWitness, type WitnessView } from './witnessing.ts';

export interface RankView {
  readonly phase: Phase;
  readonly job: Job | undefined;
  readonly jobHash: JobHash | undefined;
  readonly layout: LaneLayout | undefined;
  readonly generation: GenerationId | undefined;
  readonly rank: number | undefined;
  readonly members: readonly {
    readonly member: MemberId;
    readonly seat: SeatId;
    readonly self: boolean;
    readonly phase: Phase;
    readonly step: number;
    readonly silentMs: number;
    readonly suspected: boolean;
    /** Its tab is in the background. */
    readonly hidden: boolean;
  }[];
  readonly links: readonly MemberId[];
  /** Pairs of members without a working link between them. */
  readonly apart: readonly (readonly [MemberId, MemberId])[];
  readonly witness: WitnessView | undefined;
  readonly running: boolean;
  readonly step: number;
  readonly stateHash: StateHash | undefined;
  readonly committed: number;
  readonly committedHash: StateHash | undefined;
  readonly exactness: Exactness;
  /** What a checkpoint of this rank's state has to say of how it came about. */
  readonly provenance: Provenance | undefined;
  /** Members that a quorum is waited for, while stuck. */
  readonly waitingFor: readonly MemberId[];
  /** Of a state on its way here, while it heals: the pieces that have come, and all of them. */
  readonly incoming: { readonly pieces: number; readonly of: number } | undefined;
  /** Who this rank has waited for longer than usual, and in what. */
  readonly stall: Stall | undefined;
  readonly problem: string | undefined;
}

export function viewRank(state: RankState, now: number): RankView {
  const { membership, training } = state;
  const generation = membership?.generation;
  const members = (generation?.members ?? []).map(({ member, seat }) => {
    const self = member === state.self.member;
    const peer = state.peers.get(member);
    return {
      member,
      seat,
      self,
      phase: self ? state.phase : (peer?.phase ?? 'starting'),
      step: self ? (training?.step ?? 0) : (peer?.step ?? 0),
      // By whatever way: with one that is apart there is none of one's own.
      silentMs: self || peer === undefined ? 0 : now - Math.max(peer.lastHeard, peer.lastWord),
      suspected: peer?.suspected !== undefined,
      hidden: self ? state.hidden : (peer?.hidden ?? false),
    };
  });
  const promised = membership?.proposal?.promises;
  return {
    phase: state.phase,
    job: state.job,
    jobHash: state.jobHash,
    layout: state.layout,
    generation: generation?.id,
    rank: generation === undefined ? undefined : rankOf(generation, state.self.member),
    members,
    links: [...state.peers].filter(([, peer]) => peer.linked).map(([member]) => member),
    apart: generation === undefined ? [] : namesApart(generation),
    witness: viewWitness(state, now),
    running: membership?.running ?? false,
    step: training?.step ?? 0,
    stateHash: training?.hash,
    committed: training?.committed ?? 0,
    committedHash: training?.committedHash,
    exactness: state.exactness,
    provenance:
      state.fingerprint === undefined
        ? undefined
        : {
            fingerprint: state.fingerprint,
            updateMode: generation?.updateMode ?? state.updateMode,
            exactness: state.exactness,
          },
    waitingFor: state.stuck
      ? members.filter((m) => !m.self && (m.suspected || promised?.has(m.seat) !== true)).map((m) => m.member)
      : [],
    incoming: state.incoming && {
      pieces: piecesHeld(state.incoming),
      of: state.incoming.digests.length,
    },
    stall: stallOf(state, now),
    problem: state.problem,
  };
}

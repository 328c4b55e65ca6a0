// Watches whether a rank acts on what it knows: that a peer has fallen silent, that there is a room already, and that somebody in its
// generation has a state to go on from.

import type { Violation } from '../invariants/check.ts';
import { sameGeneration, type MemberId } from '../ports/ids.ts';
import { isApart, isIn, membersOf, ownerOf, type Generation } from '../protocol/generation.ts';
import { silenceAllowed } from '../protocol/patience.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { RankState } from '../protocol/state.ts';
import { shortId } from '../trace/short-names.ts';

/** Heartbeats that may pass between the end of a peer's time and its suspicion. */
const SLACK_BEATS = 2;

/** What is wrong with what a rank has just done, by what it knew. `now` is by its own clock. */
export type KnowledgeWatch = (
  core: RankState,
  event: TraceEvent,
  now: number,
) => Pick<Violation, 'invariant' | 'sentence'> | undefined;

/** `living` gives the core of a page that is there. */
export function createKnowledgeWatch(living: (member: MemberId) => RankState | undefined): KnowledgeWatch {
  /** The generation that each member is in. */
  const memberships = new Map<MemberId, Generation>();

  /** Another member of the generation whose state is not below its floor: nothing is lost while that one lives. */
  function holderBeside(self: MemberId, generation: Generation): MemberId | undefined {
    const { id, floor } = generation;
    return membersOf(generation).find((member) => {
      const other = member === self ? undefined : living(member);
      const lineage = other?.training?.lineage;
      return (
        lineage?.incarnation === id.incarnation &&
        lineage.number >= floor &&
        other?.membership !== undefined &&
        sameGeneration(other.membership.generation.id, id)
      );
    });
  }

  function tooSilent(core: RankState, peer: MemberId, now: number): ReturnType<KnowledgeWatch> {
    const { job, lastBeat, peers } = core;
    if (job === undefined) return undefined;
    // In a hierarchy, most members exchange no heartbeats, nor do those whose link is still being set up.
    const overlay = core.membership?.overlay;
    if (overlay !== undefined && !(overlay.watched.has(peer) && peers.get(peer)?.linked === true))
      return undefined;
    const generation = core.membership?.generation;
    if (generation !== undefined && isApart(generation, core.self.member, peer)) return undefined;
    const { heartbeatMs } = job.policies;
    // One that was held up itself gives the others time to speak.
    if (now - lastBeat > SLACK_BEATS * heartbeatMs) return undefined;
    const known = peers.get(peer);
    if (known === undefined) return undefined;
    // Of one whose link is not up yet, what others pass on counts.
    const silentMs = now - (known.linked ? known.lastHeard : Math.max(known.lastHeard, known.lastWord));
    // No other rank has confirmed it, as far as this watch knows: the longest that may be.
    const allowed = silenceAllowed({ usual: known.pulse, hidden: known.hidden }, job.policies, 0);
    if (silentMs <= allowed + SLACK_BEATS * heartbeatMs) return undefined;
    return {
      invariant: 7,
      sentence: `${shortId(peer)} had been silent for ${Math.round(silentMs)} ms before it was suspected, of ${Math.round(allowed)} allowed.`,
    };
  }

  /** A member whose lock was released, or whose link has ended, is suspected in the same step. */
  function unheeded(
    { membership, peers, self, stopped }: RankState,
    event: Extract<TraceEvent, { kind: 'seatAcquired' | 'linkDown' }>,
  ): ReturnType<KnowledgeWatch> {
    if (membership === undefined || stopped !== undefined) return undefined;
    const { generation, overlay } = membership;
    const member = event.kind === 'linkDown' ? event.peer : ownerOf(generation, event.seat);
    if (member === undefined || member === self.member || !isIn(generation, member)) return undefined;
    if (event.kind === 'linkDown' && overlay?.watched.has(member) === false) return undefined;
    // Of a bad link all know.
    if (event.kind === 'linkDown' && isApart(generation, self.member, member)) return undefined;
    if (peers.get(member)?.suspected !== undefined) return undefined;
    return {
      invariant: 7,
      sentence: `${shortId(self.member)} saw that ${shortId(member)} had gone, and did nothing about it.`,
    };
  }

  return (core, event, now) => {
    const { member } = core.self;
    const generation = memberships.get(member);
    if (event.kind === 'installed') {
      if (core.membership !== undefined) memberships.set(member, core.membership.generation);
    } else if (event.kind === 'left') memberships.delete(member);
    else if (event.kind === 'seatAcquired' || event.kind === 'linkDown') return unheeded(core, event);
    else if (event.kind === 'suspected' && (event.evidence === 'progress' || event.evidence === 'ice'))
      return tooSilent(core, event.peer, now);
    else if (event.kind === 'founded' && event.why === 'rolled-back') return undefined;
    else if (event.kind === 'founded' && event.why !== 'forced' && generation !== undefined) {
      const holder = holderBeside(member, generation);
      if (holder !== undefined)
        return {
          invariant: 5,
          sentence: `A member founded a new line although ${shortId(holder)} had the state to go on from.`,
        };
    } else if (event.kind === 'founded' && event.why !== 'forced') {
      const knowsRoom = [...core.peers.values()].some((peer) => peer.linked && peer.room !== undefined);
      if (knowsRoom) return { invariant: 5, sentence: 'A newcomer founded a room although it knew of one.' };
    }
    return undefined;
  };
}

// Watches the fence from outside: what a rank makes of a message that names another generation than the one in force there. It may
// answer which one is in force, and keep what is ahead for later; nothing else of it may change.

import { partsTaken } from '../collective/all-reduce.ts';
import type { Violation } from '../invariants/check.ts';
import { sameGeneration, type GenerationId, type MemberId } from '../ports/ids.ts';
import type { Event } from '../protocol/effects.ts';
import type { Message } from '../protocol/messages.ts';
import type { Membership, RankState } from '../protocol/state.ts';
import { shortId } from '../trace/short-names.ts';

/** What may be kept of messages that are ahead; with fewer there is always room. */
const SURELY_KEPT = 64;

type Lapse = Pick<Violation, 'invariant' | 'sentence'> | undefined;

/** Before a step: what is to be compared with afterwards; undefined where the fence has nothing to do with the event. */
export function beforeFence(core: RankState, event: Event): ((core: RankState) => Lapse) | undefined {
  if (event.kind !== 'message') return undefined;
  const { membership } = core;
  if (membership === undefined) return undefined;
  const message = event.message.kind === 'relay' ? event.message.message : event.message;
  const theirs = fencedBy(message);
  const mine = membership.generation.id;
  if (theirs === undefined || sameGeneration(theirs, mine)) return undefined;
  if (event.message.kind === 'relay' && event.message.to !== core.self.member) return undefined;
  const from = event.message.kind === 'relay' ? event.message.origin : event.from;
  const isAhead = theirs.incarnation === mine.incarnation && theirs.number > mine.number;
  // To hear of a peer that was thought silent is news by itself.
  if (isThoughtSilent(core, from) || isThoughtSilent(core, event.from)) return undefined;
  return compareAfterwards(core, membership, from, message, theirs, isAhead);
}

const isThoughtSilent = (core: RankState, peer: MemberId): boolean =>
  core.peers.get(peer)?.suspected === 'heartbeat';

/** Apart from the question whether there is anything to compare, which is asked of every event. */
function compareAfterwards(
  core: RankState,
  membership: Membership,
  from: MemberId,
  message: Message,
  theirs: GenerationId,
  isAhead: boolean,
): (core: RankState) => Lapse {
  const mine = membership.generation.id;
  const before = footprint(core, membership, from);
  const who = shortId(core.self.member);
  return (after) => {
    const held = after.early.length < SURELY_KEPT;
    if (isAhead && message.kind !== 'beat' && held && !after.early.some((kept) => kept.message === message))
      return {
        invariant: 8,
        sentence: `${who} dropped a message (${message.kind}) of generation ${theirs.number}, which it was about to be in.`,
      };
    if (after.membership === membership && footprint(after, membership, from) === before) return undefined;
    return {
      invariant: 4,
      sentence: `A message (${message.kind}) of generation ${theirs.number} changed something on ${who}, which was in generation ${mine.number}${theirs.incarnation === mine.incarnation ? '' : ' of another line'}.`,
    };
  };
}

/** The generation that a message acts on; undefined for those that act on none, or on whichever is newer. */
function fencedBy(message: Message): GenerationId | undefined {
  switch (message.kind) {
    case 'join':
    case 'room':
    case 'refuse':
    case 'colours':
    case 'copies':
    case 'flight':
    case 'holding':
    case 'learn':
    case 'lesson':
    case 'lessonOver':
    case 'recall':
    case 'witness':
    case 'relay':
      return undefined;
    case 'accept':
    case 'accepted':
    case 'beat':
    case 'gradient':
    case 'heal':
    case 'news':
    case 'part':
    case 'piece':
    case 'prepare':
    case 'promise':
    case 'reject':
    case 'resend':
    case 'seatHeld':
    case 'standing':
    case 'start':
    case 'state':
    case 'target':
    case 'want':
      return message.generation;
  }
}

/** All that a message can change in a member, in short. */
function footprint(core: RankState, membership: Membership, from: MemberId): string {
  const { training, changing, healing } = core;
  const { proposal, round, lastRound } = membership;
  const peer = core.peers.get(from);
  const sums = [round, lastRound].map((sum) => sum?.buckets.map(partsTaken).join('+'));
  return [
    training?.step,
    training?.hash,
    training?.committed,
    changing,
    healing?.donor,
    membership.selfReports.size,
    membership.reported.size,
    membership.offered.size,
    membership.healRequests.size,
    membership.target?.hash,
    membership.synced,
    membership.frozen,
    membership.running,
    membership.startWanted,
    membership.regroupWanted,
    membership.highestRound,
    proposal?.ballot.round,
    proposal?.promises.size,
    proposal?.accepted.size,
    ...sums,
    // To know of a peer is nothing yet.
    peer?.phase ?? 'starting',
    peer?.step ?? 0,
    peer?.waiting,
  ].join();
}

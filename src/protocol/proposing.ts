// The proposer's side: when to ask for a successor, whom it holds, and when it is chosen.

import type { MemberId, SeatId } from '../ports/ids.ts';
import type { UpdateMode } from '../ports/engine.ts';
import type { Exactness } from '../trace/events.ts';
import {
  broadcast,
  clearTimer,
  isLinked,
  membershipInForce,
  otherMembers,
  provenLinks,
  reconsider,
  report,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import {
  describeGeneration,
  electorate,
  membersOf,
  ownerOf,
  type Generation,
  type Member,
} from './generation.ts';
import { found } from './founding.ts';
import { askHeirs, noteHeir } from './heirs.ts';
import { install, roomMessage } from './installing.ts';
import type { Message } from './messages.ts';
import { planMesh, planRows } from './mesh.ts';
import { hasNewcomer, isSettled, isSuspected, isUrgent, placeInLine, suspects, tellNews } from './reasons.ts';
import { hasWay } from './routing.ts';
import type { Membership, Promise_, Proposal } from './state.ts';
import { stop } from './stopping.ts';
import { dismiss } from './teaching.ts';
import { compareBallots } from './votes.ts';
import { proposedRollback } from './rollback.ts';
import { isGone, suspect } from './suspicion.ts';
import { repeatAfter, REPEATS, retryDelay, turnsOf } from './voting.ts';
import { holderOf, speaksFor, wantsWitness, witnessFor } from './witnessing.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** What each place among the living members waits before it proposes, so that the lowest seat goes first. */
const PROPOSE_STAGGER_MS = 300;
/** Newcomers are gathered for this long, so that tabs opened together join together. */
const JOIN_GATHER_MS = 150;
/** In a hierarchy, those who have not answered are linked with as well when they are asked again, so many at once. */
const LINKS_AT_ONCE = 64;

/** Considers whether a regroup is due, and proposes it or arms the timer that does. Called whenever a reason may have appeared. */
export function considerRegroup(ctx: Context): void {
  const membership = ctx.state.membership;
  if (membership === undefined || ctx.state.stopped !== undefined) return;
  if (membership.proposal !== undefined || membership.frozen) return;
  if (!membership.synced && !ctx.rules.regroupsWhileHealing()) return;
  const urgent = isUrgent(ctx, membership);
  if (!urgent && !hasNewcomer(ctx, membership) && !wantsWitness(ctx, membership)) return;
  tellNews(ctx, membership);
  const place = placeInLine(ctx, membership);
  const turns = membership.overlay === undefined ? place : turnsOf(place);
  const delay = turns * PROPOSE_STAGGER_MS + (urgent ? 0 : JOIN_GATHER_MS);
  if (delay === 0) {
    propose(ctx, membership);
    return;
  }
  const at = ctx.now + delay;
  if (membership.proposeAt !== undefined && membership.proposeAt <= at) return;
  membership.proposeAt = at;
  setTimer(ctx, 'propose', delay);
}

/** The `propose` timer: only if the reason is still there and nobody else was faster. */
export function onProposeTimer(ctx: Context): void {
  const membership = ctx.state.membership;
  if (membership === undefined) return;
  membership.proposeAt = undefined;
  if (membership.frozen || membership.proposal !== undefined) return;
  const wanted = isUrgent(ctx, membership) || hasNewcomer(ctx, membership) || wantsWitness(ctx, membership);
  if (wanted) propose(ctx, membership);
}

export function propose(ctx: Context, membership: Membership): void {
  const ballot = ctx.rules.nextBallot(membership.highestRound, ctx.state.self.member);
  membership.highestRound = ballot.round;
  membership.proposal = { ballot, promises: new Map(), value: undefined, accepted: new Set(), repeats: 0 };
  const generation = membership.generation.id;
  report(ctx, { kind: 'prepared', generation, ballot });
  clearTimer(ctx, 'propose');
  setTimer(ctx, 'retry', retryDelay(ctx, membership));
  askSeats(ctx, membership, { kind: 'prepare', generation, ballot });
}

/** To all who vote: every member, oneself included, and the witness. */
function askSeats(ctx: Context, membership: Membership, message: Of<'prepare' | 'accept'>): void {
  broadcast(ctx, membership, message, true);
  askHeirs(ctx, membership, message);
  const { witness } = membership.generation;
  const holder = witness === undefined ? undefined : holderOf(ctx, witness);
  if (holder !== undefined) send(ctx, holder, message);
}

/** No successor yet: says so when it has taken too long, and tries with a higher ballot. */
export function onRetryTimer(ctx: Context): void {
  const membership = ctx.state.membership;
  if (membership === undefined) return;
  if (!membership.frozen && membership.proposal === undefined) {
    reconsider(ctx);
    return;
  }
  if (askAgain(ctx, membership)) return;
  const policies = ctx.state.job?.policies;
  const waited = ctx.now - membership.frozenSince;
  // Who is heard and still has not answered abstains, or its vote is lost: a quorum goes on without it.
  if (policies !== undefined && waited >= policies.suspicionMs && considerValue(ctx, 'impatient')) {
    setTimer(ctx, 'retry', retryDelay(ctx, membership));
    return;
  }
  if (policies !== undefined && membership.frozen && waited >= policies.regroupMs)
    becomeStuck(ctx, membership);
  if (ctx.state.membership === membership) propose(ctx, membership);
}

/**
 * In a hierarchy, a message may be lost with the member that relayed it: those who have not answered are asked again, by a link of
 * their own, before a quorum goes on without them or a higher ballot is tried.
 */
function askAgain(ctx: Context, membership: Membership): boolean {
  const { proposal, overlay } = membership;
  if (overlay === undefined || proposal === undefined || proposal.repeats >= REPEATS) return false;
  proposal.repeats += 1;
  const { id, members } = membership.generation;
  const { ballot, value, accepted, promises } = proposal;
  let links = LINKS_AT_ONCE;
  for (const { member, seat } of members) {
    if (value === undefined ? promises.has(seat) : accepted.has(seat)) continue;
    send(
      ctx,
      member,
      value === undefined
        ? { kind: 'prepare', generation: id, ballot }
        : { kind: 'accept', generation: id, ballot, value },
    );
    if (isLinked(ctx, member) || isGone(ctx, member) || links === 0) continue;
    links -= 1;
    ctx.effects.push({ kind: 'connect', peer: member });
  }
  askHeirs(
    ctx,
    membership,
    value === undefined
      ? { kind: 'prepare', generation: id, ballot }
      : { kind: 'accept', generation: id, ballot, value },
  );
  setTimer(ctx, 'retry', repeatAfter(ballot.round));
  return true;
}

function becomeStuck(ctx: Context, membership: Membership): void {
  const promised = membership.proposal?.promises ?? new Map<SeatId, Promise_>();
  const { members, witness } = membership.generation;
  const silent = members.filter((m) => !promised.has(m.seat));
  const isWitnessSilent = witness !== undefined && !promised.has(witness);
  if (!ctx.state.stuck) {
    ctx.state.stuck = true;
    setPhase(ctx, 'stuck');
    dismiss(ctx);
    report(ctx, {
      kind: 'waitingForQuorum',
      seats: [...silent.map((m) => m.seat), ...(isWitnessSilent ? [witness] : [])],
      members: silent.map((m) => m.member),
    });
  }
  if (ctx.state.job?.policies.quorum === 'available') found(ctx, 'forced');
}

export function onPromise(ctx: Context, from: MemberId, message: Of<'promise'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const proposal = membership?.proposal;
  if (membership === undefined || proposal === undefined || proposal.value !== undefined) return;
  if (compareBallots(message.ballot, proposal.ballot) !== 0) return;
  const { generation } = membership;
  const { accepted } = message;
  if (
    !speaksFor(ctx, generation, from, message.seat) ||
    (accepted !== undefined && !isSuccessor(generation, accepted.value))
  ) {
    report(ctx, { kind: 'rejected', from, message: 'promise', reason: 'unexpected' });
    return;
  }
  proposal.promises.set(message.seat, {
    by: from,
    accepted,
    links: message.links,
    vouched: message.vouched,
    leaving: message.leaving,
    joiners: message.joiners,
    suspects: message.suspects,
  });
  reconsider(ctx);
}

const isSuccessor = ({ id }: Generation, value: Generation): boolean =>
  value.id.incarnation === id.incarnation && value.id.number === id.number + 1;

/** A higher ballot is about: let it go on, and try again only if it comes to nothing. */
export function onReject(ctx: Context, message: Of<'reject'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const proposal = membership?.proposal;
  if (membership === undefined || proposal === undefined) return;
  if (compareBallots(message.ballot, proposal.ballot) !== 0) return;
  membership.highestRound = Math.max(membership.highestRound, message.promised.round);
  membership.proposal = undefined;
  setTimer(ctx, 'retry', retryDelay(ctx, membership));
}

/** Whether those that answered are enough to decide. */
function isQuorum(ctx: Context, membership: Membership, answered: ReadonlySet<SeatId>): boolean {
  const gone = membership.generation.members.filter((m) => isGone(ctx, m.member)).map((m) => m.seat);
  const votes = ctx.rules.votesOf(answered, new Set(gone));
  return ctx.rules.isQuorum(votes, electorate(membership.generation));
}

/**
 * Begins the second phase once a quorum has promised and every member that is not suspected has answered: a member that is
 * merely slow is waited for until it is heard or suspected.
 */
export function considerValue(ctx: Context, patience: 'patient' | 'impatient' = 'patient'): boolean {
  const membership = ctx.state.membership;
  const proposal = membership?.proposal;
  if (membership === undefined || proposal === undefined || proposal.value !== undefined) return false;
  const { generation } = membership;
  if (membership.overlay !== undefined && !mayDecide(ctx, membership, proposal, patience)) return false;
  if (!isQuorum(ctx, membership, new Set(proposal.promises.keys()))) return false;
  const answered = new Set([...proposal.promises.values()].map((promise) => promise.by));
  // Without its own vote stored, a proposer would propose a generation without itself.
  if (!answered.has(ctx.state.self.member)) return false;
  const awaited = (member: MemberId): boolean =>
    !answered.has(member) && ctx.rules.waitsFor(isSuspected(ctx, membership, member), patience);
  if (otherMembers(ctx, membership).some(awaited)) return false;
  const bound = ctx.rules.boundTo([...proposal.promises.values()].map((promise) => promise.accepted));
  const value = bound?.value ?? successor(ctx, membership, proposal);
  if (value.members.length === 0) {
    // A quorum has said so: everybody leaves, and there is no successor to choose.
    stop(ctx, 'left', 'All ranks have left the room.');
    return false;
  }
  proposal.value = value;
  askSeats(ctx, membership, { kind: 'accept', generation: generation.id, ballot: proposal.ballot, value });
  return true;
}

/** In a hierarchy, counting tells at each answer what asking everybody would: whether there can be a decision yet. */
function mayDecide(
  ctx: Context,
  membership: Membership,
  proposal: Proposal,
  patience: 'patient' | 'impatient',
): boolean {
  const voters = membership.generation.members.length;
  const answers = proposal.promises.size;
  if (2 * answers < voters) return false;
  return patience === 'impatient' || answers + suspects(ctx, membership).length >= voters;
}

const seenBy = (promises: readonly Promise_[], newcomer: MemberId): readonly MemberId[] =>
  promises.filter(({ links }) => links.includes(newcomer)).map(({ by }) => by);

/** The generation that this proposer wants: who promised and stays, and the newcomers that have a link with each of them. */
function successor(ctx: Context, membership: Membership, proposal: Proposal): Generation {
  const { generation } = membership;
  const self = ctx.state.self.member;
  const promises = [...proposal.promises.values()];
  const links = new Map<MemberId, ReadonlySet<MemberId>>([[self, new Set(provenLinks(ctx))]]);
  const candidates = new Map<MemberId, Member>();
  for (const member of generation.members) {
    const promise = proposal.promises.get(member.seat);
    if (promise === undefined || promise.by !== member.member || promise.leaving) continue;
    candidates.set(member.member, member);
    if (member.member !== self) links.set(member.member, new Set(promise.links));
  }
  const staying = [...candidates.keys()];
  const joiners = promises.flatMap((promise) => promise.joiners);
  joiners.sort((a, b) => (a.member < b.member ? -1 : 1));
  for (const joiner of joiners) {
    if (candidates.has(joiner.member) || isGone(ctx, joiner.member)) continue;
    // Where this rank has not heard the newcomer itself, those that have say which links it has.
    const stated = ctx.state.peers.get(joiner.member)?.join?.links;
    candidates.set(joiner.member, joiner);
    links.set(joiner.member, new Set(stated ?? seenBy(promises, joiner.member)));
  }
  const keep = candidates.has(self) ? self : (staying[0] ?? self);
  const width = ctx.rules.rowWidth(candidates.size);
  const isStaying = new Set(staying);
  const coming = [...candidates.keys()].filter((member) => !isStaying.has(member));
  const isMesh = membership.overlay === undefined && width === undefined;
  const mesh = isMesh
    ? planMesh(
        {
          members: staying,
          newcomers: coming,
          settled: new Set(coming.filter((member) => isSettled(ctx, member))),
          links,
          keep,
        },
        ctx.rules.linkWorks,
      )
    : undefined;
  const chosen =
    mesh?.order ??
    planRows({
      places: membersOf(generation),
      staying: isStaying,
      newcomers: coming,
      suspects: new Map(promises.map((promise) => [promise.by, promise.suspects])),
      width: width ?? membership.overlay?.width ?? 1,
      keep,
    });
  const members = chosen.flatMap((id) => candidates.get(id) ?? []);
  const witness =
    isMesh && ctx.rules.rowWidth(members.length) === undefined
      ? witnessFor(ctx, membership, chosen, (member, witness) => links.get(member)?.has(witness) === true)
      : undefined;
  const back = proposedRollback(ctx);
  return {
    id: { incarnation: generation.id.incarnation, number: generation.id.number + 1 },
    members: ctx.rules.ranksOf(members, witnessAsMember(ctx, witness)),
    floor: ctx.rules.floorAfter(
      generation,
      [...proposal.promises.values()].map((promise) => promise.vouched),
    ),
    running: membership.running || membership.startWanted,
    ...(witness === undefined ? {} : { witness }),
    ...(mesh === undefined || mesh.apart.length === 0 ? {} : { apart: mesh.apart }),
    ...(back === undefined ? {} : { back }),
    ...(generation.insteadOf === undefined ? {} : { insteadOf: generation.insteadOf }),
    ...arithmetic(ctx, generation, members),
  };
}

function witnessAsMember(ctx: Context, seat: SeatId | undefined): Member | undefined {
  const member = seat === undefined ? undefined : holderOf(ctx, seat);
  const { fingerprint } = ctx.state;
  return seat === undefined || member === undefined || fingerprint === undefined
    ? undefined
    : { member, seat, fingerprint };
}

/** One fingerprint: native arithmetic and the promise of exactness. More than one: portable, and it stays. */
function arithmetic(
  ctx: Context,
  generation: Generation,
  members: readonly Member[],
): { readonly updateMode: UpdateMode; readonly exactness: Exactness } {
  const mixed = new Set([...generation.members, ...members].map((m) => m.fingerprint)).size > 1;
  if (!mixed) return { updateMode: generation.updateMode, exactness: generation.exactness };
  const since = ctx.state.training?.step ?? 0;
  return {
    updateMode: 'portable',
    exactness: generation.exactness.kind === 'exact' ? { kind: 'unpromised', since } : generation.exactness,
  };
}

export function onAccepted(ctx: Context, from: MemberId, message: Of<'accepted'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const proposal = membership?.proposal;
  if (membership === undefined || proposal?.value === undefined) return;
  if (compareBallots(message.ballot, proposal.ballot) !== 0) return;
  if (!speaksFor(ctx, membership.generation, from, message.seat)) return;
  proposal.accepted.add(message.seat);
  if (membership.overlay !== undefined && 2 * proposal.accepted.size < membership.generation.members.length)
    return;
  if (!isQuorum(ctx, membership, proposal.accepted)) return;
  const value = proposal.value;
  report(ctx, { kind: 'chosen', generation: membership.generation.id, value: describeGeneration(value) });
  const told = new Set<MemberId>([
    ...membership.generation.members.map((m) => m.member),
    ...value.members.map((m) => m.member),
    ...witnessesOf(ctx, [membership.generation, value]),
  ]);
  const previous = membership.generation;
  const room = roomMessage(ctx, value);
  for (const member of told)
    if (member !== ctx.state.self.member && (membership.overlay !== undefined || hasWay(ctx, member)))
      send(ctx, member, room);
  install(ctx, value, previous);
}

const witnessesOf = (ctx: Context, generations: readonly Generation[]): readonly MemberId[] =>
  generations.flatMap(({ witness }) => (witness === undefined ? [] : (holderOf(ctx, witness) ?? [])));

/** Somebody now answers for a dead page's seat: ask it too. */
export function onSeatHeld(ctx: Context, from: MemberId, message: Of<'seatHeld'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined) return;
  noteHeir(membership, from);
  const { id } = membership.generation;
  // The lock told only its new holder that the page is dead; whoever proposes first must not wait for other evidence.
  const owner = ownerOf(membership.generation, message.seat);
  if (owner !== undefined && owner !== from && owner !== ctx.state.self.member)
    suspect(ctx, owner, 'lock-released');
  const { proposal } = membership;
  if (proposal === undefined) return;
  if (proposal.value === undefined && proposal.promises.get(message.seat)?.by === from) return;
  if (proposal.value === undefined)
    send(ctx, from, { kind: 'prepare', generation: id, ballot: proposal.ballot });
  else send(ctx, from, { kind: 'accept', generation: id, ballot: proposal.ballot, value: proposal.value });
}

// What a rank waits for, found in its state; and that it says so when it takes longer than usual.

import type { MemberId } from '../ports/ids.ts';
import type { Stall } from '../trace/events.ts';
import { attribute, type Wait, type Word } from './attribution.ts';
import { report, type Context } from './context.ts';
import { isApart, isIn, membersOf } from './generation.ts';
import { stallAfter, surelyNoStall } from './patience.ts';
import type { Membership, RankState } from './state.ts';
import { BARRIER, firstMissing } from './training.ts';

/** The wait that is longer than usual and who is to be named for it; undefined while everything goes as usual. */
export function stallOf(state: RankState, now: number): Stall | undefined {
  const { membership, job, phase, phaseSince, usual } = state;
  if (membership === undefined || job === undefined) return undefined;
  if (now - phaseSince <= surelyNoStall(job.policies)) return undefined;
  const bearable = stallAfter(usual[phase], job.policies);
  if (now - phaseSince <= bearable) return undefined;
  const wait = waitOf(state, membership, now);
  return wait === undefined || wait.forMs <= bearable
    ? undefined
    : attribute(wait, (member) => wordOf(state, membership, member, now), job.policies.heartbeatMs);
}

/** Says who is waited for, once; and again when that changes. */
export function nameStall(ctx: Context, membership: Membership): void {
  const { state, now } = ctx;
  const stall = state.membership === membership ? stallOf(state, now) : undefined;
  const named =
    stall === undefined
      ? undefined
      : `${stall.peer} ${stall.operation} ${stall.cause} ${stall.step} ${stall.attempt}`;
  if (stall !== undefined && named !== state.stalled) report(ctx, { kind: 'stalled', ...stall });
  state.stalled = named;
}

function waitOf(state: RankState, membership: Membership, now: number): Wait | undefined {
  const { generation, frozenSince, installedAt } = membership;
  const self = state.self.member;
  const round = membership.round?.id ?? { step: state.training?.step ?? 0, attempt: membership.attempt };
  const place = { self, generation: generation.id, ...round, bucket: undefined };
  const since = state.phaseSince;
  switch (state.phase) {
    case 'computing':
      return { ...place, operation: 'contribution', peer: self, forMs: now - since };
    case 'applying':
      return { ...place, operation: 'apply', peer: self, forMs: now - since };
    case 'reducing': {
      const missing = firstMissing(membership);
      if (missing === undefined) return undefined;
      const { from: peer, bucket } = missing;
      const isBarrier = round.attempt === BARRIER;
      return {
        ...place,
        operation: isBarrier ? 'barrier' : 'all-reduce',
        bucket: isBarrier ? undefined : bucket,
        peer,
        forMs: now - since,
      };
    }
    case 'healing':
      return {
        ...place,
        operation: 'heal',
        peer: state.changing === undefined ? (membership.donor ?? self) : self,
        forMs: now - since,
      };
    case 'regrouping': {
      if (membership.frozen) {
        const voter = awaitedVoter(state, membership);
        return voter === undefined
          ? undefined
          : { ...place, operation: 'vote', peer: voter, forMs: now - frozenSince };
      }
      const silent = awaitedStanding(state, membership);
      return silent === undefined
        ? undefined
        : { ...place, operation: 'standing', peer: silent, forMs: now - installedAt };
    }
    case 'starting':
    case 'joining':
    case 'idle':
    case 'done':
    case 'stuck':
    case 'stopped':
      return undefined;
  }
}

/** A proposer waits for voters, and those for the proposer that they have promised to. */
function awaitedVoter(state: RankState, { proposal, generation }: Membership): MemberId | undefined {
  if (proposal === undefined) {
    const proposer = state.seats.get(state.self.seat)?.promised?.proposer;
    return proposer === state.self.member ? undefined : proposer;
  }
  const answered = proposal.value === undefined ? proposal.promises : proposal.accepted;
  let first: MemberId | undefined;
  for (const { member, seat } of generation.members) {
    if (answered.has(seat)) continue;
    // Nobody waits for those that are suspected, as long as there are others.
    if (state.peers.get(member)?.suspected === undefined) return member;
    first ??= member;
  }
  return first;
}

/** In a hierarchy the coordinator gathers what the members say of their states, and the others wait for it. */
function awaitedStanding(state: RankState, membership: Membership): MemberId | undefined {
  const { generation, overlay, selfReports, target } = membership;
  if (target !== undefined) return undefined;
  if (overlay !== undefined && overlay.coordinator !== state.self.member) return overlay.coordinator;
  return membersOf(generation).find((member) => !selfReports.has(member));
}

function wordOf(
  state: RankState,
  { generation, round }: Membership,
  member: MemberId,
  now: number,
): Word | undefined {
  const peer = state.peers.get(member);
  if (peer === undefined || !isIn(generation, member)) return undefined;
  const { phase, step, attempt, waiting, lastHeard, lastWord } = peer;
  const misfit = round?.misfits.includes(member) === true;
  // Over another member's links, where there is none of one's own.
  const apart = isApart(generation, state.self.member, member);
  const linked = peer.linked || apart;
  return { linked, silentMs: now - (apart ? lastWord : lastHeard), phase, step, attempt, waiting, misfit };
}

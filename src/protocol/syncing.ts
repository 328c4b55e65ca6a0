// The start of a generation: every member says where its state stands, all see the same target, and those behind heal from a donor.

import type { MemberId } from '../ports/ids.ts';
import { bestStanding } from './asking.ts';
import {
  broadcast,
  clearTimer,
  membershipInForce,
  otherMembers,
  report,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import { askAgainAfter, deadlineOf, noteTaken, standingDeadline } from './deadlines.ts';
import { isIn, membersOf, rankOf } from './generation.ts';
import type { Message, SelfReport, Standing, Verdict } from './messages.ts';
import { hasWay, reaches } from './routing.ts';
import { founderOfRollback } from './rollback.ts';
import type { HealRequest, Membership, Reduced } from './state.ts';
import type { Target } from './target.ts';
import { applyLearned } from './study.ts';
import { noteReduced, passedFrom, passOn } from './teaching.ts';
import { beginStep } from './training.ts';
import { answered, donateState, pieceWanted } from './transfer.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

const ownStanding = (ctx: Context): Standing | undefined => {
  const { training } = ctx.state;
  return training === undefined ? undefined : ctx.rules.standingOf(training);
};

/** Says where this rank stands, once nothing is in flight that changes its state. */
export function announceStanding(ctx: Context): void {
  const { membership, changing, self } = ctx.state;
  if (membership === undefined || !ctx.rules.isSettled(changing)) return;
  if (membership.selfReports.has(self.member)) return;
  // One that has learned until now says where it stands once it has applied what is at hand.
  if (applyLearned(ctx)) return;
  const selfReport: SelfReport = {
    standing: ownStanding(ctx),
    best: bestStanding(ctx),
    paused: ctx.state.training?.paused ?? false,
  };
  membership.selfReports.set(self.member, selfReport);
  const message: Message = {
    kind: 'standing',
    generation: membership.generation.id,
    ...selfReport,
    again: false,
  };
  const { overlay } = membership;
  if (overlay === undefined) broadcast(ctx, membership, message);
  else if (overlay.coordinator !== self.member) send(ctx, overlay.coordinator, message);
  setTimer(ctx, 'heal', askAgainAfter(ctx, awaited(ctx, membership)));
  considerTarget(ctx, membership);
}

/** What this rank waits for: the standings of all; in a hierarchy the coordinator gathers them, and the others wait for its verdict. */
const awaited = (ctx: Context, { overlay }: Membership): 'standings' | 'verdict' =>
  overlay === undefined || overlay.coordinator === ctx.state.self.member ? 'standings' : 'verdict';

/** Says the own standing again to those whose standing has not come, which asks them for theirs. */
export function repeatStandings(ctx: Context): void {
  const { membership, self } = ctx.state;
  if (membership === undefined || membership.target !== undefined || membership.frozen) return;
  const selfReport = membership.selfReports.get(self.member);
  if (selfReport === undefined) return;
  const { id } = membership.generation;
  for (const member of gathering(ctx, membership))
    if (!membership.selfReports.has(member))
      send(ctx, member, { kind: 'standing', generation: id, ...selfReport, again: true });
}

/** Whose word this rank waits for. */
const gathering = (ctx: Context, membership: Membership): readonly MemberId[] => {
  const { generation, overlay } = membership;
  return overlay === undefined || awaited(ctx, membership) === 'standings'
    ? membersOf(generation)
    : [overlay.coordinator];
};

export function onStanding(ctx: Context, from: MemberId, message: Of<'standing'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined) return;
  const { standing, best, paused } = message;
  const { overlay, verdict } = membership;
  if (overlay !== undefined && overlay.coordinator !== ctx.state.self.member) {
    if (message.again) repeatStanding(ctx, from);
    return;
  }
  if (overlay !== undefined && verdict !== undefined) {
    send(ctx, from, { kind: 'target', generation: membership.generation.id, verdict });
    return;
  }
  membership.selfReports.set(from, { standing, best, paused });
  if (message.again) repeatStanding(ctx, from);
  considerTarget(ctx, membership);
}

/** To a peer that has missed the standing, or may have: its link came up after the generation was installed. */
export function repeatStanding(ctx: Context, to: MemberId): void {
  const { membership, self } = ctx.state;
  const selfReport = membership?.selfReports.get(self.member);
  if (membership === undefined || selfReport === undefined) return;
  const coordinator = membership.overlay?.coordinator;
  if (coordinator !== undefined && to !== coordinator) return;
  send(ctx, to, { kind: 'standing', generation: membership.generation.id, ...selfReport, again: false });
}

function considerTarget(ctx: Context, membership: Membership): void {
  if (membership.target !== undefined || membership.frozen) return;
  const { generation, overlay, selfReports } = membership;
  if (overlay !== undefined && overlay.coordinator !== ctx.state.self.member) return;
  if (selfReports.size < membership.compared.length) return;
  const ordered: (readonly [MemberId, SelfReport])[] = [];
  for (const member of membership.compared) {
    const selfReport = selfReports.get(member);
    if (selfReport === undefined) return;
    ordered.push([member, selfReport]);
  }
  const standings = ordered.map(([member, { standing }]) => [member, standing] as const);
  const { incarnation } = generation.id;
  const believed = ctx.rules.believed(standings, incarnation);
  const agreed = ctx.rules.target(believed, incarnation);
  const target = agreed ?? ctx.rules.target(standings, incarnation);
  if (target === undefined) return;
  if (agreed !== undefined) nameStrayed(ctx, membership, target, standings);
  const goesBack = founderOfRollback(generation);
  const verdict: Verdict = {
    target,
    paused: target.donors.every((donor) => selfReports.get(donor)?.paused === true),
    lost:
      goesBack !== undefined
        ? { founder: goesBack }
        : ctx.rules.isLost(target, generation.floor)
          ? { founder: ctx.rules.founder(ordered.map(([member, { best }]) => [member, best])) }
          : undefined,
    tied: agreed === undefined ? true : undefined,
  };
  if (overlay !== undefined)
    broadcast(ctx, membership, { kind: 'target', generation: generation.id, verdict });
  adopt(ctx, membership, verdict);
}

/** Names those whose state of the very step is another than the one that is gone on from. */
function nameStrayed(
  ctx: Context,
  { generation }: Membership,
  target: Target,
  standings: readonly (readonly [MemberId, Standing | undefined])[],
): void {
  for (const [member, standing] of standings) {
    if (standing === undefined || standing.step < target.step || standing.hash === target.hash) continue;
    const { lineage, step } = standing;
    if (lineage?.incarnation !== generation.id.incarnation || lineage.number < target.lineage) continue;
    report(ctx, {
      kind: 'stalled',
      generation: generation.id,
      operation: 'all-reduce',
      step,
      attempt: 0,
      bucket: undefined,
      peer: member,
      cause: 'different-state',
      forMs: Math.round(ctx.now - generationSince(ctx)),
      said: { phase: ctx.state.peers.get(member)?.phase ?? ctx.state.phase, step, agoMs: 0 },
    });
  }
}

const generationSince = ({ state, now }: Context): number => state.membership?.installedAt ?? now;

/** In a hierarchy: what the coordinator made of all standings. */
export function onTarget(ctx: Context, from: MemberId, message: Of<'target'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined || membership.target !== undefined || membership.frozen) return;
  if (membership.overlay?.coordinator !== from) return;
  adopt(ctx, membership, message.verdict);
}

function adopt(ctx: Context, membership: Membership, verdict: Verdict): void {
  const { target, paused, lost } = verdict;
  const { training, self } = ctx.state;
  membership.target = target;
  membership.verdict = verdict;
  noteTaken(ctx, awaited(ctx, membership), ctx.now - membership.installedAt);
  if (verdict.tied) {
    // What is stored was agreed on before it was saved: all go back to that, in a line of their own.
    ctx.state.lost = membership.generation.id.incarnation;
    ctx.state.forgetWanted = true;
    return;
  }
  if (lost !== undefined) {
    ctx.state.lost = membership.generation.id.incarnation;
    // Every copy in memory of the newest committed state is gone, or all have agreed to go back: to go on from an older one would take
    // steps back within the incarnation. The one that has the newest state, in memory or saved, or the one that was chosen, founds a
    // new one; the others join it.
    if (lost.founder === self.member) ctx.state.foundWanted = true;
    return;
  }
  ctx.state.lost = undefined;
  if (paused) rest(ctx, membership);
  // The proposer had not heard of the start.
  else if (membership.wasRunning && !membership.running) membership.startWanted = true;
  if (training !== undefined && target.donors.includes(self.member)) {
    becomeSynced(ctx, membership);
    return;
  }
  membership.donorTurn = rankOf(membership.generation, self.member);
  askDonor(ctx, membership);
  for (const [peer, request] of membership.healRequests)
    if (giveGradient(ctx, membership, peer, request)) membership.healRequests.delete(peer);
  // Waits for the donor, as a rule.
  beginStep(ctx);
}

/** The room has agreed to pause: a synced rank goes no further than the barrier. */
export function rest(ctx: Context, membership: Membership): void {
  membership.running = false;
  ctx.state.pauseWanted = false;
  ctx.state.autostart = false;
}

/** This rank's state is the one that the generation goes on from. */
export function becomeSynced(ctx: Context, membership: Membership): void {
  const { training } = ctx.state;
  if (training === undefined || membership.target === undefined) return;
  membership.synced = true;
  training.paused = membership.verdict?.paused ?? false;
  training.lineage = membership.generation.id;
  ctx.state.vouched = membership.generation.id;
  ctx.state.incoming = undefined;
  ctx.state.study = undefined;
  clearTimer(ctx, 'heal');
  for (const [peer, request] of membership.healRequests) donate(ctx, membership, peer, request);
  membership.healRequests.clear();
  beginStep(ctx);
}

/** Asks a donor for what is missing; each call asks the next donor. */
export function askDonor(ctx: Context, membership: Membership): void {
  const { target } = membership;
  if (target === undefined || membership.synced || membership.frozen) return;
  const near = target.donors.filter((donor) => reaches(ctx, donor));
  // Rather over a link of one's own than over another member.
  const reachable = near.length > 0 ? near : target.donors.filter((donor) => hasWay(ctx, donor));
  setPhase(ctx, 'healing');
  setTimer(ctx, 'heal', deadlineOf(ctx, 'transfer'));
  membership.donorAskedAt = ctx.now;
  const donor =
    teacherToAsk(ctx, membership) ?? reachable[membership.donorTurn % Math.max(1, reachable.length)];
  membership.donorTurn += 1;
  if (donor === undefined) {
    // Where the row and the column heal as well, one elsewhere is asked once there is a link.
    const far = target.donors[membership.donorTurn % Math.max(1, target.donors.length)];
    if (far !== undefined) ctx.effects.push({ kind: 'connect', peer: far });
    return;
  }
  membership.donor = donor;
  send(ctx, donor, {
    kind: 'heal',
    generation: membership.generation.id,
    have: ownStanding(ctx),
    piece: pieceWanted(ctx),
  });
}

/**
 * Whoever taught this rank has all that it may still lack: what all had applied it gives even where it is behind itself, cut off in a step
 * that others have completed. The gradient of that step the donors have.
 */
function teacherToAsk(ctx: Context, { generation, target }: Membership): MemberId | undefined {
  const { study, training } = ctx.state;
  const teacher = study?.teacher;
  if (teacher === undefined || target === undefined || !isIn(generation, teacher)) return undefined;
  if (!reaches(ctx, teacher)) return undefined;
  const isLast = training !== undefined && training.step + 1 >= target.step;
  return isLast && !target.donors.includes(teacher) ? undefined : teacher;
}

/** The `heal` timer: asks again. Returns members whose standing is overdue. */
export function onHealTimer(ctx: Context): readonly MemberId[] {
  const { membership, changing, job } = ctx.state;
  if (membership === undefined || job === undefined || membership.synced || membership.frozen) return [];
  if (membership.target === undefined) {
    repeatStandings(ctx);
    const collective = awaited(ctx, membership);
    setTimer(ctx, 'heal', askAgainAfter(ctx, collective));
    // Who only waits for the coordinator gives it the time to find out for whom it waits itself.
    const patience =
      standingDeadline(ctx, collective) + (collective === 'standings' ? 0 : job.policies.collectiveMs);
    if (ctx.now - membership.installedAt < patience) return [];
    return gathering(ctx, membership).filter(
      (member) => member !== ctx.state.self.member && !membership.selfReports.has(member),
    );
  }
  if (changing !== undefined) setTimer(ctx, 'heal', deadlineOf(ctx, 'transfer'));
  else {
    ctx.state.study = undefined;
    askDonor(ctx, membership);
  }
  return [];
}

export function onHeal(ctx: Context, from: MemberId, message: Of<'heal'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined || membership.frozen) return;
  if (membership.synced) donate(ctx, membership, from, message);
  else if (!giveGradient(ctx, membership, from, message)) membership.healRequests.set(from, message);
}

function donate(ctx: Context, membership: Membership, to: MemberId, request: HealRequest): void {
  if (!giveGradient(ctx, membership, to, request)) donateState(ctx, membership, to, request.piece);
}

/**
 * The gradient that leads on from what the other has; false: there is none at hand. Where this rank is behind itself, what it gives was
 * applied by all: the state that the generation goes on from came after it.
 */
function giveGradient(
  ctx: Context,
  { generation, target }: Membership,
  to: MemberId,
  { have }: HealRequest,
): boolean {
  const { training } = ctx.state;
  if (training === undefined || target === undefined) return false;
  const heals = training.step <= target.step && ctx.rules.gradientHeals(training, have);
  const reduced: Reduced | undefined = (heals ? training.retained : undefined) ?? passedFrom(ctx, have);
  if (reduced === undefined) return false;
  send(ctx, to, {
    kind: 'gradient',
    generation: generation.id,
    step: reduced.step,
    exponents: reduced.exponents?.slice(),
    quarantined: reduced.quarantined,
    reduced: reduced.reduced.slice(),
  });
  report(ctx, { kind: 'donated', generation: generation.id, to, step: reduced.step + 1, by: 'gradient' });
  return true;
}

export function onGradient(ctx: Context, from: MemberId, message: Of<'gradient'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const { state } = ctx;
  const { training, layout } = state;
  if (
    membership?.target === undefined ||
    membership.synced ||
    membership.frozen ||
    !ctx.rules.isSettled(state.changing)
  )
    return;
  if (training === undefined || layout === undefined || message.reduced.length !== layout.length) return;
  const isAsked = membership.target.donors.includes(from) || state.study?.teacher === from;
  if (!isAsked || message.step !== training.step) return;
  answered(ctx, membership);
  state.changing = 'apply';
  state.healing = {
    generation: message.generation,
    donor: from,
    by: 'gradient',
    bytes: message.reduced.byteLength,
    paused: membership.verdict?.paused ?? false,
  };
  const { generation, step, reduced, exponents, quarantined } = message;
  // The generation goes on from a state that came after this rank's own, which all had, then.
  passOn(ctx, 'committed');
  training.retained = { step, reduced: ctx.rules.retain(reduced), exponents, quarantined };
  noteReduced(ctx, training.retained);
  const mode = membership.generation.updateMode;
  ctx.effects.push({ kind: 'apply', generation, step, reduced, exponents, quarantined, mode });
}

/** A heal has changed this rank's state, whatever has become of the generation that asked for it. */
export function reportHeal(ctx: Context): void {
  const { training, healing } = ctx.state;
  ctx.state.healing = undefined;
  if (training === undefined || healing === undefined) return;
  const { generation, donor, by, bytes, paused } = healing;
  training.paused = paused;
  report(ctx, { kind: 'healed', generation, donor, step: training.step, hash: training.hash, by, bytes });
}

/** Whether the heal has brought this rank to the generation's state; else the next donor is asked. */
export function afterHeal(ctx: Context): void {
  const { membership, training } = ctx.state;
  if (training === undefined || membership?.target === undefined || membership.synced || membership.frozen)
    return;
  // Where the state to go on from is lost, what a former generation's donor gave does not make this one whole.
  const { verdict } = membership;
  if (verdict?.lost !== undefined || verdict?.tied === true) return;
  if (ctx.rules.hasTarget(training, membership.target)) {
    becomeSynced(ctx, membership);
    return;
  }
  if (training.step >= membership.target.step) ctx.state.study = undefined;
  askDonor(ctx, membership);
}

/** A link came up: if it is to a donor, and there was none to ask, this is the one. */
export function donorLinked(ctx: Context, member: MemberId): void {
  const { membership, changing } = ctx.state;
  if (membership?.target === undefined || membership.synced || membership.frozen) return;
  if (membership.donor !== undefined || changing !== undefined || !membership.target.donors.includes(member))
    return;
  askDonor(ctx, membership);
}

/** A donor that went away is replaced at once; what came from it stays. */
export function donorGone(ctx: Context, member: MemberId): void {
  const { membership, changing } = ctx.state;
  if (membership?.target === undefined || membership.synced || changing !== undefined) return;
  if (ctx.state.study?.teacher === member) ctx.state.study = undefined;
  if (membership.donor !== undefined && membership.donor !== member) return;
  const isAsked = membership.donor === member || membership.target.donors.includes(member);
  if (isAsked && otherMembers(ctx, membership).length > 0) askDonor(ctx, membership);
}

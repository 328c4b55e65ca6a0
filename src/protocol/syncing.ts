// The start of a generation: every member says where its state stands, all see the same target, and those behind heal from a donor.

import type { MemberId } from '../ports/ids.ts';
import {
  broadcast,
  clearTimer,
  isLinked,
  membershipInForce,
  otherMembers,
  report,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import type { Message, Standing } from './messages.ts';
import type { Membership } from './state.ts';
import { beginStep } from './training.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

const ownStanding = (ctx: Context): Standing | undefined => {
  const { training } = ctx.state;
  return training === undefined ? undefined : ctx.rules.standingOf(training);
};

/** Says where this rank stands, once nothing is in flight that changes its state. */
export function announceStanding(ctx: Context): void {
  const { membership, changing, self } = ctx.state;
  if (membership === undefined || !ctx.rules.isSettled(changing)) return;
  if (membership.standings.has(self.member)) return;
  const standing = ownStanding(ctx);
  membership.standings.set(self.member, standing);
  broadcast(ctx, membership, {
    kind: 'standing',
    generation: membership.generation.id,
    standing,
    again: false,
  });
  setTimer(ctx, 'heal', repeatAfter(ctx));
  considerTarget(ctx, membership);
}

/** Standings are few and small: they are asked for again sooner than a stalled transfer is. */
const repeatAfter = (ctx: Context): number => (ctx.state.job?.policies.collectiveMs ?? 4000) / 4;

/** Says the own standing again to those whose standing has not come, which asks them for theirs. */
export function repeatStandings(ctx: Context): void {
  const { membership, self } = ctx.state;
  if (membership === undefined || membership.target !== undefined || membership.frozen) return;
  if (!membership.standings.has(self.member)) return;
  const standing = membership.standings.get(self.member);
  const { id, members } = membership.generation;
  for (const { member } of members)
    if (!membership.standings.has(member))
      send(ctx, member, { kind: 'standing', generation: id, standing, again: true });
}

export function onStanding(ctx: Context, from: MemberId, message: Of<'standing'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined) return;
  membership.standings.set(from, message.standing);
  if (message.again) repeatStanding(ctx, from);
  considerTarget(ctx, membership);
}

/** To a peer that has missed the standing, or may have: its link came up after the generation was installed. */
export function repeatStanding(ctx: Context, to: MemberId): void {
  const { membership, self } = ctx.state;
  if (membership === undefined || !membership.standings.has(self.member)) return;
  send(ctx, to, {
    kind: 'standing',
    generation: membership.generation.id,
    standing: membership.standings.get(self.member),
    again: false,
  });
}

function considerTarget(ctx: Context, membership: Membership): void {
  if (membership.target !== undefined || membership.frozen) return;
  const ordered: (readonly [MemberId, Standing | undefined])[] = [];
  for (const member of membership.compared) {
    if (!membership.standings.has(member)) return;
    ordered.push([member, membership.standings.get(member)]);
  }
  membership.target = ctx.rules.target(ordered, membership.generation.id.incarnation);
  const { target } = membership;
  const { training, self } = ctx.state;
  if (target === undefined) return;
  if (ctx.rules.isLost(target, membership.generation.floor)) {
    stateLost(ctx, target.donors);
    return;
  }
  if (training !== undefined && target.donors.includes(self.member)) {
    becomeSynced(ctx, membership);
    return;
  }
  membership.donorTurn = membership.generation.members.findIndex((m) => m.member === self.member);
  askDonor(ctx, membership);
  // Waits for the donor, as a rule.
  beginStep(ctx);
}

/**
 * Every copy of the newest committed state is gone: to go on from an older one would take steps back within the incarnation.
 * The first that has the best state at hand founds a new one; the others join it.
 */
function stateLost(ctx: Context, donors: readonly MemberId[]): void {
  if (donors[0] === ctx.state.self.member) ctx.state.foundWanted = true;
}

/** This rank's state is the one that the generation goes on from. */
export function becomeSynced(ctx: Context, membership: Membership): void {
  const { training } = ctx.state;
  if (training === undefined) return;
  membership.synced = true;
  training.lineage = membership.generation.id;
  ctx.state.vouched = membership.generation.id;
  clearTimer(ctx, 'heal');
  for (const [peer, have] of membership.healRequests) donate(ctx, membership, peer, have);
  membership.healRequests.clear();
  beginStep(ctx);
}

/** Asks a donor for what is missing; each call asks the next donor. */
export function askDonor(ctx: Context, membership: Membership): void {
  const { target } = membership;
  if (target === undefined || membership.synced || membership.frozen) return;
  const reachable = target.donors.filter((donor) => isLinked(ctx, donor));
  setPhase(ctx, 'healing');
  setTimer(ctx, 'heal', ctx.state.job?.policies.collectiveMs ?? 4000);
  const donor = reachable[membership.donorTurn % Math.max(1, reachable.length)];
  membership.donorTurn += 1;
  if (donor === undefined) return;
  send(ctx, donor, { kind: 'heal', generation: membership.generation.id, have: ownStanding(ctx) });
}

/** The `heal` timer: asks again. Returns members whose standing is overdue. */
export function onHealTimer(ctx: Context): readonly MemberId[] {
  const { membership, changing, job } = ctx.state;
  if (membership === undefined || job === undefined || membership.synced || membership.frozen) return [];
  if (membership.target === undefined) {
    repeatStandings(ctx);
    setTimer(ctx, 'heal', repeatAfter(ctx));
    if (ctx.now - membership.installedAt < job.policies.regroupMs) return [];
    return otherMembers(ctx, membership).filter((member) => !membership.standings.has(member));
  }
  if (changing !== undefined) setTimer(ctx, 'heal', job.policies.collectiveMs);
  else askDonor(ctx, membership);
  return [];
}

export function onHeal(ctx: Context, from: MemberId, message: Of<'heal'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined || membership.frozen) return;
  if (!membership.synced) {
    membership.healRequests.set(from, message.have);
    return;
  }
  donate(ctx, membership, from, message.have);
}

function donate(ctx: Context, membership: Membership, to: MemberId, have: Standing | undefined): void {
  const { training } = ctx.state;
  const { target, generation } = membership;
  if (training === undefined || target === undefined) return;
  const retained = training.retained;
  if (training.step === target.step && retained !== undefined && ctx.rules.gradientHeals(training, have)) {
    send(ctx, to, {
      kind: 'gradient',
      generation: generation.id,
      step: retained.step,
      exponents: retained.exponents?.slice(),
      reduced: retained.reduced.slice(),
    });
    report(ctx, { kind: 'donated', generation: generation.id, to, step: training.step, by: 'gradient' });
    return;
  }
  ctx.effects.push({ kind: 'exportState', generation: generation.id, to });
}

/** The engine's copy of the state is ready: on its way, if this is still the generation that asked. */
export function onExported(
  ctx: Context,
  event: {
    readonly generation: Of<'state'>['generation'];
    readonly to: MemberId;
    readonly step: number;
    readonly hash: Of<'state'>['hash'];
    readonly bytes: Of<'state'>['bytes'];
  },
): void {
  const membership = membershipInForce(ctx, event.generation);
  if (membership === undefined || membership.frozen) return;
  const { generation, step, hash, bytes, to } = event;
  send(ctx, to, { kind: 'state', generation, step, hash, bytes });
  report(ctx, { kind: 'donated', generation, to, step, by: 'state' });
}

export function onState(ctx: Context, from: MemberId, message: Of<'state'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const { state } = ctx;
  if (
    membership?.target === undefined ||
    membership.synced ||
    membership.frozen ||
    !ctx.rules.isSettled(state.changing)
  )
    return;
  if (!membership.target.donors.includes(from)) return;
  if (message.step !== membership.target.step || message.hash !== membership.target.hash) return;
  state.changing = 'import';
  state.healing = { generation: message.generation, donor: from, by: 'state', bytes: message.bytes.length };
  const { generation, step, hash, bytes } = message;
  ctx.effects.push({ kind: 'importState', generation, step, hash, bytes });
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
  if (!membership.target.donors.includes(from) || message.step !== training.step) return;
  state.changing = 'apply';
  state.healing = {
    generation: message.generation,
    donor: from,
    by: 'gradient',
    bytes: message.reduced.byteLength,
  };
  const { generation, step, reduced, exponents } = message;
  const mode = membership.generation.updateMode;
  ctx.effects.push({ kind: 'apply', generation, step, reduced, exponents, mode });
}

/** A heal has changed this rank's state, whatever has become of the generation that asked for it. */
export function reportHeal(ctx: Context): void {
  const { training, healing } = ctx.state;
  ctx.state.healing = undefined;
  if (training === undefined || healing === undefined) return;
  const { generation, donor, by, bytes } = healing;
  report(ctx, { kind: 'healed', generation, donor, step: training.step, hash: training.hash, by, bytes });
}

/** Whether the heal has brought this rank to the generation's state; else the next donor is asked. */
export function afterHeal(ctx: Context): void {
  const { membership, training } = ctx.state;
  if (training === undefined || membership?.target === undefined || membership.synced || membership.frozen)
    return;
  if (ctx.rules.hasTarget(training, membership.target)) becomeSynced(ctx, membership);
  else askDonor(ctx, membership);
}

/** A donor that went away is replaced at once. */
export function donorGone(ctx: Context, member: MemberId): void {
  const { membership, changing } = ctx.state;
  if (membership?.target === undefined || membership.synced || changing !== undefined) return;
  if (membership.target.donors.includes(member) && otherMembers(ctx, membership).length > 0)
    askDonor(ctx, membership);
}

// The whole state on its way from a donor to a rank that heals: who asks whom for which pieces. What a piece is, and what of the
// last donor's can be kept, is collective/state-transfer.ts.
//
//   rank that heals        donor
//     heal (piece i) ──────►  exportState, once for all that ask
//     ◄───────────── state    the list of pieces, and piece i with it
//     want (a few) ────────►
//     ◄───────────── piece    … and for each that comes the next is asked for

import {
  askForMore,
  askForOldest,
  firstMissing,
  takePiece,
  takeUp,
  wholeState,
  type Incoming,
  type PieceList,
} from '../collective/state-transfer.ts';
import type { GenerationId, MemberId, StateHash } from '../ports/ids.ts';
import { membershipInForce, report, send, setTimer, type Context } from './context.ts';
import { deadlineOf, noteTaken } from './deadlines.ts';
import type { Message } from './messages.ts';
import type { Donation, Membership } from './state.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** The state in pieces, as the engine has it now; undefined: it has to make a copy. */
function donationAtHand({ state }: Context): Donation | undefined {
  const { donation, training } = state;
  return donation?.step === training?.step && donation?.hash === training?.hash ? donation : undefined;
}

/** Gives the whole state, from that piece on, to a rank that heals. */
export function donateState(ctx: Context, membership: Membership, to: MemberId, piece: number): void {
  const donation = donationAtHand(ctx);
  if (donation !== undefined) {
    offer(ctx, membership, donation, to, piece);
    return;
  }
  const { exportingFor, generation } = membership;
  // One copy does for all that ask meanwhile. One that asks twice has waited for long: the copy may have failed.
  if (exportingFor.size === 0 || exportingFor.has(to))
    ctx.effects.push({ kind: 'exportState', generation: generation.id });
  exportingFor.set(to, piece);
}

/** The engine's copy of the state is ready: on its way, if this is still the generation that asked. */
export function onExported(
  ctx: Context,
  event: {
    readonly generation: GenerationId;
    readonly step: number;
    readonly hash: StateHash;
    readonly state: PieceList;
  },
): void {
  const membership = membershipInForce(ctx, event.generation);
  if (membership === undefined || membership.frozen) return;
  const { step, hash, state } = event;
  const donation = { step, hash, ...state };
  if (membership.synced) ctx.state.donation = donation;
  for (const [to, piece] of membership.exportingFor) offer(ctx, membership, donation, to, piece);
  membership.exportingFor.clear();
}

function offer(ctx: Context, membership: Membership, donation: Donation, to: MemberId, wanted: number): void {
  const { step, hash, digests, pieces } = donation;
  const piece = wanted < pieces.length ? wanted : 0;
  const bytes = pieces[piece];
  if (bytes === undefined) return;
  const generation = membership.generation.id;
  send(ctx, to, { kind: 'state', generation, step, hash, digests, piece, bytes });
  report(ctx, { kind: 'donated', generation, to, step, by: 'state', ...(piece > 0 ? { piece } : {}) });
}

export function onWant(ctx: Context, from: MemberId, message: Of<'want'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const { donation } = ctx.state;
  if (membership === undefined || membership.frozen || donation === undefined) return;
  const { generation, step, hash } = message;
  if (step !== donation.step || hash !== donation.hash) return;
  for (const piece of message.pieces) {
    const digest = donation.digests[piece];
    const bytes = donation.pieces[piece];
    if (digest === undefined || bytes === undefined) continue;
    send(ctx, from, { kind: 'piece', generation, step, hash, piece, digest, bytes });
  }
}

/** The first piece that this rank lacks, of what the last donor listed. */
export const pieceWanted = ({ state }: Context): number =>
  state.incoming === undefined ? 0 : (firstMissing(state.incoming) ?? 0);

/** The generation in force, if this rank is to be healed there by that member with the state that the message is of. */
function healsBy(ctx: Context, from: MemberId, message: Of<'state' | 'piece'>): Membership | undefined {
  const membership = membershipInForce(ctx, message.generation);
  if (membership?.target === undefined || membership.synced || membership.frozen) return undefined;
  const { donors, step, hash } = membership.target;
  if (!ctx.rules.isSettled(ctx.state.changing) || !donors.includes(from)) return undefined;
  return message.step === step && message.hash === hash ? membership : undefined;
}

export function onState(ctx: Context, from: MemberId, message: Of<'state'>): void {
  const membership = healsBy(ctx, from, message);
  const { state } = ctx;
  const { digests, piece, bytes } = message;
  const digest = digests[piece];
  if (membership === undefined || digest === undefined) return;
  if (state.layout !== undefined && digests.length > ctx.rules.mostPieces(state.layout.gradient)) {
    report(ctx, { kind: 'rejected', from, message: 'state', reason: 'unexpected' });
    return;
  }
  membership.donor = from;
  answered(ctx, membership);
  const incoming = takeUp(digests, state.incoming, ctx.rules.keepsPiece);
  state.incoming = incoming;
  takePiece(incoming, piece, digest, bytes);
  goOn(ctx, membership, from, incoming);
}

export function onPiece(ctx: Context, from: MemberId, message: Of<'piece'>): void {
  const membership = healsBy(ctx, from, message);
  const { incoming } = ctx.state;
  if (membership === undefined || incoming === undefined) return;
  const { piece, digest, bytes } = message;
  if (!takePiece(incoming, piece, digest, bytes)) return;
  answered(ctx, membership);
  goOn(ctx, membership, from, incoming);
}

/** Something has come of what this rank heals with: how long that takes is how long the next is waited for. */
export function answered(ctx: Context, membership: Membership): void {
  noteTaken(ctx, 'transfer', ctx.now - membership.donorAskedAt);
  membership.donorAskedAt = ctx.now;
}

/** All pieces are here, or the next are asked for. */
function goOn(ctx: Context, membership: Membership, donor: MemberId, incoming: Incoming): void {
  const { state } = ctx;
  const { target } = membership;
  if (target === undefined) return;
  const generation = membership.generation.id;
  const { step, hash } = target;
  const pieces = wholeState(incoming);
  if (pieces === undefined) {
    setTimer(ctx, 'heal', deadlineOf(ctx, 'transfer'));
    want(ctx, membership, donor, askForMore(incoming));
    return;
  }
  state.changing = 'import';
  state.healing = {
    generation,
    donor,
    by: 'state',
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    paused: membership.verdict?.paused ?? false,
  };
  ctx.effects.push({ kind: 'importState', generation, step, hash, pieces });
}

function want(ctx: Context, membership: Membership, donor: MemberId, pieces: readonly number[]): void {
  const { target, generation } = membership;
  if (target === undefined || pieces.length === 0) return;
  const { step, hash } = target;
  send(ctx, donor, { kind: 'want', generation: generation.id, step, hash, pieces });
}

/** Something came damaged from this peer. Where it was a piece, that piece alone comes again. */
export function pieceDamaged(ctx: Context, from: MemberId): void {
  const { membership, incoming } = ctx.state;
  if (membership?.donor !== from || membership.synced || membership.frozen || incoming === undefined) return;
  want(ctx, membership, from, askForOldest(incoming));
}

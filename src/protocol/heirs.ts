// A newcomer as heir: where no member of a room lives in a browser any more, a page that has come since votes for the dead ones' seats,
// bound by the ballots that they have stored. Else a room whose tabs are all loaded anew would have lost its majority for good, though
// every browser is there.
//
// It waits for the locks of the seats of the best room that it has heard of, which it is not a member of. Its own seat has no vote there.

import { sameGeneration, type MemberId } from '../ports/ids.ts';
import { bestRoom } from './asking.ts';
import { isLinked, report, send, type Context } from './context.ts';
import type { Event } from './effects.ts';
import { isIn, memberSeats, membersOf, ownerOf } from './generation.ts';
import type { Message } from './messages.ts';
import type { Membership } from './state.ts';
import { adoptSeat } from './voting.ts';

/** Another room is the best one, or the same has gone on, or there is none any more. */
export function watchBestRoom(ctx: Context): void {
  const { state } = ctx;
  if (state.membership !== undefined || state.stopped !== undefined) return;
  const best = bestRoom(ctx)?.generation;
  const next = best === undefined || isIn(best, state.self.member) ? undefined : best;
  const { heirIn } = state;
  if (heirIn === next) return;
  if (heirIn !== undefined && next !== undefined && sameGeneration(heirIn.id, next.id)) return;
  state.heirIn = next;
  ctx.effects.push({ kind: 'watchSeats', seats: next === undefined ? [] : memberSeats(next) });
  for (const seat of [...state.seats.keys()]) {
    if (seat === state.self.seat || (next !== undefined && ownerOf(next, seat) !== undefined)) continue;
    state.seats.delete(seat);
    ctx.effects.push({ kind: 'releaseSeat', seat });
  }
}

/** A lock came: whoever held it is gone. */
export function inherit(ctx: Context, event: Extract<Event, { kind: 'seatAcquired' }>): void {
  const { state } = ctx;
  const { heirIn } = state;
  if (heirIn === undefined || ownerOf(heirIn, event.seat) === undefined) {
    ctx.effects.push({ kind: 'releaseSeat', seat: event.seat });
    return;
  }
  report(ctx, { kind: 'seatAcquired', seat: event.seat });
  adoptSeat(ctx, heirIn, event.seat, event.record);
  announceSeats(ctx);
}

/** Tells the room's members whose votes are to be had here. Said again as long as it waits: what was said may have been lost. */
export function announceSeats(ctx: Context): void {
  const { heirIn, seats, self } = ctx.state;
  if (heirIn === undefined) return;
  for (const seat of seats.keys()) {
    if (seat === self.seat) continue;
    for (const member of membersOf(heirIn))
      if (isLinked(ctx, member)) send(ctx, member, { kind: 'seatHeld', generation: heirIn.id, seat });
  }
}

/** A member's side: a page that is no member answers for seats of this generation. */
export function noteHeir({ generation, heirs }: Membership, from: MemberId): void {
  if (!isIn(generation, from)) heirs.add(from);
}

export function askHeirs(
  ctx: Context,
  { heirs }: Membership,
  message: Extract<Message, { kind: 'prepare' | 'accept' }>,
): void {
  for (const heir of heirs) if (isLinked(ctx, heir)) send(ctx, heir, message);
}

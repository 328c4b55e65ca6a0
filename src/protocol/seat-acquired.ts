// The lock of a seat has come to this rank: the page that held it is gone, and this one votes for it.

import { broadcast, reconsider, report, send, type Context } from './context.ts';
import type { Event } from './effects.ts';
import { ownerOf } from './generation.ts';
import { inherit } from './heirs.ts';
import { install } from './installing.ts';
import type { Message } from './messages.ts';
import { suspect } from './suspicion.ts';
import { adoptSeat } from './voting.ts';

export function onSeatAcquired(ctx: Context, event: Extract<Event, { kind: 'seatAcquired' }>): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined) {
    inherit(ctx, event);
    return;
  }
  const owner = ownerOf(membership.generation, event.seat);
  if (owner === undefined) {
    ctx.effects.push({ kind: 'releaseSeat', seat: event.seat });
    return;
  }
  report(ctx, { kind: 'seatAcquired', seat: event.seat });
  const base = event.record?.base;
  // The dead page was ahead of this one: its record names the generation that this one has not heard of.
  if (
    base !== undefined &&
    base.id.incarnation === membership.generation.id.incarnation &&
    base.id.number > membership.generation.id.number
  ) {
    install(ctx, base, membership.generation);
    onSeatAcquired(ctx, event);
    return;
  }
  adoptSeat(ctx, membership.generation, event.seat, event.record);
  suspect(ctx, owner, 'lock-released');
  const message: Message = { kind: 'seatHeld', generation: membership.generation.id, seat: event.seat };
  const { overlay } = membership;
  if (overlay === undefined) broadcast(ctx, membership, message, true);
  else {
    // Whoever proposes anew will ask: only a proposal that is under way has to hear of it.
    const proposer = state.seats.get(state.self.seat)?.promised?.proposer;
    for (const to of new Set([
      state.self.member,
      overlay.coordinator,
      ...(proposer === undefined ? [] : [proposer]),
    ]))
      send(ctx, to, message);
  }
  reconsider(ctx);
}

// How far a room is known to have come: a number that never sinks within an incarnation, whoever heals meanwhile.

import type { IncarnationId } from '../ports/ids.ts';
import type { Context } from './context.ts';
import type { Generation } from './generation.ts';
import type { RoomAge } from './rules/membership.ts';

export function noteCommitted(ctx: Context, incarnation: IncarnationId, committed: number): void {
  const known = ctx.state.roomCommitted;
  if (known?.incarnation === incarnation && known.committed >= committed) return;
  ctx.state.roomCommitted = { incarnation, committed };
}

/** What an incarnation had committed counts for nothing once it is lost: it dissolves into any that goes on. */
export function committedHere(ctx: Context, incarnation: IncarnationId): number {
  if (ctx.state.lost === incarnation) return 0;
  const known = ctx.state.roomCommitted;
  return Math.max(
    known?.incarnation === incarnation ? known.committed : 0,
    ctx.state.training?.committed ?? 0,
  );
}

/** What is compared where two rooms meet. */
export const ageOf = ({ id, insteadOf }: Generation, committed: number): RoomAge => ({
  committed,
  generation: id,
  insteadOf,
});

// Going back to a checkpoint on purpose. The vote on the next generation decides it, like everything that all must agree on: that
// generation takes no step, and the member that has the checkpoint founds a new incarnation from it, which takes the old one's place.

import type { IncarnationId, MemberId } from '../ports/ids.ts';
import { reconsider, type Context } from './context.ts';
import { MAX_REPLACED, isIn, type Generation, type Rollback, type SavedPlace } from './generation.ts';

/** Whoever asked for it would be surprised by it later. */
const PATIENCE_MS = 15_000;

/** Somebody at this rank wants the room to go back to a state that this browser has saved. */
export function onRollBack(ctx: Context, to: SavedPlace): void {
  const { membership } = ctx.state;
  if (membership === undefined) return;
  ctx.state.rollback = { to, until: ctx.now + PATIENCE_MS };
  membership.regroupWanted = true;
  reconsider(ctx);
}

/** What this rank's proposal says of it. */
export function proposedRollback(ctx: Context): Rollback | undefined {
  const { rollback, self } = ctx.state;
  if (rollback === undefined || ctx.now > rollback.until) return undefined;
  return { founder: self.member, ...rollback.to };
}

/** Another proposal may have been chosen: then this rank asks again, unless that one goes back as well. */
export function afterVote(ctx: Context, generation: Generation): void {
  if (generation.back !== undefined) ctx.state.rollback = undefined;
  if (proposedRollback(ctx) === undefined || ctx.state.membership === undefined) return;
  ctx.state.membership.regroupWanted = true;
  reconsider(ctx);
}

/** Who founds the incarnation that takes this one's place, if the generation was chosen for that. */
export const founderOfRollback = (generation: Generation): MemberId | undefined =>
  generation.back !== undefined && isIn(generation, generation.back.founder)
    ? generation.back.founder
    : undefined;

/** Whose place a founded incarnation takes, the latest first. */
export const replacedBy = ({ id, insteadOf = [] }: Generation): readonly IncarnationId[] =>
  [id.incarnation, ...insteadOf].slice(0, MAX_REPLACED);

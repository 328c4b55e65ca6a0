// Links of a hierarchy that are in neither the row nor the column: those over which newcomers came, and those of former places.

import type { Context } from './context.ts';
import { isIn } from './generation.ts';
import type { Membership } from './state.ts';

/** Lets them go, once all members have the generation's state and use its links. */
export function dropSpareLinks(ctx: Context, { generation, overlay }: Membership): void {
  if (overlay === undefined) return;
  for (const [member, peer] of ctx.state.peers)
    if (peer.linked && isIn(generation, member) && !overlay.links.has(member))
      ctx.effects.push({ kind: 'disconnect', peer: member });
}

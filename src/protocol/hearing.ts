// Whether a peer is heard: over a link of one's own, lately.

import type { Peer, RankState } from './state.ts';
import { silenceAllowed } from './patience.ts';

/** Whether a peer was heard lately, by what is known of its heartbeats. */
export function isHeard(
  { state, now }: { readonly state: RankState; readonly now: number },
  { lastHeard, pulse, hidden }: Peer,
): boolean {
  const policies = state.job?.policies;
  if (policies === undefined) return true;
  const silent = now - lastHeard;
  // Mostly this is enough, and costs nothing.
  return silent <= policies.suspicionMs || silent <= silenceAllowed({ usual: pulse, hidden }, policies, 0);
}

// Which checkpoints of a room stay: a pure rule over their manifests.

import { compareCheckpoints } from '../ports/store.ts';
import { isSealed, keyOf } from './manifest.ts';
import type { Manifest } from './manifest.ts';

export interface RetentionPolicy {
  /** How many of the newest stay; at least 1. */
  readonly keep: number;
  /** Those whose step is a multiple of this stay as well. */
  readonly everyNth?: number | undefined;
}

export const newestFirst = (manifests: readonly Manifest[]): Manifest[] =>
  [...manifests].sort((a, b) => compareCheckpoints(keyOf(b), keyOf(a)) || (a.id < b.id ? -1 : 1));

/**
 * The ids that stay. Of one room's checkpoints: the newest `keep`, every Nth, pinned ones, the one being saved, and the
 * newest that has been read back, so that a save which goes wrong never costs the last good one. Known-corrupt ones go.
 */
export function retained(
  room: readonly Manifest[],
  policy: RetentionPolicy,
  saving: string | undefined,
): ReadonlySet<string> {
  const { keep, everyNth } = policy;
  // Pinned ones stand beside the rule: one that came from outside must not push the room's own newest out.
  const sound = newestFirst(room).filter(
    (manifest) => !manifest.pinned && manifest.standing !== 'corrupt' && isSealed(manifest),
  );
  const stays = [
    ...room.filter((manifest) => manifest.pinned || manifest.id === saving),
    ...sound.slice(0, Math.max(1, keep)),
    ...sound.filter((manifest) => everyNth !== undefined && manifest.step % everyNth === 0),
    ...sound.filter((manifest) => manifest.standing === 'verified').slice(0, 1),
  ];
  return new Set(stays.map((manifest) => manifest.id));
}

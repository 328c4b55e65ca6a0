// Chance for fault decorators: seeded, with a stream of its own for each site, so that a draw at one never shifts another.

import { randomStream, uniformFraction, uniformInteger } from '../job/random.ts';
import type { RandomStream } from '../job/random.ts';

export interface SiteRandom {
  /** In [0, 1). `site` names the place in the code that asks. */
  fraction(site: string): number;
  /** From 0 to n − 1, each equally likely. */
  integer(site: string, n: number): number;
}

export function seededSites(seed: number): SiteRandom {
  const streams = new Map<string, RandomStream>();
  const stream = (site: string): RandomStream => {
    const known = streams.get(site);
    if (known !== undefined) return known;
    const fresh = randomStream(seed, hashOf(site), site.length);
    streams.set(site, fresh);
    return fresh;
  };
  return {
    fraction: (site) => uniformFraction(stream(site)),
    integer: (site, n) => uniformInteger(stream(site), n),
  };
}

/** FNV-1a (Fowler, Noll, Vo; public domain) over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

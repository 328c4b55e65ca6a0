// Places that a server has only so many of, and that anybody may ask for: whose they are, so that one address cannot hold them all.

import { isIPv6 } from 'node:net';

/**
 * Whom an address stands for. Who has one address of IPv6 has the whole network of its first 64 bits (RFC 6177), and may come from another
 * each time.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return '';
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (!isIPv6(plain)) return plain;
  const [before = '', after] = plain.split('::');
  const head = before === '' ? [] : before.split(':');
  // The first four groups; those that are left out are zero.
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros =
    after === undefined ? [] : Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = [...head, ...zeros, ...tail].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

export interface PlaceLimits {
  readonly all: number;
  /** For one network. */
  readonly ofOne: number;
}

export interface Places<Holder> {
  /** Whether it would get one. */
  mayTake(network: string): boolean;
  /**
   * Takes a place for `holder`. Where none is free, the network that holds the most gives one up, its newest, if it then still holds no
   * fewer than this one.
   */
  take(network: string, holder: Holder): { readonly taken: boolean; readonly givenUp?: Holder };
  give(network: string, holder: Holder): void;
}

export function createPlaces<Holder>({ all, ofOne }: PlaceLimits): Places<Holder> {
  /** In the order in which they came. */
  const held = new Map<string, Set<Holder>>();
  let count = 0;

  const give = (network: string, holder: Holder): void => {
    const own = held.get(network);
    if (own?.delete(holder) !== true) return;
    count -= 1;
    if (own.size === 0) held.delete(network);
  };

  const newestOfMost = (
    atLeast: number,
  ): { readonly network: string; readonly holder: Holder } | undefined => {
    let most: string | undefined;
    for (const [network, { size }] of held)
      if (size >= atLeast && size > (held.get(most ?? '')?.size ?? 0)) most = network;
    if (most === undefined) return undefined;
    const holder = [...(held.get(most) ?? [])].at(-1);
    return holder === undefined ? undefined : { network: most, holder };
  };

  /** What giving it one takes; undefined where it gets none. */
  const wayFor = (
    network: string,
  ): 'free' | { readonly network: string; readonly holder: Holder } | undefined => {
    const own = held.get(network)?.size ?? 0;
    if (own >= ofOne) return undefined;
    return count < all ? 'free' : newestOfMost(own + 2);
  };

  return {
    mayTake: (network) => wayFor(network) !== undefined,
    take(network, holder) {
      const way = wayFor(network);
      if (way === undefined) return { taken: false };
      const other = way === 'free' ? undefined : way;
      if (other !== undefined) give(other.network, other.holder);
      const mine = held.get(network) ?? new Set();
      held.set(network, mine.add(holder));
      count += 1;
      return other === undefined ? { taken: true } : { taken: true, givenUp: other.holder };
    },
    give,
  };
}

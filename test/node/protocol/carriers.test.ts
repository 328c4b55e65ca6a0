// Who carries for pairs that are apart: a member with links to both, and each for few.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IncarnationId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import { carriersFor } from '../../../src/protocol/carriers.ts';
import { isApart, membersOf, type Generation } from '../../../src/protocol/generation.ts';

type Pair = readonly [number, number];

const hex = (n: number): string => n.toString(16).padStart(32, '0');
const among = (world: number, apart: readonly Pair[]): Generation => ({
  id: { incarnation: `00000000-${hex(1)}` as IncarnationId, number: 1 },
  members: Array.from({ length: world }, (_, i) => ({
    member: hex(i + 1) as MemberId,
    seat: hex(i + 101) as SeatId,
    fingerprint: 'f'.repeat(16),
  })),
  updateMode: 'native',
  exactness: { kind: 'exact' },
  floor: 0,
  running: true,
  apart,
});

/** The ranks that the pairs are given to. */
function given(generation: Generation, pairs: readonly Pair[]): number[] {
  const members = membersOf(generation);
  return pairs.map(([one, other]) => {
    const [here, there] = [members[one], members[other]];
    if (here === undefined || there === undefined) throw new RangeError(`There is no pair ${one}-${other}.`);
    const [first] = carriersFor(generation, here, there);
    expect(carriersFor(generation, there, here)[0], 'both ends use the same').toBe(first);
    return members.findIndex((member) => member === first);
  });
}

describe('the members that carry for pairs that are apart', () => {
  it('carry for one pair each, where as many have links', () => {
    const pairs: readonly Pair[] = [
      [1, 6],
      [2, 5],
      [3, 4],
    ];
    expect(new Set(given(among(8, pairs), pairs)).size).toBe(3);
  });

  it('share out the pairs of a member that has lost most of its links', () => {
    const pairs: readonly Pair[] = [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
    ];
    // Ranks 5, 6 and 7 have links with both ends of each.
    const loads = given(among(8, pairs), pairs).reduce(
      (sums, rank) => sums.set(rank, (sums.get(rank) ?? 0) + 1),
      new Map<number, number>(),
    );
    expect([...loads.keys()].every((rank) => rank >= 5)).toBe(true);
    expect(Math.max(...loads.values())).toBe(2);
  });

  it('have links with both ends, wherever there is such a member', () => {
    const pair = (world: number) =>
      fc.tuple(fc.nat(world - 1), fc.nat(world - 1)).filter(([one, other]) => one < other);
    const rooms = fc
      .integer({ min: 3, max: 8 })
      .chain((world) =>
        fc.record({ world: fc.constant(world), pairs: fc.uniqueArray(pair(world), { selector: String }) }),
      );
    fc.assert(
      fc.property(rooms, ({ world, pairs }) => {
        const generation = among(world, pairs);
        const members = membersOf(generation);
        given(generation, pairs).forEach((carrier, i) => {
          const ends = (pairs[i] ?? []).map((rank) => members[rank]);
          const serves = (member: MemberId): boolean =>
            ends.every((end) => end !== undefined && end !== member && !isApart(generation, member, end));
          const first = members[carrier];
          if (members.some(serves)) expect(first !== undefined && serves(first)).toBe(true);
        });
      }),
    );
  });
});

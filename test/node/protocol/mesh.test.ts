import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberId } from '../../../src/ports/ids.ts';
import { planMesh, type Candidates } from '../../../src/protocol/mesh.ts';
import { gapsIn, ringOrder } from '../../../src/protocol/ring-order.ts';
import { RULES } from '../../../src/protocol/rules.ts';

const ids = (count: number): MemberId[] => Array.from({ length: count }, (_, i) => `m${i}` as MemberId);

/** Links that work but for a few, each of which may be bad in one direction alone. */
const mostly = (all: readonly MemberId[]): fc.Arbitrary<Map<MemberId, Set<MemberId>>> =>
  fc
    .array(fc.tuple(fc.nat(all.length - 1), fc.nat(all.length - 1)), { maxLength: all.length })
    .map(
      (bad) =>
        new Map(
          all.map((id, i) => [
            id,
            new Set(all.filter((_, j) => i !== j && !bad.some(([a, b]) => a === i && b === j))),
          ]),
        ),
    );

const anyhow = (all: readonly MemberId[]): fc.Arbitrary<Map<MemberId, Set<MemberId>>> =>
  fc
    .array(fc.subarray([...all]), { minLength: all.length, maxLength: all.length })
    .map((reports) => new Map(all.map((id, i) => [id, new Set(reports[i])])));

const rooms: fc.Arbitrary<Candidates> = fc
  .record({ members: fc.integer({ min: 1, max: 7 }), newcomers: fc.integer({ min: 0, max: 4 }) })
  .chain(({ members, newcomers }) => {
    const all = ids(members + newcomers);
    return fc.record({
      members: fc.constant(all.slice(0, members)),
      newcomers: fc.constant(all.slice(members)),
      settled: fc.subarray(all.slice(members)).map((some) => new Set(some)),
      links: fc.oneof(anyhow(all), mostly(all)),
      keep: fc.constantFrom(...all.slice(0, members)),
    });
  });

const plan = (room: Candidates) => planMesh(room, RULES.linkWorks);
const isLinked =
  ({ links }: Candidates) =>
  (a: MemberId, b: MemberId): boolean =>
    links.get(a)?.has(b) === true && links.get(b)?.has(a) === true;

/** Whether an order of all members without a gap exists, by trying them all. */
const hasRing = (
  [first, ...rest]: readonly MemberId[],
  linked: (a: MemberId, b: MemberId) => boolean,
): boolean => {
  const goesOn = (at: MemberId, others: readonly MemberId[]): boolean =>
    others.length === 0
      ? first !== undefined && linked(at, first)
      : others.some(
          (next) =>
            linked(at, next) &&
            goesOn(
              next,
              others.filter((other) => other !== next),
            ),
        );
  return first !== undefined && goesOn(first, rest);
};

describe('the members of the next generation', () => {
  it('have links that both ends report, or are named as apart and have one between them that has links with both', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const { order, apart } = plan(room);
        const linked = isLinked(room);
        expect(order).toContain(room.keep);
        const named = new Set(apart.map((pair) => pair.join()));
        order.forEach((a, i) => {
          order.forEach((b, j) => {
            if (i >= j) return;
            expect(named.has([i, j].join()), `${a} and ${b}`).toBe(!linked(a, b));
            if (!linked(a, b)) expect(order.some((c) => linked(a, c) && linked(c, b))).toBe(true);
          });
        });
      }),
    );
  });

  it('are the same members, whoever asks to come in', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const alone = plan({ ...room, newcomers: [] }).order;
        expect(plan(room).order).toEqual(expect.arrayContaining([...alone]));
      }),
    );
  });

  it('are all that answered, while each is in reach of all', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const { order } = plan({ ...room, newcomers: [] });
        const linked = isLinked(room);
        for (const member of room.members) {
          if (order.includes(member)) continue;
          const isReached = order.every(
            (other) => linked(member, other) || order.some((c) => linked(member, c) && linked(c, other)),
          );
          expect(isReached, member).toBe(false);
        }
      }),
    );
  });

  it('stand in a ring over working links wherever there is one', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const { order } = plan({ ...room, newcomers: [] });
        const linked = isLinked(room);
        if (order.length > 2 && hasRing(order, linked)) expect(gapsIn(order, linked)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('leave out the one that is out of reach of the most others', () => {
    // A chain, and one that hangs on its end: a – b – c – d – e.
    const all = ids(5);
    const links = new Map(
      all.map((id, i) => [id, new Set(all.filter((_, j) => Math.abs(i - j) === 1))] as const),
    );
    const [a, b, c, d] = all as [MemberId, MemberId, MemberId, MemberId];
    const room = { members: all, newcomers: [], settled: new Set<MemberId>(), links, keep: b };
    expect([...plan(room).order].sort()).toEqual([a, b, c]);
    expect(plan(room).order).not.toContain(d);
  });

  it('take a newcomer in without some of its links only when it has waited for them, and the ring still closes', () => {
    const all = ids(5);
    const [a, , , , e] = all as [MemberId, MemberId, MemberId, MemberId, MemberId];
    const links = new Map(all.map((id) => [id, new Set(all.filter((other) => other !== id))] as const));
    links.get(a)?.delete(e);
    const room = { members: all.slice(0, 4), newcomers: [e], links, keep: a };
    expect(plan({ ...room, settled: new Set() }).order).not.toContain(e);
    expect(plan({ ...room, settled: new Set([e]) }).order).toContain(e);
    for (const other of all.slice(1, 3)) links.get(other)?.delete(e);
    expect(plan({ ...room, settled: new Set([e]) }).order).not.toContain(e);
  });
});

describe('a ring of sixty-four', () => {
  it('goes round bad links wherever each rank has as many good ones as half the ranks', () => {
    const all = ids(64);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(63), fc.nat(63)), { minLength: 1, maxLength: 300 }), (pairs) => {
        const bad = new Set<string>();
        const count = new Map<number, number>();
        for (const [a, b] of pairs) {
          if (a === b || bad.has(`${a},${b}`)) continue;
          if ((count.get(a) ?? 0) >= 31 || (count.get(b) ?? 0) >= 31) continue;
          bad.add(`${a},${b}`).add(`${b},${a}`);
          count.set(a, (count.get(a) ?? 0) + 1);
          count.set(b, (count.get(b) ?? 0) + 1);
        }
        const linked = (one: MemberId, other: MemberId): boolean =>
          !bad.has(`${one.slice(1)},${other.slice(1)}`);
        const order = ringOrder(all, linked);
        expect(new Set(order).size).toBe(64);
        expect(order[0]).toBe(all[0]);
        expect(gapsIn(order, linked)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('is as it was where no link is bad', () => {
    const all = ids(64);
    expect(ringOrder(all, () => true)).toBe(all);
  });
});

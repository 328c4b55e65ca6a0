import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberId } from '../../../src/ports/ids.ts';
import { planMesh } from '../../../src/protocol/mesh.ts';
import { RULES } from '../../../src/protocol/rules.ts';

const ids = (count: number): MemberId[] => Array.from({ length: count }, (_, i) => `m${i}` as MemberId);

const rooms = fc
  .record({ members: fc.integer({ min: 1, max: 7 }), newcomers: fc.integer({ min: 0, max: 4 }) })
  .chain(({ members, newcomers }) => {
    const all = ids(members + newcomers);
    return fc.record({
      members: fc.constant(all.slice(0, members)),
      newcomers: fc.constant(all.slice(members)),
      links: fc
        .array(fc.subarray(all), { minLength: all.length, maxLength: all.length })
        .map((reports) => new Map(all.map((id, i) => [id, new Set(reports[i])]))),
      keep: fc.constantFrom(...all.slice(0, members)),
    });
  });

describe('the members of the next generation', () => {
  it('all have links with each other that both ends report, and the proposer is one of them', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const stay = planMesh(room, RULES.linkWorks);
        expect(stay).toContain(room.keep);
        for (const a of stay)
          for (const b of stay) if (a !== b) expect(room.links.get(a)?.has(b), `${a} to ${b}`).toBe(true);
      }),
    );
  });

  it('are the same members, whoever asks to come in', () => {
    fc.assert(
      fc.property(rooms, (room) => {
        const alone = planMesh({ ...room, newcomers: [] }, RULES.linkWorks);
        expect(planMesh(room, RULES.linkWorks).slice(0, alone.length)).toEqual(alone);
      }),
    );
  });

  it('leave out the one with the most bad links', () => {
    const [a, b, c, d] = ids(4) as [MemberId, MemberId, MemberId, MemberId];
    const links = new Map([
      [a, new Set([c])],
      [b, new Set([c, d])],
      [c, new Set([a, b, d])],
      [d, new Set([b, c])],
    ]);
    expect(planMesh({ members: [a, b, c, d], newcomers: [], links, keep: c }, RULES.linkWorks)).toEqual([
      b,
      c,
      d,
    ]);
  });
});

// A rank that stays while others come and go again and again: what its core remembers of them does not grow.

import { expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { createWorld } from '../../../src/simulator/world.ts';

const JOB = { ...DEFAULT_JOB, steps: 100_000 };
const MINUTE = 60_000;

/** Entries of all maps, sets and lists in a state, by the path to them. */
function entriesIn(
  value: unknown,
  path = '',
  found = new Map<string, number>(),
): ReadonlyMap<string, number> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return found;
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    const entries: unknown[] = [...value.values()];
    found.set(path, (found.get(path) ?? 0) + entries.length);
    for (const entry of entries) entriesIn(entry, `${path}[]`, found);
    return found;
  }
  for (const [name, inner] of Object.entries(value)) entriesIn(inner, `${path}.${name}`, found);
  return found;
}

it('remembers no more of a room when 50 ranks came and went than when 30 had, whether they said goodbye or not', () => {
  const world = createWorld({
    seed: 7,
    job: JOB,
    compute: hashCompute(JOB.seed, JOB.microBatches, 'uniform'),
  });
  const staying = ['a', 'b', 'c'].map((profile, i) => world.open(profile, { fresh: i === 0 }));
  const first = staying[0];
  const settled = (count: number): boolean =>
    world.living().every(({ core }) => core.membership?.synced === true) &&
    world.living().every(({ core }) => core.membership?.generation.members.length === count);
  const all = (): number =>
    [...entriesIn(world.living().find(({ member }) => member === first)?.core).values()].reduce(
      (a, b) => a + b,
      0,
    );
  const sizes: number[] = [];
  for (let i = 1; i <= 50; i++) {
    const guest = world.open('d');
    expect(
      world.runUntil(() => settled(4), MINUTE),
      `guest ${i} came in`,
    ).toBe(true);
    world.depart(guest, i % 2 === 0 ? 'kill' : 'close');
    expect(
      world.runUntil(() => settled(3), MINUTE),
      `guest ${i} was gone on without`,
    ).toBe(true);
    // Who has gone is remembered for half a minute.
    world.runUntil(() => false, 1_000);
    if (i % 10 === 0) sizes.push(all());
  }
  expect(world.violations).toEqual([]);
  expect(Math.max(...sizes.slice(3))).toBeLessThanOrEqual(1.1 * Math.max(...sizes.slice(0, 3)));
});

// Every interleaving of a small scope, on the real core. The larger scopes are `npm run explore`.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import { RULES, type Rules } from '../../src/protocol/rules.ts';
import { explore, type Scope } from '../../src/simulator/explore.ts';

const alone: Scope = { ranks: 2, departures: 1, cuts: 0, steps: 1, timers: 0, oneProfile: true };
/** Each rank in a browser of its own, so that a majority needs the witness. */
const witnessed: Scope = { ...alone, oneProfile: false, witness: true };
const run = (scope: Scope, rules: Rules = RULES) =>
  explore(scope, DEFAULT_JOB, { now: () => performance.now(), rules });

describe('exhaustive exploration', () => {
  it('finds no broken invariant with two ranks of one browser and a departure at any moment', () => {
    const result = run(alone);
    expect(result.violation).toBeUndefined();
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(100);
  });

  it('finds no broken invariant with three ranks that train undisturbed', () => {
    const result = run({ ...alone, ranks: 3, departures: 0 });
    expect(result.violation).toBeUndefined();
    expect(result.complete).toBe(true);
  });

  it('finds none either where gradients are exchanged bucket by bucket', () => {
    const result = run({ ...alone, timers: 1, overlap: true });
    expect(result.violation).toBeUndefined();
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(run({ ...alone, timers: 1 }).states);
  });

  it('shows a run in which two ranks compute the same micro-batch', () => {
    const result = run(alone, { ...RULES, share: () => [0] });
    expect(result.violation?.invariant).toBe(3);
    expect(result.violation?.path.length).toBeGreaterThan(0);
  });

  it.each([
    ['departure', witnessed],
    ['cut', { ...witnessed, departures: 0, cuts: 1 }],
  ])('finds none with two ranks and a witness, and one %s among the three at any moment', (_, scope) => {
    const result = run(scope);
    expect(result.violation).toBeUndefined();
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(run({ ...scope, departures: 0, cuts: 0 }).states);
  });

  it('shows a run in which the witness helps both halves to a successor, where a proposer is not bound by what was accepted', () => {
    const result = run({ ...witnessed, departures: 0, cuts: 1 }, { ...RULES, boundTo: () => undefined });
    expect(result.violation?.invariant).toBe(5);
    expect(result.violation?.path.some((line) => line.includes('to the witness'))).toBe(true);
  });
});

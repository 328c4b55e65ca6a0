// How far what was found is from what is right, and how far it may be.
//
// An f32 sum of k terms errs by some √k units of 6e-8 of the size of its terms; an operation is right within 1e-5 · √k of the scale
// of the expected tensor, k being the length of its longest chain of sums (each case says which that is).

import type { CaseResult } from './report.ts';

export interface Comparison {
  readonly found: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
  /** Terms in the longest chain of sums that leads to an element. */
  readonly terms: number;
  /** The scale is at least this: for what may cancel to nearly nothing. */
  readonly leastScale?: number;
}

const RELATIVE_ERROR = 1e-5;

/** The largest |x| of an array. */
export function magnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] ?? NaN));
  return largest;
}

/** The largest |found − expected|; the largest number there is where an element is missing or not a number. */
export function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const difference = Math.abs((found[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(difference <= Number.MAX_VALUE)) return Number.MAX_VALUE;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** Of all comparisons of a case, the one that comes nearest to its tolerance, or passes it by most, stands for the case. */
export function judge(name: string, comparisons: readonly Comparison[]): CaseResult {
  let worst = { maxError: 0, tolerance: RELATIVE_ERROR };
  for (const { found, expected, terms, leastScale = 0 } of comparisons) {
    const tolerance = RELATIVE_ERROR * Math.sqrt(terms);
    // Where all is zero, it is to be zero within the tolerance.
    const scale = Math.max(magnitude(expected), leastScale);
    const maxError = Math.min(Number.MAX_VALUE, distance(found, expected) / (scale > 0 ? scale : 1));
    if (maxError / tolerance >= worst.maxError / worst.tolerance) worst = { maxError, tolerance };
  }
  return { name, ...worst, ok: worst.maxError <= worst.tolerance };
}

// Normally distributed numbers in portable arithmetic.

import { uniformFraction, type RandomStream } from '../../job/random.ts';
import { cos, log } from './portable-math.ts';

/** Standard normal, by Box and Muller (1958): the cosine half of each pair. */
export function normal(next: RandomStream): number {
  // In (0, 1], so that the logarithm is finite.
  const radius = Math.sqrt(-2 * log(1 - uniformFraction(next)));
  return radius * cos(2 * Math.PI * uniformFraction(next));
}

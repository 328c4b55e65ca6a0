// Seeded random numbers in 32-bit integer arithmetic: the same on every machine.

/** A stream of 32-bit words, each from 0 to 2^32 − 1. */
export type RandomStream = () => number;

/**
 * SFC32 (Chris Doty-Humphrey, PractRand; public domain), keyed by three words and run in for twelve rounds as its author
 * does. Different keys give unrelated streams; the counter makes each at least 2^32 words long.
 */
export function randomStream(key0: number, key1: number, key2: number): RandomStream {
  let a = key0 | 0;
  let b = key1 | 0;
  let c = key2 | 0;
  let counter = 1;
  const next = (): number => {
    const word = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** An integer from 0 to n − 1, each equally likely (1 ≤ n ≤ 2^32): words past the last whole multiple of n are drawn again. */
export function uniformInteger(next: RandomStream, n: number): number {
  const whole = 0x1_0000_0000 - (0x1_0000_0000 % n);
  for (;;) {
    const word = next();
    if (word < whole) return word % n;
  }
}

/** A multiple of 2^-24 in [0, 1): exact in f32. */
export const uniformFraction = (next: RandomStream): number => (next() >>> 8) / 0x100_0000;

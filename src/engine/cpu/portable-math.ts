// exp and log from + − × ÷ alone: JavaScript leaves the bits of Math.exp and Math.log to the engine, and state must not.
//
// Both work in f64 and err by less than 1e-14 relative, so that a result rounded to f32 is within one unit in its last place.

/** ln 2 in two parts, the first with 21 trailing zero bits, so that n · LN2_HIGH is exact (fdlibm, e_exp.c). */
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const INVERSE_LN2 = 1.4426950408889634;
/** Adding and subtracting 1.5 · 2^52 rounds an f64 below 2^51 to an integer, ties to even. */
export const ROUNDER = 6755399441055744;

/** 1/2!, 1/3!, …, 1/13!: Taylor's series of exp, whose rest is below 2e-17 for |r| ≤ ln 2 / 2. */
const INVERSE_FACTORIALS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].reduce<number[]>((terms, n) => {
  terms.push((terms.at(-1) ?? 1) / n);
  return terms;
}, []);

const LEAST_POWER = -1074;
/** 2^-1074 to 2^1023, exactly. */
const POWERS_OF_TWO = (() => {
  const powers = new Float64Array(1024 - LEAST_POWER);
  let power = 1;
  for (let n = 0; n <= 1023; n++, power *= 2) powers[n - LEAST_POWER] = power;
  power = 1;
  for (let n = 0; n >= LEAST_POWER; n--, power /= 2) powers[n - LEAST_POWER] = power;
  return powers;
})();

/** e^x for any f64 x: 0 below −745, Infinity above 709.7, NaN for NaN. */
export function exp(x: number): number {
  if (!(x < 709.78)) return x >= 709.78 ? Infinity : x;
  if (x < -745) return 0;
  const n = x * INVERSE_LN2 + ROUNDER - ROUNDER;
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  let sum = 0;
  for (let i = INVERSE_FACTORIALS.length - 1; i >= 0; i--) sum = sum * r + INVERSE_FACTORIALS[i]!;
  sum = 1 + r + r * r * sum;
  // Two factors, so that neither leaves the range of f64 while the product stays in it.
  const half = Math.floor(n / 2);
  return sum * POWERS_OF_TWO[half - LEAST_POWER]! * POWERS_OF_TWO[n - half - LEAST_POWER]!;
}

/**
 * ln x for x from 2^-1000 up: −Infinity for 0, NaN below, Infinity for Infinity. With x = m · 2^n and m near 1,
 * ln x = n ln 2 + 2 artanh((m − 1) / (m + 1)).
 */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  let low = 0;
  let high = POWERS_OF_TWO.length - 1;
  // The greatest power of two that is at most x.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (POWERS_OF_TWO[middle]! <= x) low = middle;
    else high = middle - 1;
  }
  let n = low + LEAST_POWER;
  let m = x / POWERS_OF_TWO[low]!;
  if (m > Math.SQRT2) {
    m /= 2;
    n += 1;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = 0;
  // |s| ≤ 0.172: the term after s^21 / 21 is below 1e-18.
  for (let odd = 21; odd >= 1; odd -= 2) sum = sum * square + 1 / odd;
  return n * LN2_HIGH + (2 * s * sum + n * LN2_LOW);
}

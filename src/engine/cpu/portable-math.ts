// exp, log, tanh, erf and cos from + − × ÷ alone: JavaScript leaves the bits of Math.exp and its like to the engine, and state must not.
//
// All work in f64 and err by less than 1e-14 relative (erf and cos: absolute), so that a result rounded to f32 is within one unit in
// its last place.

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

/** (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2. */
function expTail(r: number): number {
  let sum = 0;
  for (let i = INVERSE_FACTORIALS.length - 1; i >= 0; i--) sum = sum * r + INVERSE_FACTORIALS[i]!;
  return sum;
}

/** e^x for any f64 x: 0 below −745, Infinity above 709.7, NaN for NaN. */
export function exp(x: number): number {
  if (!(x < 709.78)) return x >= 709.78 ? Infinity : x;
  if (x < -745) return 0;
  const n = x * INVERSE_LN2 + ROUNDER - ROUNDER;
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  const power = 1 + r + r * r * expTail(r);
  // Two factors, so that neither leaves the range of f64 while the product stays in it.
  const half = Math.floor(n / 2);
  return power * POWERS_OF_TWO[half - LEAST_POWER]! * POWERS_OF_TWO[n - half - LEAST_POWER]!;
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

/** From here on tanh is 1 in f64. */
const TANH_ONE = 20;

/** tanh x = t / (t + 2) with t = e^2x − 1. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a > TANH_ONE) return x > 0 ? 1 : -1;
  const r = 2 * a;
  const t = r <= Math.LN2 / 2 ? r + r * r * expTail(r) : exp(r) - 1;
  const y = t / (t + 2);
  return x < 0 ? -y : y;
}

const TWO_OVER_ROOT_PI = 1.1283791670955126;
/** From here on erf is 1 in f64. */
const ERF_ONE = 6;

/**
 * erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n+1)), whose terms are all of one sign (Abramowitz and Stegun 7.1.6). At
 * most some 120 of them matter below `ERF_ONE`.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > ERF_ONE) return x > 0 ? 1 : -1;
  const square = a * a;
  let term = a;
  let sum = a;
  for (let odd = 3; term > sum * 1e-17; odd += 2) {
    term *= (2 * square) / odd;
    sum += term;
  }
  const y = TWO_OVER_ROOT_PI * exp(-square) * sum;
  return x < 0 ? -y : y;
}

/** π/2 in two parts, the first with 20 trailing zero bits, so that n times it is exact (fdlibm, e_rem_pio2.c). */
const HALF_PI_HIGH = 1.57079632673412561417;
const HALF_PI_LOW = 6.07710050650619224932e-11;
const TWO_OVER_PI = 0.6366197723675814;

/** Taylor's series of sine (first = 1) and cosine (first = 0) for |r| ≤ π/4; the rest is below 1e-17. */
function series(r: number, first: 0 | 1): number {
  const square = r * r;
  let sum = 1;
  for (let n = 18 + first; n > first; n -= 2) sum = 1 - (square / (n * (n - 1))) * sum;
  return first === 1 ? r * sum : sum;
}

/** cos x for |x| up to 2^20. */
export function cos(x: number): number {
  const n = x * TWO_OVER_PI + ROUNDER - ROUNDER;
  const r = x - n * HALF_PI_HIGH - n * HALF_PI_LOW;
  switch (((n % 4) + 4) % 4) {
    case 0:
      return series(r, 0);
    case 1:
      return -series(r, 1);
    case 2:
      return -series(r, 0);
    default:
      return series(r, 1);
  }
}

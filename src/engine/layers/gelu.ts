// The exact GELU (Hendrycks and Gimpel 2016): y = x Φ(x), with Φ the normal distribution function.

import { erf, exp } from '../cpu/portable-math.ts';
import { activation } from './activation.ts';

const INVERSE_ROOT_TWO_PI = 0.3989422804014327;

const distribution = (x: number): number => 0.5 * (1 + erf(x * Math.SQRT1_2));

export const gelu = activation(
  'gelu',
  (x) => x * distribution(x),
  (x) => distribution(x) + x * INVERSE_ROOT_TWO_PI * exp(-0.5 * x * x),
);

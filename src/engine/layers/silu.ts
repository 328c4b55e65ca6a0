// SiLU, also called swish: y = x σ(x), with σ(x) = 1 / (1 + e^−x).

import { exp } from '../cpu/portable-math.ts';
import { activation } from './activation.ts';

const sigmoid = (x: number): number => 1 / (1 + exp(-x));

export const silu = activation(
  'silu',
  (x) => x * sigmoid(x),
  (x) => {
    const s = sigmoid(x);
    return s * (1 + x * (1 - s));
  },
);

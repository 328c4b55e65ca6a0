// The approximation of GELU that GPT-2 uses: y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).

import { tanh } from '../cpu/portable-math.ts';
import { activation } from './activation.ts';

const ROOT_TWO_OVER_PI = 0.7978845608028654;
const CUBIC = 0.044715;

const curve = (x: number): number => tanh(ROOT_TWO_OVER_PI * (x + CUBIC * x * x * x));

export const geluTanh = activation(
  'gelu_tanh',
  (x) => 0.5 * x * (1 + curve(x)),
  (x) => {
    const t = curve(x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT_TWO_OVER_PI * (1 + 3 * CUBIC * x * x);
  },
);

// The hyperbolic tangent.

import { tanh as portableTanh } from '../cpu/portable-math.ts';
import { activation } from './activation.ts';

export const tanh = activation('tanh', portableTanh, (x) => {
  const t = portableTanh(x);
  return 1 - t * t;
});

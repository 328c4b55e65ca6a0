// The rectifier: y = max(x, 0), with a slope of 0 at 0.

import { activation } from './activation.ts';

export const relu = activation(
  'relu',
  (x) => (x <= 0 ? 0 : x),
  (x) => (x <= 0 ? 0 : 1),
);

// The loss: cross-entropy of softmax(logits) against class numbers, with its gradient and whether the guess is right.

import { LEFT_OUT } from '../../ports/loader.ts';
import type { Floats } from '../layers/layer.ts';
import { exp, log } from './portable-math.ts';

/**
 * For each row: losses = ln Σ exp(x) − x[label], gradient = (softmax(x) − onehot(label)) / divisor, and the return value counts rows
 * whose largest logit (the first of equals) is the label's. Exponents are taken relative to the largest logit, so that none
 * overflows. Values are f32 in memory and f64 between. A row that is left out has no loss and no gradient.
 */
export function softmaxCrossEntropy(
  rows: number,
  classes: number,
  logits: Floats,
  labels: Int32Array,
  divisor: number,
  losses: Floats,
  gradient: Floats,
): number {
  let correct = 0;
  const weights = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const label = labels[row]!;
    if (label === LEFT_OUT) {
      gradient.fill(0, start, start + classes);
      losses[row] = 0;
      continue;
    }
    let guess = 0;
    for (let j = 1; j < classes; j++) if (logits[start + j]! > logits[start + guess]!) guess = j;
    const largest = logits[start + guess]!;
    let sum = 0;
    for (let j = 0; j < classes; j++) {
      const weight = exp(logits[start + j]! - largest);
      weights[j] = weight;
      sum += weight;
    }
    for (let j = 0; j < classes; j++) {
      gradient[start + j] = (weights[j]! / sum - (j === label ? 1 : 0)) / divisor;
    }
    losses[row] = log(sum) - (logits[start + label]! - largest);
    if (guess === label) correct++;
  }
  return correct;
}

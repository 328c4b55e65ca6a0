// Draws the next token from logits: temperature, top-k and a seed, in portable arithmetic, so that equal logits give equal texts.

import { randomStream, uniformFraction } from '../job/random.ts';
import { exp } from './cpu/portable-math.ts';

export interface SamplingOptions {
  /** What logits are divided by; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Only that many of the likeliest tokens are drawn from. */
  readonly topK: number;
  readonly seed: number;
}

/** Sets these streams apart from those of other uses of a seed. */
const PURPOSE_SAMPLE = 0x73_61_6d_70;

/** The token after a text; `index` counts the tokens drawn before it. Among equal logits the lower token comes first. */
export function nextToken(logits: Float32Array, options: SamplingOptions, index: number): number {
  const { temperature, topK, seed } = options;
  const order = Array.from(logits.keys());
  order.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const likeliest = order[0] ?? 0;
  if (temperature <= 0) return likeliest;
  const greatest = logits[likeliest] ?? 0;
  const kept = order.slice(0, Math.max(1, topK));
  const weights = kept.map((token) => exp(((logits[token] ?? 0) - greatest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = uniformFraction(randomStream(seed, PURPOSE_SAMPLE, index)) * total;
  for (const [i, token] of kept.entries()) {
    left -= weights[i] ?? 0;
    if (left < 0) return token;
  }
  return likeliest;
}

/** The input of one prediction: the last `context` tokens of a text, filled up at the end, and the position after which to predict. */
export function predictionInput(
  tokens: readonly number[],
  context: number,
): { readonly inputs: Int32Array<ArrayBuffer>; readonly position: number } {
  const recent = tokens.slice(-context);
  const inputs = new Int32Array(context);
  inputs.set(recent);
  return { inputs, position: Math.max(0, recent.length - 1) };
}

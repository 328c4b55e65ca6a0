import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextToken, predictionInput } from '../../../src/engine/sampling.ts';

const logitsOf = fc
  .array(fc.integer({ min: -80, max: 80 }), { minLength: 1, maxLength: 90 })
  .map((values) => Float32Array.from(values, (value) => value / 8));

test('temperature 0 takes the likeliest token, the lowest among equals', () => {
  fc.assert(
    fc.property(logitsOf, fc.nat(), (logits, seed) => {
      expect(nextToken(logits, { temperature: 0, topK: 5, seed }, 3)).toBe(
        logits.indexOf(Math.max(...logits)),
      );
    }),
  );
});

test('a token is always one of the k likeliest, and the same seed draws the same one', () => {
  fc.assert(
    fc.property(
      logitsOf,
      fc.integer({ min: 1, max: 100 }),
      fc.nat(0xffff_ffff),
      fc.integer({ min: 1, max: 30 }),
      (logits, topK, seed, tenths) => {
        const options = { temperature: tenths / 10, topK, seed };
        const token = nextToken(logits, options, 0);
        expect(logits.filter((logit) => logit > (logits[token] ?? NaN)).length).toBeLessThan(topK);
        expect(nextToken(logits, options, 0)).toBe(token);
      },
    ),
  );
});

test('tokens come as often as the softmax of their logits says', () => {
  const logits = Float32Array.of(0, Math.fround(Math.log(2)), Math.fround(Math.log(5)));
  const counts = [0, 0, 0];
  for (let index = 0; index < 8000; index++) {
    const token = nextToken(logits, { temperature: 1, topK: 3, seed: 1 }, index);
    counts[token] = (counts[token] ?? 0) + 1;
  }
  [1 / 8, 2 / 8, 5 / 8].forEach((share, token) => {
    expect((counts[token] ?? 0) / 8000).toBeCloseTo(share, 1.5);
  });
});

test('a prediction sees the last tokens that fit, and asks for what follows them', () => {
  expect(predictionInput([1, 2, 3], 5)).toEqual({ inputs: Int32Array.of(1, 2, 3, 0, 0), position: 2 });
  expect(predictionInput([1, 2, 3, 4], 2)).toEqual({ inputs: Int32Array.of(3, 4), position: 1 });
});

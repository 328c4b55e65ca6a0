// Data sets as data.

import * as v from 'valibot';

const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

/** 28 × 28 handwritten digits, packed with the program. */
const DigitsSchema = v.strictObject({ kind: v.literal('digits') });

/**
 * Characters of a text. A sample is a place in it: the tokens from there on, each to be followed by the next. `corpus` names a text
 * packed with the program, or the SHA-256 of a UTF-8 text that a person brought; a rank elsewhere is asked for the same file.
 */
const TextSchema = v.strictObject({
  kind: v.literal('text'),
  corpus: v.union([v.literal('moby-dick'), sha256Hex]),
});

/** Points of the plane in two or three classes, drawn from the job's seed. */
const ToySchema = v.strictObject({
  kind: v.literal('toy'),
  set: v.picklist(['spirals', 'moons', 'circles']),
  /** Points for training; a quarter as many more are held out. */
  points: v.pipe(count(1_000_000), v.minValue(8)),
  /** Standard deviation of the noise, in units of the plane ([-1, 1]²). */
  noise: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
});

export const DataSchema = v.variant('kind', [DigitsSchema, TextSchema, ToySchema]);
export type DataSet = Readonly<v.InferOutput<typeof DataSchema>>;

// Points of the plane in two or three classes: data sets to look at, drawn from the job's seed in portable arithmetic.

import { randomStream, uniformFraction } from '../../job/random.ts';
import type { DataSet } from '../../job/data-schema.ts';
import type { Loader, Samples, Split } from '../../ports/loader.ts';
import { normal } from '../cpu/normal.ts';
import { cos } from '../cpu/portable-math.ts';
import { checkRows } from './rows.ts';

export type ToySet = Extract<DataSet, { kind: 'toy' }>;
type Point = readonly [x: number, y: number];

/** Sets these streams apart from those of other uses of the seed. */
const PURPOSE_TOY = 0x74_6f_79_73;
/** How far a spiral turns from its centre to its end, in radians. */
const SPIRAL_TURN = 4;
const MOON_RADIUS = 0.6;

const sin = (x: number): number => cos(x - Math.PI / 2);

/** Of each set: its classes, and the point of a class at a place from 0 to 1 along its curve, without noise. */
const CURVES: Readonly<
  Record<ToySet['set'], { readonly classes: number; readonly at: (label: number, place: number) => Point }>
> = {
  spirals: {
    classes: 3,
    at: (label, place) => {
      const radius = 0.05 + 0.9 * place;
      const angle = (2 * Math.PI * label) / 3 + SPIRAL_TURN * place;
      return [radius * cos(angle), radius * sin(angle)];
    },
  },
  moons: {
    classes: 2,
    at: (label, place) => {
      const angle = Math.PI * place;
      const x = MOON_RADIUS * (cos(angle) - 0.5);
      const y = MOON_RADIUS * (sin(angle) - 0.25);
      return label === 0 ? [x, y] : [-x, -y];
    },
  },
  circles: {
    classes: 2,
    at: (label, place) => {
      const radius = label === 0 ? 0.35 : 0.8;
      return [radius * cos(2 * Math.PI * place), radius * sin(2 * Math.PI * place)];
    },
  },
};

export const toyClasses = (set: ToySet['set']): number => CURVES[set].classes;

/** A point depends on the seed and its number alone; classes take turns. */
export function createToys({ set, points, noise }: ToySet, seed: number): Loader {
  const { classes, at } = CURVES[set];
  const sizes = { train: points, test: Math.ceil(points / 4) };

  const read = (split: Split, rows: Int32Array): Samples => {
    checkRows(sizes, split, rows);
    const inputs = new Float32Array(2 * rows.length);
    const labels = new Int32Array(rows.length);
    rows.forEach((row, i) => {
      // Held-out points come after those for training.
      const number = split === 'train' ? row : points + row;
      const next = randomStream(seed, PURPOSE_TOY, number);
      const label = number % classes;
      const [x, y] = at(label, uniformFraction(next));
      labels[i] = label;
      inputs[2 * i] = x + noise * normal(next);
      inputs[2 * i + 1] = y + noise * normal(next);
    });
    return { inputs, labels };
  };

  return {
    format: { type: 'f32', shape: [2], positions: 1, classes },
    sizes,
    load: async (split, rows) => read(split, rows),
  };
}

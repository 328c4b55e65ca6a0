// What every layer asks of what it is given: shapes that fit, and arrays of the right kind.

import { ShapeError, type Floats, type Shape } from './layer.ts';

const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The shapes of a layer's inputs, when there are `count` of them. */
export function inputShapes(kind: string, inputs: readonly Shape[], count: number): readonly Shape[] {
  if (inputs.length === count) return inputs;
  throw new ShapeError(`A ${kind} layer takes ${count} inputs and was given ${inputs.length}.`);
}

/** The only input's shape. `rank`: how many dimensions it must have; at least one where that is open. */
export function inputShape(kind: string, inputs: readonly Shape[], rank?: number): Shape {
  const [shape = []] = inputShapes(kind, inputs, 1);
  if (rank === undefined ? shape.length > 0 : shape.length === rank) return shape;
  const expected = rank === undefined ? 'at least one dimension' : `${rank} dimensions`;
  throw new ShapeError(`A ${kind} layer takes an input of ${expected}; it was given ${shapeText(shape)}.`);
}

/** Positions of a window that slides over `length` elements. */
export function windows(kind: string, length: number, kernel: number, stride: number, padding = 0): number {
  const count = Math.floor((length + 2 * padding - kernel) / stride) + 1;
  if (count >= 1) return count;
  throw new ShapeError(
    `A ${kind} layer's window of ${kernel} does not fit into ${length} elements with a padding of ${padding}.`,
  );
}

/** Input `i`, which the graph's shapes promise to be numbers and not tokens. */
export function floats(inputs: readonly (Floats | Int32Array)[], i = 0): Floats {
  const input = inputs[i];
  if (input === undefined || input instanceof Int32Array)
    throw new ShapeError(`Input ${i} should be numbers.`);
  return input;
}

/** An array of zeros of the same type as another. */
export const zerosLike = (other: Floats, length: number): Floats =>
  other instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);

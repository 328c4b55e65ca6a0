// Parsers for option values, in the shape that commander calls: text in, value out, or one clear sentence.

import { InvalidArgumentError } from 'commander';
import { parseWire, WIRE_SPELLING, type Wire } from '../job/wire-schema.ts';
import type { CountAtStep } from './demo/plan.ts';

/** Commander prints its own full stop after the argument, then this sentence. */
const refuse = (expected: string): never => {
  throw new InvalidArgumentError(`Expected ${expected}.`);
};

export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : refuse(`a whole number from ${min} to ${max}`);
  };

export const decimal =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,10}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : refuse(`a number from ${min} to ${max}`);
  };

export const wireFormat = (text: string): Wire => parseWire(text) ?? refuse(WIRE_SPELLING);

/** For a repeatable option: adds one `COUNT@STEP` to those before it. */
export function collectCountAtStep(text: string, before: readonly CountAtStep[]): readonly CountAtStep[] {
  const [, count = '', step = ''] = /^(\d{1,6})@(\d{1,10})$/.exec(text) ?? [];
  if (count === '' || Number(count) < 1)
    return refuse('COUNT@STEP, such as 1@20, with a COUNT of at least 1');
  return [...before, { count: Number(count), step: Number(step) }];
}

/** Numbers with commas between them, each of which passes `fits`. */
export const listOf =
  (expected: string, fits: (value: number) => boolean) =>
  (text: string): readonly number[] => {
    const values = text.split(',').map((part) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN));
    return values.length <= 32 && values.every(fits)
      ? values
      : refuse(`${expected}, with commas between them`);
  };

// How a gradient travels between ranks: part of the job, since it decides to how many bits each contribution is rounded.

import * as v from 'valibot';

/** Bits of one micro-batch's contribution in the narrow format. */
export const MIN_WIRE_BITS = 4;
export const MAX_WIRE_BITS = 16;

export const WireSchema = v.variant('format', [
  /** As fine as 32 bits allow: the sum over all micro-batches just fits. */
  v.strictObject({ format: v.literal('i32') }),
  /** So many bits for each micro-batch, stochastically rounded; sums travel packed, with room for all micro-batches. */
  v.strictObject({
    format: v.literal('narrow'),
    bits: v.pipe(v.number(), v.integer(), v.minValue(MIN_WIRE_BITS), v.maxValue(MAX_WIRE_BITS)),
  }),
]);

export type Wire = Readonly<v.InferOutput<typeof WireSchema>>;

/** As a person writes it. */
export const WIRE_SPELLING = `i32, or narrow:BITS with ${MIN_WIRE_BITS} to ${MAX_WIRE_BITS} bits for each micro-batch`;

/** `i32` or `narrow:8`; undefined where it is neither. */
export function parseWire(text: string): Wire | undefined {
  const [, bits] = /^narrow:(\d{1,2})$/.exec(text) ?? [];
  const wire = bits === undefined ? { format: text } : { format: 'narrow', bits: Number(bits) };
  const result = v.safeParse(WireSchema, wire);
  return result.success ? result.output : undefined;
}

export const formatWire = (wire: Wire): string => (wire.format === 'i32' ? 'i32' : `narrow:${wire.bits}`);

export const I32: Wire = { format: 'i32' };

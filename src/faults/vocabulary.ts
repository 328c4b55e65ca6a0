// The fault vocabulary: one set of words for schedule files, buttons, the live decorators and the simulator.

import * as v from 'valibot';

const duration = v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(3_600_000)));

/** Which rank: by its rank number in the generation in force, or any. */
const rank = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1023));

/** A fault that acts within one rank. `forMs` absent: until healed. */
export const FaultSchema = v.variant('kind', [
  /** The page goes away with its goodbye. */
  v.strictObject({ kind: v.literal('close') }),
  /** The page goes away without a word. */
  v.strictObject({ kind: v.literal('kill') }),
  /** The worker stops answering, then wakes: a zombie. */
  v.strictObject({
    kind: v.literal('freeze'),
    forMs: v.pipe(v.number(), v.minValue(1), v.maxValue(600_000)),
  }),
  /** Messages to and from a peer vanish (`to`: a rank number; absent: all peers). */
  v.strictObject({
    kind: v.literal('cut'),
    to: v.optional(rank),
    direction: v.optional(v.picklist(['both', 'in', 'out'])),
    forMs: duration,
  }),
  v.strictObject({
    kind: v.literal('delay'),
    to: v.optional(rank),
    ms: v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)),
    forMs: duration,
  }),
  /** Each message has this chance of one flipped bit. */
  v.strictObject({
    kind: v.literal('corrupt'),
    to: v.optional(rank),
    chance: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    forMs: duration,
  }),
  /** Real GPU allocations until refusal, within the byte budget, held until healed. Asks for consent first. */
  v.strictObject({
    kind: v.literal('exhaust-gpu'),
    maxBytes: v.optional(v.pipe(v.number(), v.minValue(1))),
    forMs: duration,
  }),
  /** Allocation is refused at the port. */
  v.strictObject({ kind: v.literal('refuse-gpu'), forMs: duration }),
  /** The send queue is full: every send overflows. */
  v.strictObject({ kind: v.literal('fill-queue'), to: v.optional(rank), forMs: duration }),
  v.strictObject({ kind: v.literal('refuse-storage'), forMs: duration }),
  v.strictObject({
    kind: v.literal('loader-throws'),
    times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    forMs: duration,
  }),
  v.strictObject({ kind: v.literal('loader-hangs'), forMs: duration }),
]);

export type Fault = v.InferOutput<typeof FaultSchema>;
export type FaultKind = Fault['kind'];
type FaultByKind = { readonly [Kind in FaultKind]: Extract<Fault, { readonly kind: Kind }> };
/** Indexed rather than extracted, so that what takes all kinds can be told to take one of them. */
export type FaultOf<Kind extends FaultKind> = FaultByKind[Kind];

// What only a simulator can do to a machine or a network, beside the fault vocabulary that it shares with live ranks.

import * as v from 'valibot';
import type { Fault } from '../faults/vocabulary.ts';

/** A PageSchema, by the order in which they were opened. */
export const PageSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1023));
const forMs = v.pipe(v.number(), v.minValue(1), v.maxValue(3_600_000));
const chance = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

export const WorldFaultSchema = v.variant('kind', [
  /** One more PageSchema, in the profile of the one that is struck. */
  v.strictObject({ kind: v.literal('open') }),
  /** A page that was lost is loaded anew: memory lost, storage kept. A living one is killed first. */
  v.strictObject({ kind: v.literal('reload') }),
  v.strictObject({ kind: v.literal('lose-device') }),
  /** The GPU process of the whole browser dies: every page of the profile loses its device. */
  v.strictObject({ kind: v.literal('lose-gpu-process') }),
  /** No adapter is to be had any more. */
  v.strictObject({ kind: v.literal('lose-gpu-for-good') }),
  v.strictObject({ kind: v.literal('nan') }),
  v.strictObject({
    kind: v.literal('slow-gpu'),
    factor: v.pipe(v.number(), v.minValue(1), v.maxValue(1000)),
    forMs,
  }),
  /** The connection ends on both sides and is set up anew. */
  v.strictObject({ kind: v.literal('reset-link'), to: PageSchema }),
  /** Nothing passes, and nobody is told. */
  v.strictObject({ kind: v.literal('silent-link'), to: PageSchema, forMs }),
  /** Messages wait, and arrive all at once. */
  v.strictObject({ kind: v.literal('hold-link'), to: PageSchema, forMs }),
  /** Messages arrive twice, the second time late, even over another connection. */
  v.strictObject({ kind: v.literal('repeat-late'), to: PageSchema, chance, ms: forMs, forMs }),
  /** Pages whose bit is set in `side` are cut off from all others. */
  v.strictObject({
    kind: v.literal('partition'),
    side: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff)),
    forMs,
  }),
  /** Votes are written, and their writer is told that they were not. */
  v.strictObject({ kind: v.literal('ambiguous-storage'), forMs }),
  /** The newest checkpoint of the profile no longer verifies: torn, or rotten. */
  v.strictObject({ kind: v.literal('damage-checkpoint') }),
  v.strictObject({ kind: v.literal('evict-checkpoints') }),
  v.strictObject({ kind: v.literal('hide'), forMs }),
  /** Nothing that it says gets out, though it hears; a little later it freezes as well, and wakes with all of it undone. */
  v.strictObject({ kind: v.literal('mute'), forMs }),
  v.strictObject({
    kind: v.literal('clock-drift'),
    rate: v.pipe(v.number(), v.minValue(0.5), v.maxValue(2)),
  }),
  v.strictObject({ kind: v.literal('clock-jump'), ms: forMs }),
  v.strictObject({
    kind: v.literal('command'),
    command: v.picklist(['start', 'pause', 'checkpoint', 'leave', 'force']),
  }),
]);

type WorldFault = v.InferOutput<typeof WorldFaultSchema>;
export type AnyFault = Fault | WorldFault;

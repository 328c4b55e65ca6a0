// The fault vocabulary: one set of words for schedule files, buttons, the live decorators and the simulator.

import * as v from 'valibot';

const someMs = v.pipe(v.number(), v.minValue(1), v.maxValue(3_600_000));
const duration = v.optional(someMs);
const chance = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const bytes = (least: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(Number.MAX_SAFE_INTEGER));

/** Which rank: by its rank number in the generation in force, or any. */
const rank = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1023));

/** A fault that acts within one rank, live or simulated. `forMs` absent: until healed. */
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
    chance,
    forMs: duration,
  }),
  /** Each message waits up to this long, drawn anew for each; the order of each lane is kept. */
  v.strictObject({
    kind: v.literal('jitter'),
    to: v.optional(rank),
    ms: v.pipe(v.number(), v.minValue(1), v.maxValue(60_000)),
    forMs: duration,
  }),
  /** The link moves no more than this, in each direction. */
  v.strictObject({
    kind: v.literal('limit-bandwidth'),
    to: v.optional(rank),
    bytesPerSecond: bytes(1),
    forMs: duration,
  }),
  /** What the rank sends waits, and leaves all at once when the fault ends. */
  v.strictObject({ kind: v.literal('hold-link'), to: v.optional(rank), forMs: duration }),
  /** What the rank sends arrives twice with this chance: the second time up to `ms` later, even over another connection. */
  v.strictObject({
    kind: v.literal('repeat-late'),
    to: v.optional(rank),
    chance,
    ms: someMs,
    forMs: duration,
  }),
  /** The connection ends on both sides, and is set up anew. */
  v.strictObject({ kind: v.literal('reset-link'), to: v.optional(rank) }),
  /** Real GPU allocations until refusal, within the byte budget, held until healed. Asks for consent first. */
  v.strictObject({
    kind: v.literal('exhaust-gpu'),
    maxBytes: v.optional(v.pipe(v.number(), v.minValue(1))),
    forMs: duration,
  }),
  /** Allocation is refused at the port. */
  v.strictObject({ kind: v.literal('refuse-gpu'), forMs: duration }),
  /** The next allocations ask for more than the device's largest buffer. */
  v.strictObject({
    kind: v.literal('oversize-buffer'),
    times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    forMs: duration,
  }),
  /** The send queue is full: every send overflows. `closes`: the first one ends the connection, as in older browsers. */
  v.strictObject({
    kind: v.literal('fill-queue'),
    to: v.optional(rank),
    closes: v.optional(v.boolean()),
    forMs: duration,
  }),
  v.strictObject({ kind: v.literal('refuse-storage'), forMs: duration }),
  /** Checkpoints may take this much room together; one that does not fit is refused. */
  v.strictObject({ kind: v.literal('limit-storage'), maxBytes: bytes(0), forMs: duration }),
  /** What is written lands, and its writer is told that it did not. */
  v.strictObject({ kind: v.literal('ambiguous-storage'), forMs: duration }),
  v.strictObject({
    kind: v.literal('loader-throws'),
    times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    forMs: duration,
  }),
  v.strictObject({ kind: v.literal('loader-hangs'), forMs: duration }),
  /** What is loaded is not what was asked for: too few samples, labels that there are not, or numbers that are not finite. */
  v.strictObject({
    kind: v.literal('loader-garbles'),
    how: v.picklist(['short', 'labels', 'non-finite']),
    times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    forMs: duration,
  }),
  /** The data set is no longer in memory, and fetched anew it is missing, or cut off. */
  v.strictObject({
    kind: v.literal('lose-data'),
    how: v.picklist(['missing', 'truncated']),
    forMs: duration,
  }),
  /** One sample of the training split is no good, and others are; absent: the first one that is loaded next. */
  v.strictObject({
    kind: v.literal('bad-sample'),
    row: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100_000_000))),
    forMs: duration,
  }),
  /** The GPU's device is lost: really destroyed where there is one. */
  v.strictObject({ kind: v.literal('lose-device') }),
  /** One contribution comes out with a value that is not finite. */
  v.strictObject({ kind: v.literal('nan') }),
  /** One bit is other than it should be: in a contribution, or in the state once a step is applied. */
  v.strictObject({
    kind: v.literal('flip-bit'),
    where: v.picklist(['parameters', 'moments', 'gradient']),
  }),
  /** All work of the engine takes so many times as long. */
  v.strictObject({
    kind: v.literal('slow-gpu'),
    factor: v.pipe(v.number(), v.minValue(1), v.maxValue(1000)),
    forMs: someMs,
  }),
  /** What is read back from the GPU is mapped so much later; the GPU itself goes on. */
  v.strictObject({ kind: v.literal('slow-map'), ms: someMs, forMs: someMs }),
  /** A contribution does not come back until the fault ends. */
  v.strictObject({ kind: v.literal('hang-kernel'), forMs: someMs }),
  /** Nothing passes, and nobody is ever told. */
  v.strictObject({ kind: v.literal('silent-link'), to: v.optional(rank), forMs: someMs }),
  /** Ranks whose bit is set in `side` are cut off from all others; absent: the rank that is struck. */
  v.strictObject({
    kind: v.literal('partition'),
    side: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff))),
    forMs: someMs,
  }),
  /** Heartbeats pass, and the parts of the all-reduce that this rank sends wait. */
  v.strictObject({ kind: v.literal('stall-collective'), to: v.optional(rank), forMs: someMs }),
  /** The connection ends on both sides again and again. */
  v.strictObject({
    kind: v.literal('reconnect-storm'),
    to: v.optional(rank),
    everyMs: v.pipe(v.number(), v.minValue(100), v.maxValue(60_000)),
    forMs: someMs,
  }),
  /** The newest checkpoint of the profile has a flipped bit, or lacks a piece; or it is gone, and what is left is stale. */
  v.strictObject({
    kind: v.literal('damage-checkpoint'),
    how: v.optional(v.picklist(['rotten', 'torn', 'stale'])),
  }),
  v.strictObject({ kind: v.literal('evict-checkpoints') }),
  v.strictObject({ kind: v.literal('clock-jump'), ms: someMs }),
  /** Its clock runs this fast; without `forMs` for good. */
  v.strictObject({
    kind: v.literal('clock-drift'),
    rate: v.pipe(v.number(), v.minValue(0.5), v.maxValue(2)),
    forMs: duration,
  }),
  /** The tab is in the background: its page gets a turn once a second, its worker goes on. */
  v.strictObject({ kind: v.literal('hide'), forMs: someMs }),
  /** Nothing that it says gets out, though it hears; a little later it freezes as well, and wakes with all of it undone. */
  v.strictObject({ kind: v.literal('mute'), forMs: someMs }),
  /** The signalling server is out of this page's reach: it meets nobody new. Links that stand go on. */
  v.strictObject({ kind: v.literal('lose-signalling'), forMs: duration }),
  /** A thread is really busy, most of the time. Asks for consent first. */
  v.strictObject({
    kind: v.literal('hog-cpu'),
    where: v.picklist(['worker', 'page']),
    forMs: v.pipe(v.number(), v.minValue(1), v.maxValue(60_000)),
  }),
  /** Memory is really taken and held, within the byte budget. Asks for consent first. */
  v.strictObject({ kind: v.literal('grow-memory'), maxBytes: v.optional(bytes(1)), forMs: duration }),
  /** Storage is really taken until the browser grants no more, within the byte budget, and held. Asks for consent first. */
  v.strictObject({ kind: v.literal('fill-storage'), maxBytes: v.optional(bytes(1)), forMs: duration }),
]);

/** What only a simulator can do to a machine, a browser or a network. */
export const WorldFaultSchema = v.variant('kind', [
  /** One more page, in the profile of the one that is struck. */
  v.strictObject({ kind: v.literal('open') }),
  /** A page that was lost is loaded anew: memory lost, storage kept. A living one is killed first. */
  v.strictObject({ kind: v.literal('reload') }),
  /** The GPU process of the whole browser dies: every page of the profile loses its device. */
  v.strictObject({ kind: v.literal('lose-gpu-process') }),
  /** No adapter is to be had any more. */
  v.strictObject({ kind: v.literal('lose-gpu-for-good') }),
  /** A person presses a button. */
  v.strictObject({
    kind: v.literal('command'),
    command: v.picklist(['start', 'pause', 'checkpoint', 'leave', 'force', 'roll-back']),
  }),
]);

export type Fault = v.InferOutput<typeof FaultSchema>;
export type WorldFault = v.InferOutput<typeof WorldFaultSchema>;
export type AnyFault = Fault | WorldFault;
export type FaultKind = Fault['kind'];
type FaultByKind = { readonly [Kind in FaultKind]: Extract<Fault, { readonly kind: Kind }> };
/** Indexed rather than extracted, so that what takes all kinds can be told to take one of them. */
export type FaultOf<Kind extends FaultKind> = FaultByKind[Kind];

/** What a browser that is driven from outside does besides. */
export type DrivenFault = Fault | Extract<WorldFault, { readonly kind: 'lose-gpu-process' }>;

const LIVE_KINDS: ReadonlySet<string> = new Set(
  FaultSchema.options.map(({ entries }) => entries.kind.literal),
);

/** Whether live tabs can act it out as well. */
export const isLiveFault = (fault: AnyFault): fault is DrivenFault =>
  fault.kind === 'lose-gpu-process' || LIVE_KINDS.has(fault.kind);

// The step: compute a share, all-reduce, verify, commit what it builds on, apply.

import {
  agrees,
  countsOf,
  emptyLanes,
  firstNonFinite,
  laneLayout,
  LOSS_FRACTION_BITS,
  miscounted,
  TOO_MANY_BAD,
  writeAgreement,
  type LaneLayout,
} from '../collective/lanes.ts';
import { exponentFor } from '../collective/fixed-point.ts';
import {
  missingParts,
  partAgain,
  receivePart,
  startAllReduce,
  type OutgoingPart,
} from '../collective/all-reduce.ts';
import type { Job } from '../job/job.ts';
import { recoveryOf } from '../job/recovery-schema.ts';
import type { GenerationId, MemberId } from '../ports/ids.ts';
import { noteCommitted } from './committed.ts';
import {
  clearTimer,
  membershipInForce,
  reconsider,
  report,
  send,
  setPhase,
  setTimer,
  type Context,
} from './context.ts';
import { ASKS, askAgainAfter } from './deadlines.ts';
import { rankOf } from './generation.ts';
import { MAX_QUARANTINED, type Message, type RoundId } from './messages.ts';
import { nextShares, ticksOf } from './shares.ts';
import { dropSpareLinks } from './spare-links.ts';
import type { Membership, Round } from './state.ts';
import { stop } from './stopping.ts';
import { dismiss, noteReduced, teachCommitted } from './teaching.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** The barrier's attempt number: it commits the state at its step without training on it. */
export const BARRIER = -1;
/** A barrier carries no gradient. */
const BARRIER_LAYOUT = laneLayout(0, 0, 0);
/** Parts kept that came ahead of this rank: a peer can be one step ahead, and sends a bounded number of parts in it. */
const EARLY_LIMIT = 4096;
/** Bytes of payload among them. */
const EARLY_BYTES = 128 * 1024 * 1024;

const sameRound = (a: RoundId, b: RoundId): boolean => a.step === b.step && a.attempt === b.attempt;
const roundOrder = (a: RoundId, b: RoundId): number => a.step - b.step || a.attempt - b.attempt;

/** Does what is next for a synced member: a step, the barrier that ends training, or nothing. */
export function beginStep(ctx: Context): void {
  const { state } = ctx;
  const { membership, training, job } = state;
  if (membership === undefined || training === undefined || job === undefined || state.stopped !== undefined)
    return;
  if (
    !ctx.rules.mayContribute(membership) ||
    membership.frozen ||
    membership.round !== undefined ||
    membership.computing !== undefined
  )
    return;
  if (state.changing !== undefined) return;
  const finished = training.step >= job.steps;
  if (finished || !membership.running) {
    if (membership.barrierDone !== training.step) {
      const id = { step: training.step, attempt: BARRIER };
      contribute(ctx, membership, id, BARRIER_LAYOUT, emptyLanes(BARRIER_LAYOUT));
      return;
    }
    if (finished) {
      setPhase(ctx, 'done');
      return;
    }
    if (!membership.startWanted) {
      setPhase(ctx, 'idle');
      return;
    }
    membership.running = true;
    training.paused = false;
    state.autostart = true;
    state.pauseWanted = false;
  }
  membership.startWanted = false;
  compute(ctx, membership, ctx.rules.batchOf(training));
}

function compute(ctx: Context, membership: Membership, step: number): void {
  const { job, self } = ctx.state;
  if (job === undefined) return;
  const { attempt, exponents, quarantined, generation, shares } = membership;
  const microBatches = ctx.rules.share(
    rankOf(generation, self.member),
    generation.members.length,
    job.microBatches,
    shares.counts,
  );
  membership.computing = { step, attempt, since: ctx.now, microBatches };
  setPhase(ctx, 'computing');
  ctx.effects.push({
    kind: 'compute',
    generation: membership.generation.id,
    step,
    attempt,
    microBatches,
    exponents,
    quarantined,
  });
}

export function onComputed(
  ctx: Context,
  event: {
    readonly generation: GenerationId;
    readonly step: number;
    readonly attempt: number;
    readonly bucket: number;
    readonly lanes: Int32Array<ArrayBuffer>;
  },
): void {
  const membership = membershipInForce(ctx, event.generation);
  const { layout } = ctx.state;
  if (membership?.computing === undefined || !sameRound(membership.computing, event) || layout === undefined)
    return;
  const { round } = membership;
  // A computation that is tried again makes the same buckets: those before the first that is missing are on their way.
  if (event.bucket !== (round?.buckets.length ?? 0)) return;
  const id = { step: event.step, attempt: event.attempt };
  if (event.bucket + 1 < layout.buckets.length) {
    contribute(ctx, membership, id, layout, event.lanes);
    return;
  }
  const { microBatches, since } = membership.computing;
  membership.computing = undefined;
  membership.computeFailures = 0;
  ctx.state.givenUp = 0;
  report(ctx, {
    kind: 'contributed',
    generation: event.generation,
    step: event.step,
    attempt: event.attempt,
    microBatches,
  });
  const start = layout.length - event.lanes.length;
  for (const microBatch of microBatches)
    event.lanes[layout.paces - start + microBatch] = ticksOf(ctx.now - since, microBatches.length);
  contribute(ctx, membership, id, layout, event.lanes);
}

export function onComputeFailed(
  ctx: Context,
  event: {
    readonly generation: GenerationId;
    readonly step: number;
    readonly attempt: number;
    readonly detail: string;
  },
): 'retrying' | 'given-up' | 'ignored' {
  const membership = membershipInForce(ctx, event.generation);
  if (membership?.computing === undefined || !sameRound(membership.computing, event)) return 'ignored';
  membership.computing = undefined;
  membership.computeFailures += 1;
  report(ctx, { kind: 'engine', detail: event.detail });
  const { computeRetries } = recoveryOf(ctx.state.job?.policies ?? {});
  if (membership.computeFailures > computeRetries) return 'given-up';
  compute(ctx, membership, event.step);
  return 'retrying';
}

const NO_LANES = new Int32Array(0);

/** Begins the exchange of the next bucket of a round, with this rank's part in it. The last one completes the contribution. */
function contribute(
  ctx: Context,
  membership: Membership,
  id: RoundId,
  layout: LaneLayout,
  lanes: Int32Array<ArrayBuffer>,
): void {
  const { training, self } = ctx.state;
  membership.round ??= {
    id,
    layout,
    buckets: [],
    exponents: membership.exponents,
    quarantined: membership.quarantined,
    ownLargest: NO_LANES,
    ownBad: undefined,
    resendRequests: 0,
    misfits: [],
  };
  const { round } = membership;
  const bucket = layout.buckets[round.buckets.length];
  if (training === undefined || bucket === undefined) return;
  const { start } = bucket;
  const isLast = round.buckets.length + 1 === layout.buckets.length;
  if (isLast) {
    const exponents = layout.exponents - start;
    round.ownLargest = lanes.slice(exponents, exponents + layout.tensors);
    const bad = lanes[layout.badSample - start] ?? 0;
    if (bad > 0) round.ownBad = bad - 1;
    writeAgreement(layout, lanes, training.hash, start);
    if (ctx.state.pauseWanted && id.attempt >= 0) lanes[layout.pause - start] = 1;
  }
  const { state: all, out } = startAllReduce(
    rankOf(membership.generation, self.member),
    membership.generation.members.length,
    layout,
    lanes,
    membership.overlay?.width,
    start,
  );
  round.buckets.push(all);
  if (isLast) {
    setPhase(ctx, 'reducing');
    armProgress(ctx);
  }
  sendParts(ctx, membership, round, round.buckets.length - 1, out);
  takeEarly(ctx, membership, round);
  if (ctx.rules.readyToApply(round)) completeRound(ctx, membership, round);
}

/** Whether this rank has made all of its contribution, and can only wait. */
const isContributed = ({ buckets, layout }: Round): boolean => buckets.length === layout.buckets.length;

function armProgress(ctx: Context): void {
  setTimer(ctx, 'progress', askAgainAfter(ctx, 'reducing'));
}

function sendParts(
  ctx: Context,
  membership: Membership,
  { id }: Round,
  bucket: number,
  parts: readonly OutgoingPart[],
): void {
  for (const { toRank, part, payload } of parts) {
    const to = membership.generation.members[toRank]?.member;
    if (to === undefined) continue;
    send(ctx, to, {
      kind: 'part',
      generation: membership.generation.id,
      round: id,
      bucket,
      part,
      payload,
    });
  }
}

/** Parts of the bucket contributed last, which came while this rank was still computing it. */
function takeEarly(ctx: Context, membership: Membership, round: Round): void {
  const held = ctx.state.early;
  ctx.state.early = [];
  for (const item of held) {
    const { message } = item;
    if (message.kind === 'part' && ctx.rules.inForce(message.generation, membership.generation.id)) {
      const order = roundOrder(message.round, round.id);
      const isDue = message.bucket < round.buckets.length;
      if (order === 0 && isDue) takePart(ctx, membership, round, item.from, message);
      if (order < 0 || (order === 0 && isDue)) continue;
    }
    ctx.state.early.push(item);
  }
}

const payloadBytes = (message: Message): number =>
  message.kind === 'part'
    ? message.payload.byteLength
    : message.kind === 'gradient'
      ? message.reduced.byteLength
      : message.kind === 'state' || message.kind === 'piece'
        ? message.bytes.byteLength
        : 0;

/** Holds what this rank has not come to yet. What does not fit is dropped: its receiver asks for it again. */
export function holdEarly(ctx: Context, from: MemberId, message: Message): void {
  const { early } = ctx.state;
  if (early.length >= EARLY_LIMIT) return;
  const bytes = payloadBytes(message);
  if (bytes > 0 && early.reduce((sum, held) => sum + payloadBytes(held.message), bytes) > EARLY_BYTES) return;
  early.push({ from, message });
}

/** Whether a part can be of the round in hand or the next: from a member, a step ahead at most, and no longer than a round. */
function mayBeNext(ctx: Context, membership: Membership, from: MemberId, message: Of<'part'>): boolean {
  const { training, layout } = ctx.state;
  if (training === undefined || layout === undefined) return false;
  if (rankOf(membership.generation, from) < 0 || message.payload.length > layout.length) return false;
  const { buckets } = message.round.attempt === BARRIER ? BARRIER_LAYOUT : layout;
  if (message.bucket >= buckets.length) return false;
  const target = membership.target?.step ?? message.round.step;
  return message.round.step <= Math.max(training.step, target) + 1;
}

export function onPart(ctx: Context, from: MemberId, message: Of<'part'>): void {
  const membership = membershipInForce(ctx, message.generation);
  const { training } = ctx.state;
  if (membership === undefined || training === undefined || membership.frozen) return;
  const { round } = membership;
  const isCurrent = round !== undefined && sameRound(round.id, message.round);
  if (isCurrent && message.bucket < round.buckets.length) {
    takePart(ctx, membership, round, from, message);
    if (ctx.rules.readyToApply(round) && membership.round === round) completeRound(ctx, membership, round);
    return;
  }
  const done = membership.lastRound;
  if (done !== undefined && roundOrder(message.round, done.id) <= 0) return;
  if (!mayBeNext(ctx, membership, from, message)) return;
  if (ctx.rules.keepsEarly(message.kind)) holdEarly(ctx, from, message);
  // Whoever trains has been told to: so are we.
  if (!isCurrent) heedStart(ctx, membership, message.round);
}

function heedStart(ctx: Context, membership: Membership, round: RoundId): void {
  if (membership.running || round.attempt < 0 || membership.barrierDone !== round.step) return;
  membership.startWanted = true;
  beginStep(ctx);
}

function takePart(
  ctx: Context,
  membership: Membership,
  round: Round,
  from: MemberId,
  message: Of<'part'>,
): void {
  const all = round.buckets[message.bucket];
  if (all === undefined) return;
  const contributor = ctx.rules.contributor(membership.generation, from, message.part);
  const outcome = receivePart(all, contributor, message.part, message.payload);
  switch (outcome.kind) {
    case 'progress':
      round.resendRequests = 0;
      if (isContributed(round)) armProgress(ctx);
      sendParts(ctx, membership, round, message.bucket, outcome.out);
      return;
    case 'ignored':
      return;
    case 'invalid':
      if (outcome.wrong === 'size' && !round.misfits.includes(from)) round.misfits.push(from);
      report(ctx, { kind: 'rejected', from, message: 'part', reason: 'unexpected' });
      return;
  }
}

export function onResend(ctx: Context, from: MemberId, message: Of<'resend'>): void {
  const membership = membershipInForce(ctx, message.generation);
  if (membership === undefined || membership.frozen) return;
  const round = [membership.round, membership.lastRound].find(
    (r) => r !== undefined && sameRound(r.id, message.round),
  );
  // Whoever asks for a part of a step has been told to train: so are we.
  if (round === undefined) heedStart(ctx, membership, message.round);
  const all = round?.buckets[message.bucket];
  if (round === undefined || all === undefined) return;
  const again = partAgain(all, rankOf(membership.generation, from), message.part);
  if (again === undefined) return;
  report(ctx, { kind: 'resent', to: from, step: message.round.step });
  sendParts(ctx, membership, round, message.bucket, [again]);
}

/** Asks again for what is missing, from those who owe it. Returns them; the caller decides about suspicion. */
export function requestMissing(ctx: Context, membership: Membership): readonly MemberId[] {
  const { round } = membership;
  if (round === undefined) return [];
  const owing = new Set<MemberId>();
  round.buckets.forEach((all, bucket) => {
    for (const { fromRank, part } of missingParts(all)) {
      const member = membership.generation.members[fromRank]?.member;
      if (member === undefined) continue;
      owing.add(member);
      const { generation } = membership;
      send(ctx, member, { kind: 'resend', generation: generation.id, round: round.id, bucket, part });
    }
  });
  return [...owing];
}

/** The `progress` timer: nothing has come for a while. */
export function onProgressTimer(ctx: Context): readonly MemberId[] {
  const { membership } = ctx.state;
  if (membership?.round === undefined || !isContributed(membership.round) || membership.frozen) return [];
  const owing = requestMissing(ctx, membership);
  membership.round.resendRequests += 1;
  armProgress(ctx);
  return membership.round.resendRequests >= ASKS ? owing : [];
}

/** Who this rank waits for in the all-reduce. */
export const waitingFor = (membership: Membership): MemberId | undefined => firstMissing(membership)?.from;

/** The first part that this rank waits for, and whose it is. */
export function firstMissing(
  membership: Membership,
): { readonly from: MemberId; readonly bucket: number } | undefined {
  const { round } = membership;
  if (round === undefined || !isContributed(round)) return undefined;
  for (const [bucket, all] of round.buckets.entries()) {
    const [first] = missingParts(all);
    const from = first === undefined ? undefined : membership.generation.members[first.fromRank]?.member;
    if (from !== undefined) return { from, bucket };
  }
  return undefined;
}

function completeRound(ctx: Context, membership: Membership, round: Round): void {
  const { state } = ctx;
  const { training, job } = state;
  if (training === undefined || job === undefined) return;
  const { layout } = round;
  const lanes = wholeOf(round);
  const generation = membership.generation.id;
  membership.round = undefined;
  // Everybody has the state: nobody heals any more, over a link that is not one of the hierarchy's or over any.
  state.donation = undefined;
  if (membership.lastRound === undefined) dropSpareLinks(ctx, membership);
  membership.lastRound = ctx.rules.keepsRound(round) ? round : undefined;
  clearTimer(ctx, 'progress');
  if (!agrees(layout, lanes)) {
    // Somebody's state differs: the standings of the next generation show whose.
    report(ctx, {
      kind: 'violated',
      invariant: 1,
      sentence: `Ranks contributed to step ${round.id.step} from states that differ.`,
    });
    membership.regroupWanted = true;
    reconsider(ctx);
    return;
  }
  training.committed = training.step;
  noteCommitted(ctx, generation.incarnation, training.step);
  training.committedHash = training.hash;
  report(ctx, { kind: 'committed', generation, step: training.step, hash: training.hash });
  teachCommitted(ctx, membership);
  if (round.id.attempt === BARRIER) {
    training.retained = undefined;
    membership.barrierDone = training.step;
    if (training.step >= job.steps || !membership.startWanted) dismiss(ctx);
    considerCheckpoint(ctx, generation, 'committed', training.step >= job.steps);
    beginStep(ctx);
    return;
  }
  const bad = lanes[layout.badSample] ?? 0;
  if (bad > 0) {
    redoWithout(ctx, membership, round, bad);
    return;
  }
  if ((lanes[layout.nonFinite] ?? 0) > 0) {
    stop(
      ctx,
      'non-finite',
      `In step ${round.id.step}, ${nonFiniteWords(state, layout, lanes)} is not finite; nothing was applied. A smaller learning rate may help.`,
    );
    return;
  }
  if ((lanes[layout.overflows] ?? 0) > 0) {
    report(ctx, { kind: 'overflowed', generation, step: round.id.step });
    membership.attempt = round.id.attempt + 1;
    membership.quarantined = round.quarantined;
    const agreed = lanes.slice(layout.exponents, layout.exponents + layout.tensors);
    membership.exponents = ctx.rules
      .redoExponents(agreed, round.ownLargest)
      .map((largest) => exponentFor(largest, 0));
    compute(ctx, membership, round.id.step);
    return;
  }
  const wrong = miscounted(layout, lanes);
  if (wrong.length > 0) {
    const sentence = `The gradient of step ${round.id.step} holds micro-batch ${wrong[0]?.microBatch} ${wrong[0]?.count} times.`;
    report(ctx, { kind: 'violated', invariant: 3, sentence });
    stop(ctx, 'invariant', sentence);
    return;
  }
  if (training.step > 0) considerCheckpoint(ctx, generation, 'committed', isTimely(training.step, job));
  apply(ctx, membership, round, lanes);
}

/** A sample of this step is bad, as all have heard in the same sum: nobody applies it, and all do the step again without that sample. */
function redoWithout(ctx: Context, membership: Membership, round: Round, bad: number): void {
  const { step, attempt } = round.id;
  const row = bad - 1;
  const before = round.quarantined ?? [];
  if (bad === TOO_MANY_BAD || before.length >= MAX_QUARANTINED || before.includes(row)) {
    const most = recoveryOf(ctx.state.job?.policies ?? {}).quarantine;
    stop(
      ctx,
      'data',
      `Step ${step} holds a bad sample, and ${most} are left out already or cannot be. Look at the data; a job may leave out more (policies.recovery.quarantine).`,
    );
    return;
  }
  report(ctx, { kind: 'sampleRefused', generation: membership.generation.id, step, row });
  membership.attempt = attempt + 1;
  membership.exponents = round.exponents;
  membership.quarantined = ctx.rules.leftOut(before, row, round.ownBad);
  compute(ctx, membership, step);
}

/** The lanes of all buckets, one after the other. */
function wholeOf({ layout, buckets }: Round): Int32Array<ArrayBuffer> {
  const [first, ...others] = buckets;
  if (first !== undefined && others.length === 0) return first.lanes;
  const whole = new Int32Array(layout.length);
  for (const { lanes, start } of buckets) whole.set(lanes, start);
  return whole;
}

/** What was not finite first, in words: "the gradient of 0.weight in micro-batch 3". */
function nonFiniteWords(state: Context['state'], layout: LaneLayout, lanes: Int32Array): string {
  const first = firstNonFinite(layout, lanes);
  if (first === undefined) return 'the loss or a gradient';
  const { microBatch, tensor } = first;
  const what =
    tensor === undefined ? 'the loss' : `the gradient of ${state.tensors[tensor] ?? `tensor ${tensor}`}`;
  return `${what} in micro-batch ${microBatch}`;
}

/** Whether the state after so many steps is one of those that are saved. */
export const isTimely = (step: number, job: Job): boolean => step % job.policies.checkpointEvery === 0;

/** Saves the state where it is due or wanted, if this is the moment at which a state may be saved. */
export function considerCheckpoint(
  ctx: Context,
  generation: GenerationId,
  moment: 'committed' | 'applied',
  due: boolean,
): void {
  if ((due || ctx.state.checkpointWanted) && ctx.rules.savesWhen(moment)) checkpoint(ctx, generation);
}

export function checkpoint(ctx: Context, generation: GenerationId): void {
  const { state } = ctx;
  if (state.training === undefined) return;
  state.checkpointWanted = false;
  const { step, hash } = state.training;
  ctx.effects.push(...ctx.rules.saveState({ generation, step, hash }));
}

function apply(ctx: Context, membership: Membership, round: Round, lanes: Int32Array<ArrayBuffer>): void {
  const { state } = ctx;
  const { training } = state;
  if (training === undefined) return;
  const { layout } = round;
  const { step } = round.id;
  if (membership.shares.paces.length > 1)
    membership.shares = nextShares(ctx.rules, membership.shares, layout, lanes);
  state.changing = 'apply';
  state.pendingApplied = {
    counts: countsOf(layout, lanes),
    loss: (lanes[layout.loss] ?? 0) / (1 << LOSS_FRACTION_BITS),
    correct: lanes[layout.correct] ?? 0,
    samples: lanes[layout.predictions] ?? 0,
    pause: (lanes[layout.pause] ?? 0) > 0,
    quarantined: round.quarantined,
  };
  const { exponents, quarantined } = round;
  training.retained = { step, reduced: ctx.rules.retain(lanes), exponents, quarantined };
  noteReduced(ctx, training.retained);
  membership.attempt = 0;
  membership.exponents = undefined;
  membership.quarantined = undefined;
  setPhase(ctx, 'applying');
  ctx.effects.push({
    kind: 'apply',
    generation: membership.generation.id,
    step,
    reduced: lanes,
    exponents,
    quarantined,
    mode: membership.generation.updateMode,
  });
}

/** The room trains. */
export function wantStart(ctx: Context): void {
  const { membership } = ctx.state;
  if (membership === undefined) return;
  ctx.state.pauseWanted = false;
  // Before the target is known, the state may turn out to be one with which the room paused.
  if (membership.running && membership.target !== undefined) return;
  membership.startWanted = true;
  beginStep(ctx);
}

// A rank as a pure state machine: (state, event, now) → effects. It knows no time but `now`, no IO, and no chance.

import { sameGeneration, type MemberId } from '../ports/ids.ts';
import { onApplied, onImported, onImportFailed, onRestored } from './applying.ts';
import { broadcast, isLinked, membershipInForce, reconsider, report, send, type Context } from './context.ts';
import type { Effect, Event, TimerName } from './effects.ts';
import { found } from './founding.ts';
import { isIn, ownerOf } from './generation.ts';
import { isBelated } from './hearing.ts';
import { inherit } from './heirs.ts';
import { install, leave, tellRoom } from './installing.ts';
import {
  onFoundTimer,
  onJoin,
  onJoinTimer,
  onLinkUp,
  onReady,
  onRefuse,
  onRoom,
  onRoomGone,
} from './joining.ts';
import { lessonDamaged, onLesson, onLessonOver, onLessonTimer, teacherGone } from './learning.ts';
import type { Coloured, Held, Learn, Lesson, LessonOver, Message, Recalled, Relay } from './messages.ts';
import {
  considerRegroup,
  considerValue,
  onAccepted,
  onPromise,
  onProposeTimer,
  onReject,
  onRetryTimer,
  onSeatHeld,
} from './proposing.ts';
import { onNews } from './reasons.ts';
import { forward } from './routing.ts';
import { onRollBack } from './rollback.ts';
import { RULES, type Rules } from './rules.ts';
import type { RankConfig, RankState } from './state.ts';
import { doubtOneself, heard, onBeat, onBeatTimer, onLinkDown, onStall, suspect } from './suspicion.ts';
import {
  onGradient,
  onHeal,
  onHealTimer,
  onStanding,
  onTarget,
  repeatStanding,
  repeatStandings,
} from './syncing.ts';
import {
  checkpoint,
  holdEarly,
  onComputed,
  onComputeFailed,
  onPart,
  onResend,
  requestMissing,
  wantStart,
} from './training.ts';
import { stop } from './stopping.ts';
import { forgetPupil, onCopied, onLearn } from './teaching.ts';
import { onExported, onPiece, onState, onWant, pieceDamaged } from './transfer.ts';
import { emptyRecord } from './votes.ts';
import { adoptSeat, heirOf, knownJoiners, onAccept, onPrepare } from './voting.ts';
import { isOutOfPlace, onWitness } from './witnessing.ts';

export { cloneRank, type RankConfig, type RankState } from './state.ts';

export const createRank = (config: RankConfig): RankState => ({
  // What every event touches stands together.
  self: config,
  membership: undefined,
  peers: new Map(),
  suspects: new Set(),
  askers: new Set(),
  reconsider: false,
  foundWanted: false,
  forgetWanted: false,
  stopped: undefined,
  training: undefined,
  job: undefined,
  phase: 'starting',
  phaseSince: 0,
  usual: {},
  stalled: undefined,
  hidden: false,
  beats: 0,
  lastBeat: 0,
  changing: undefined,
  jobHash: undefined,
  engine: 'none',
  fingerprint: undefined,
  layout: undefined,
  tensors: [],
  fresh: false,
  autostart: false,
  pauseWanted: false,
  saved: undefined,
  pendingApplied: undefined,
  healing: undefined,
  donation: undefined,
  incoming: undefined,
  study: undefined,
  learned: undefined,
  lessons: 0,
  asksIn: undefined,
  teaching: undefined,
  heardOf: undefined,
  heirIn: undefined,
  looks: 0,
  founding: undefined,
  rollback: undefined,
  givenUp: 0,
  restUntil: 0,
  leaving: false,
  askingSince: undefined,
  vouched: undefined,
  installed: new Map(),
  seats: new Map([[config.seat, emptyRecord(config.seat, undefined)]]),
  early: [],
  checkpointWanted: false,
  stuck: false,
  problem: undefined,
  updateMode: 'native',
  exactness: { kind: 'exact' },
  lost: undefined,
  roomCommitted: undefined,
});

/** Events handled within one step besides its own: what was held for a generation, bounded by the hold's limit. */
const AGAIN_LIMIT = 10_000;

/**
 * Feeds one event and returns what the world has to do, in order. Changes `state` in place.
 * `now` is in milliseconds, and must not go back.
 */
export function stepRank(state: RankState, event: Event, now: number, rules: Rules = RULES): Effect[] {
  const ctx: Context = { state, now, rules, effects: [], again: undefined, via: undefined };
  doubtOneself(ctx);
  handle(ctx, event);
  if (ctx.again !== undefined) handleAgain(ctx);
  if (state.forgetWanted) {
    state.forgetWanted = false;
    loseState(
      ctx,
      'The states of the ranks differ, and as many hold the one as the other: this rank forgets its own and goes back to what is stored',
    );
  }
  if (state.foundWanted) {
    state.foundWanted = false;
    found(ctx, state.membership?.generation.back === undefined ? 'resumed' : 'rolled-back');
  }
  if (state.reconsider) {
    state.reconsider = false;
    considerRegroup(ctx);
    considerValue(ctx);
  }
  return ctx.effects;
}

function handleAgain(ctx: Context): void {
  for (let i = 0; i < AGAIN_LIMIT; i++) {
    const held = ctx.again?.shift();
    if (held === undefined) return;
    onMessage(ctx, held.from, held.message);
  }
}

function handle(ctx: Context, event: Event): void {
  const { state } = ctx;
  switch (event.kind) {
    case 'boot':
      state.job = event.job;
      state.jobHash = event.jobHash;
      state.fresh = event.fresh;
      state.autostart = event.autostart;
      state.saved = event.saved;
      state.engine = 'preparing';
      ctx.effects.push({ kind: 'prepareEngine', job: event.job });
      return;
    case 'engineReady':
      onEngineReady(ctx, event);
      return;
    case 'engineFailed':
      onEngineFailed(ctx, event);
      return;
    case 'linkUp':
      onLinkUp(ctx, event.peer);
      repeatStanding(ctx, event.peer);
      return;
    case 'linkDown':
      onLinkDown(ctx, event.peer, event.evidence);
      forgetPupil(ctx, event.peer);
      teacherGone(ctx, event.peer);
      onRoomGone(ctx);
      return;
    case 'message':
      if (event.from !== state.self.member && !isBelated(state, event.from, event.message))
        heard(ctx, event.from);
      if (isOutOfPlace(ctx, event.from, event.message.kind))
        report(ctx, {
          kind: 'rejected',
          from: event.from,
          message: event.message.kind,
          reason: 'unexpected',
        });
      else onMessage(ctx, event.from, event.message);
      return;
    case 'garbled':
      report(ctx, { kind: 'rejected', from: event.from, message: event.detail, reason: 'malformed' });
      // What was lost may have been a part, if a member sent it: ask again at once, before it costs a step.
      if (state.membership !== undefined && !isIn(state.membership.generation, event.from)) return;
      if (state.membership?.round !== undefined) requestMissing(ctx, state.membership);
      else repeatStandings(ctx);
      pieceDamaged(ctx, event.from);
      lessonDamaged(ctx, event.from);
      return;
    case 'unsent':
      return;
    case 'timer':
      onTimer(ctx, event.name);
      return;
    case 'visibility':
      state.hidden = event.hidden;
      return;
    case 'computed':
      onComputed(ctx, event);
      return;
    case 'computeFailed':
      if (onComputeFailed(ctx, event) === 'given-up') onGivenUp(ctx, event.detail);
      return;
    case 'applied':
      onApplied(ctx, event);
      return;
    case 'exported':
      onExported(ctx, event);
      return;
    case 'copied':
      onCopied(ctx, event);
      return;
    case 'imported':
      onImported(ctx, event);
      return;
    case 'importFailed':
      onImportFailed(ctx, event);
      return;
    case 'restored':
      onRestored(ctx, event);
      return;
    case 'seatAcquired':
      onSeatAcquired(ctx, event);
      return;
    case 'seatNotStored':
      state.problem = `A vote could not be stored: ${event.detail}. This rank abstains until storage works again.`;
      return;
    case 'checkpointed':
      state.saved = { lineage: event.generation, step: event.step, hash: event.hash };
      report(ctx, { kind: 'checkpointed', generation: event.generation, step: event.step, hash: event.hash });
      return;
    case 'checkpointFailed':
      report(ctx, {
        kind: 'checkpointFailed',
        generation: event.generation,
        step: event.step,
        reason: event.detail,
      });
      return;
    case 'command':
      onCommand(ctx, event.command);
      return;
    case 'rollBack':
      onRollBack(ctx, event.to);
      return;
  }
}

function onTimer(ctx: Context, name: TimerName): void {
  switch (name) {
    case 'beat':
      onBeatTimer(ctx);
      return;
    case 'propose':
      onProposeTimer(ctx);
      return;
    case 'retry':
      onRetryTimer(ctx);
      return;
    case 'progress':
      onStall(ctx);
      return;
    case 'found':
      onFoundTimer(ctx);
      return;
    case 'join':
      onJoinTimer(ctx);
      return;
    case 'heal':
      onLessonTimer(ctx);
      for (const member of onHealTimer(ctx)) suspect(ctx, member, 'progress');
      return;
  }
}

function onMessage(ctx: Context, from: MemberId, message: Message): void {
  switch (message.kind) {
    case 'relay':
      onRelay(ctx, from, message);
      return;
    case 'join':
      onJoin(ctx, from, message);
      return;
    case 'room':
      onRoom(ctx, from, message);
      return;
    case 'refuse':
      onRefuse(ctx, from, message);
      return;
    case 'recall':
    case 'flight':
    case 'colours':
    case 'copies':
    case 'holding':
      // Its host answers, and hears: the protocol knows nothing of them.
      return;
    case 'witness':
      onWitness(ctx, from, message);
      return;
    case 'learn':
      onLearn(ctx, from, message);
      return;
    case 'lesson':
      onLesson(ctx, from, message);
      return;
    case 'lessonOver':
      onLessonOver(ctx, from, message);
      return;
    case 'prepare':
      if (!isForLater(ctx, from, message)) onPrepare(ctx, from, message);
      break;
    case 'accept':
      if (!isForLater(ctx, from, message)) onAccept(ctx, from, message);
      break;
    case 'beat':
      // Beats also prove a link to those that are not members; they change nothing there.
      if (onBeat(ctx, from, message) === 'room-gone') onRoomGone(ctx);
      break;
    case 'promise':
    case 'reject':
    case 'accepted':
    case 'seatHeld':
    case 'news':
    case 'standing':
    case 'target':
    case 'part':
    case 'resend':
    case 'heal':
    case 'gradient':
    case 'state':
    case 'want':
    case 'piece':
    case 'start':
      if (isAhead(ctx, from, message)) return;
      if (membershipInForce(ctx, message.generation) !== undefined) onGenerationMessage(ctx, from, message);
      break;
  }
  fence(ctx, from, message);
}

/** For this rank: as if it had come from its origin. For another: on to it. */
function onRelay(ctx: Context, from: MemberId, relay: Relay): void {
  const { self } = ctx.state;
  if (relay.origin === self.member) return;
  if (relay.to !== self.member) {
    const next = forward(ctx, from, relay);
    if (next !== undefined) ctx.effects.push({ kind: 'send', ...next });
    return;
  }
  if (!isBelated(ctx.state, relay.origin, relay.message)) {
    // A link that lets nothing through is found out by its own silence.
    if (ctx.state.membership?.overlay === undefined) {
      const peer = ctx.state.peers.get(relay.origin);
      if (peer !== undefined) peer.lastWord = ctx.now;
    } else if (!isLinked(ctx, relay.origin)) heard(ctx, relay.origin);
  }
  ctx.via = { origin: relay.origin, link: from };
  onMessage(ctx, relay.origin, relay.message);
  ctx.via = undefined;
}

type GenerationMessage = Exclude<
  Message,
  {
    kind:
      | 'join'
      | 'room'
      | 'refuse'
      | 'relay'
      | 'witness'
      | (Recalled | Held | Coloured | Learn | Lesson | LessonOver)['kind'];
  }
>;

function onGenerationMessage(
  ctx: Context,
  from: MemberId,
  message: Exclude<GenerationMessage, { kind: 'prepare' | 'accept' | 'beat' }>,
): void {
  switch (message.kind) {
    case 'promise':
      onPromise(ctx, from, message);
      return;
    case 'reject':
      onReject(ctx, message);
      return;
    case 'accepted':
      onAccepted(ctx, from, message);
      return;
    case 'seatHeld':
      onSeatHeld(ctx, from, message);
      return;
    case 'news':
      onNews(ctx, from, message);
      return;
    case 'standing':
      onStanding(ctx, from, message);
      return;
    case 'target':
      onTarget(ctx, from, message);
      return;
    case 'part':
      onPart(ctx, from, message);
      return;
    case 'resend':
      onResend(ctx, from, message);
      return;
    case 'heal':
      onHeal(ctx, from, message);
      return;
    case 'gradient':
      onGradient(ctx, from, message);
      return;
    case 'state':
      onState(ctx, from, message);
      return;
    case 'want':
      onWant(ctx, from, message);
      return;
    case 'piece':
      onPiece(ctx, from, message);
      return;
    case 'start':
      wantStart(ctx);
      return;
  }
}

/** An heir votes in a generation that it has not installed, and never will. */
const isForLater = (ctx: Context, from: MemberId, message: GenerationMessage): boolean =>
  heirOf(ctx.state, message.generation) === undefined && isAhead(ctx, from, message);

/** A generation that this rank has not installed: held for it, and the sender asked (by telling it what is in force here). */
function isAhead(ctx: Context, from: MemberId, message: GenerationMessage): boolean {
  const { membership, installed } = ctx.state;
  const theirs = message.generation;
  const mine = membership?.generation.id;
  const ahead =
    mine === undefined || mine.incarnation === theirs.incarnation
      ? theirs.number > (installed.get(theirs.incarnation) ?? 0)
      : false;
  if (!ahead) return false;
  if (ctx.rules.keepsEarly(message.kind)) holdEarly(ctx, from, message);
  if (membership !== undefined) tellRoom(ctx, from);
  return true;
}

/** A message of another generation changes nothing here, and its sender is told which one is in force. */
function fence(ctx: Context, from: MemberId, message: GenerationMessage): void {
  const { membership } = ctx.state;
  if (membership === undefined || sameGeneration(message.generation, membership.generation.id)) return;
  // What a former generation still has in flight is no news; only steps and votes are worth a line.
  if (message.kind !== 'beat')
    report(ctx, { kind: 'rejected', from, message: message.kind, reason: 'fenced' });
  tellRoom(ctx, from);
}

function onEngineReady(ctx: Context, event: Extract<Event, { kind: 'engineReady' }>): void {
  const { state } = ctx;
  state.engine = 'ready';
  state.jobHash = event.jobHash;
  state.fingerprint = event.fingerprint;
  state.layout = event.layout;
  state.tensors = event.tensors;
  // It is another engine: what the one before it was being brought to is void.
  state.changing = undefined;
  state.study = undefined;
  state.learned = undefined;
  state.training = {
    step: 0,
    hash: event.hash,
    previousHash: undefined,
    lineage: undefined,
    paused: false,
    retained: undefined,
    committed: 0,
    committedHash: event.hash,
  };
  onReady(ctx);
}

function onEngineFailed(ctx: Context, event: Extract<Event, { kind: 'engineFailed' }>): void {
  const { state } = ctx;
  const lost = event.fault === 'device-lost' && state.job !== undefined;
  report(ctx, { kind: 'engine', detail: event.detail, ...(lost ? { lost } : {}) });
  if (event.fault !== 'device-lost' || state.job === undefined) {
    state.engine = 'failed';
    stop(ctx, 'engine-lost', event.detail);
    if (state.membership !== undefined) giveUpPlace(ctx, event.detail);
    return;
  }
  forget(ctx, event.detail);
}

/** The state is not to be believed. */
function loseState(ctx: Context, detail: string): void {
  report(ctx, { kind: 'engine', detail, lost: true });
  forget(ctx, detail);
}

/** The state is gone: come back as a newcomer, and heal or restore. */
function forget(ctx: Context, detail: string): void {
  const { state } = ctx;
  if (state.job === undefined) return;
  state.engine = 'preparing';
  state.training = undefined;
  state.changing = undefined;
  state.pendingApplied = undefined;
  state.healing = undefined;
  state.study = undefined;
  state.learned = undefined;
  state.donation = undefined;
  state.founding = undefined;
  giveUpPlace(ctx, detail);
  ctx.effects.push({ kind: 'prepareEngine', job: state.job });
}

/** Hands its place back without waiting to be missed; the others see a member that asks to join. */
function giveUpPlace(ctx: Context, detail: string): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined) return;
  state.problem = detail;
  leave(ctx, 'evicted');
}

/**
 * The computation failed time and again. Others may do this rank's share, or go on without it where it is the last of the room and they
 * ask to come in. Alone it stops, and is no room any more that anybody would wait for.
 */
function onGivenUp(ctx: Context, detail: string): void {
  const isLast = ctx.state.membership?.generation.members.length === 1;
  if (isLast && knownJoiners(ctx).length === 0) {
    stop(ctx, 'engine-lost', detail);
    giveUpPlace(ctx, detail);
  } else {
    ctx.state.givenUp += 1;
    ctx.state.restUntil = ctx.now + ctx.rules.readmissionMs(ctx.state.givenUp);
    giveUpPlace(ctx, detail);
  }
}

function onSeatAcquired(ctx: Context, event: Extract<Event, { kind: 'seatAcquired' }>): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined) {
    inherit(ctx, event);
    return;
  }
  const owner = ownerOf(membership.generation, event.seat);
  if (owner === undefined) {
    ctx.effects.push({ kind: 'releaseSeat', seat: event.seat });
    return;
  }
  report(ctx, { kind: 'seatAcquired', seat: event.seat });
  const base = event.record?.base;
  // The dead page was ahead of this one: its record names the generation that this one has not heard of.
  if (
    base !== undefined &&
    base.id.incarnation === membership.generation.id.incarnation &&
    base.id.number > membership.generation.id.number
  ) {
    install(ctx, base, membership.generation);
    onSeatAcquired(ctx, event);
    return;
  }
  adoptSeat(ctx, membership.generation, event.seat, event.record);
  suspect(ctx, owner, 'lock-released');
  const message: Message = { kind: 'seatHeld', generation: membership.generation.id, seat: event.seat };
  const { overlay } = membership;
  if (overlay === undefined) broadcast(ctx, membership, message, true);
  else {
    // Whoever proposes anew will ask: only a proposal that is under way has to hear of it.
    const proposer = state.seats.get(state.self.seat)?.promised?.proposer;
    for (const to of new Set([
      state.self.member,
      overlay.coordinator,
      ...(proposer === undefined ? [] : [proposer]),
    ]))
      send(ctx, to, message);
  }
  reconsider(ctx);
}

function onCommand(ctx: Context, command: Extract<Event, { kind: 'command' }>['command']): void {
  const { state } = ctx;
  const { membership } = state;
  switch (command) {
    case 'start':
      state.autostart = true;
      state.pauseWanted = false;
      if (membership === undefined) return;
      broadcast(ctx, membership, { kind: 'start', generation: membership.generation.id });
      wantStart(ctx);
      return;
    case 'pause':
      state.autostart = false;
      if (membership === undefined || membership.running) state.pauseWanted = true;
      if (membership !== undefined) membership.startWanted = false;
      return;
    case 'checkpoint':
      state.checkpointWanted = true;
      // An engine that is being changed is no longer at the step that this rank is known to be at.
      if (
        membership !== undefined &&
        membership.barrierDone === state.training?.step &&
        state.changing === undefined
      )
        checkpoint(ctx, membership.generation.id);
      return;
    case 'leave':
      onLeave(ctx);
      return;
    case 'force':
      if (membership !== undefined && state.stuck) found(ctx, 'forced');
      return;
  }
}

function onLeave(ctx: Context): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined || ctx.rules.leavesAtOnce(membership.generation.members.length)) {
    stop(ctx, 'left', 'This rank has left the room.');
    return;
  }
  state.leaving = true;
  reconsider(ctx);
}

// A rank as a pure state machine: (state, event, now) → effects. It knows no time but `now`, no IO, and no chance.

import { onApplied, onImported, onImportFailed, onRestored } from './applying.ts';
import { onCommand } from './commands.ts';
import { report, type Context } from './context.ts';
import type { Effect, Event, TimerName } from './effects.ts';
import { loseState, onEngineFailed, onEngineReady, onGivenUp } from './engine-life.ts';
import { found } from './founding.ts';
import { isIn } from './generation.ts';
import { isBelated } from './hearing.ts';
import { onFoundTimer, onJoinTimer, onLinkUp, onRoomGone } from './joining.ts';
import { lessonDamaged, onLessonTimer, teacherGone } from './learning.ts';
import { considerRegroup, considerValue, onProposeTimer, onRetryTimer } from './proposing.ts';
import { onMessage } from './receiving.ts';
import { onRollBack } from './rollback.ts';
import { RULES, type Rules } from './rules.ts';
import { onSeatAcquired } from './seat-acquired.ts';
import type { RankConfig, RankState } from './state.ts';
import { doubtOneself, heard, onBeatTimer, onLinkDown, onStall, suspect } from './suspicion.ts';
import { onHealTimer, repeatStanding, repeatStandings } from './syncing.ts';
import { forgetPupil, onCopied } from './teaching.ts';
import { onComputed, onComputeFailed, requestMissing } from './training.ts';
import { onExported, pieceDamaged } from './transfer.ts';
import { emptyRecord } from './votes.ts';
import { isOutOfPlace } from './witnessing.ts';

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

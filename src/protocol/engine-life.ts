// What becomes of a rank with its engine: ready with a state, gone and the state with it, or failing time and again.

import { report, type Context } from './context.ts';
import type { Event } from './effects.ts';
import { leave } from './installing.ts';
import { onReady } from './joining.ts';
import { stop } from './stopping.ts';
import { knownJoiners } from './voting.ts';

export function onEngineReady(ctx: Context, event: Extract<Event, { kind: 'engineReady' }>): void {
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

export function onEngineFailed(ctx: Context, event: Extract<Event, { kind: 'engineFailed' }>): void {
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
export function loseState(ctx: Context, detail: string): void {
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
export function onGivenUp(ctx: Context, detail: string): void {
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

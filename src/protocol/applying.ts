// Answers from the engine that change the state: applied, imported, restored.

import { report, setTimer, type Context } from './context.ts';
import { bestStanding, foundDelay } from './asking.ts';
import { isFirstToFound } from './joining.ts';
import { completeFounding, look } from './founding.ts';
import { afterLearned, goOnLearning, lessonSpoilt } from './learning.ts';
import type { GenerationId, StateHash } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { Standing } from './messages.ts';
import { inherited, type Provenance } from './provenance.ts';
import { afterHeal, announceStanding, askDonor, reportHeal, rest } from './syncing.ts';
import { endTeaching, passOn } from './teaching.ts';
import { beginStep, considerCheckpoint, isTimely } from './training.ts';

/** What waited for the engine: founding, the standing, a place in a room that has been offered meanwhile. */
function settled(ctx: Context): void {
  const { state } = ctx;
  state.changing = undefined;
  if (state.founding !== undefined) completeFounding(ctx);
  else if (state.membership !== undefined) announceStanding(ctx);
  else goOnLearning(ctx);
}

export function onApplied(
  ctx: Context,
  event: { readonly generation: GenerationId; readonly step: number; readonly hash: StateHash },
): void {
  const { state } = ctx;
  const { training, pendingApplied: pending, membership } = state;
  if (training === undefined || state.changing !== 'apply' || event.step !== training.step) return;
  training.previousHash = training.hash;
  training.step = event.step + 1;
  training.hash = event.hash;
  // A property of the state, whatever becomes of the generation: whoever gets this state gets the pause.
  training.paused = pending?.pause ?? false;
  if (training.paused) state.pauseWanted = false;
  state.pendingApplied = undefined;
  if (pending !== undefined)
    report(ctx, {
      kind: 'applied',
      generation: event.generation,
      step: event.step,
      hash: event.hash,
      counts: pending.counts,
      loss: pending.loss,
      correct: pending.correct,
      samples: pending.samples,
    });
  if (pending?.quarantined !== undefined)
    report(ctx, {
      kind: 'quarantined',
      generation: event.generation,
      step: event.step,
      rows: pending.quarantined,
    });
  reportHeal(ctx);
  afterLearned(ctx);
  passOn(ctx, 'applied');
  settled(ctx);
  if (state.job !== undefined)
    considerCheckpoint(ctx, event.generation, 'applied', isTimely(training.step, state.job));
  if (membership === undefined || state.membership !== membership) return;
  if (!sameGeneration(event.generation, membership.generation.id)) return;
  if (!membership.synced) {
    afterHeal(ctx);
    return;
  }
  if (training.paused) {
    membership.startWanted = false;
    rest(ctx, membership);
  }
  beginStep(ctx);
}

export function onImported(
  ctx: Context,
  event: { readonly generation: GenerationId; readonly step: number; readonly hash: StateHash },
): void {
  const { state } = ctx;
  const { training } = state;
  if (training === undefined || state.changing !== 'import') return;
  training.step = event.step;
  training.hash = event.hash;
  training.previousHash = undefined;
  training.retained = undefined;
  training.lineage = undefined;
  // The next round that completes says what is committed.
  training.committed = Math.min(training.committed, event.step);
  reportHeal(ctx);
  // If it is not the state that was announced, one of the pieces is not what its donor's list says.
  if (state.incoming !== undefined) state.incoming.spoilt = true;
  endTeaching(ctx);
  afterLearned(ctx);
  settled(ctx);
  afterHeal(ctx);
}

export function onImportFailed(ctx: Context, event: { readonly detail: string }): void {
  const { state } = ctx;
  if (state.changing !== 'import') return;
  report(ctx, { kind: 'engine', detail: event.detail });
  state.healing = undefined;
  if (state.incoming !== undefined) state.incoming.spoilt = true;
  lessonSpoilt(ctx);
  settled(ctx);
  if (state.membership !== undefined) askDonor(ctx, state.membership);
}

export function onRestored(
  ctx: Context,
  event: { readonly found: { readonly standing: Standing; readonly provenance: Provenance } | undefined },
): void {
  const { state } = ctx;
  if (state.changing !== 'restore') return;
  state.study = undefined;
  if (event.found !== undefined) {
    const { standing, provenance } = event.found;
    state.training = {
      step: standing.step,
      hash: standing.hash,
      previousHash: undefined,
      // Its generation vouched for it once, and may have gone further since: it is not the newest state of that generation.
      lineage: undefined,
      paused: false,
      retained: undefined,
      committed: standing.step,
      committedHash: standing.hash,
    };
    const { updateMode, exactness } = inherited(provenance, state.fingerprint, standing.step);
    state.updateMode = updateMode;
    if (exactness.kind !== state.exactness.kind) report(ctx, { kind: 'exactness', promise: exactness });
    state.exactness = exactness;
    report(ctx, { kind: 'restored', step: standing.step, hash: standing.hash });
  }
  // One that was chosen and is not there says nothing of the others; nor is what is older than the state in memory looked for.
  const isGone =
    event.found === undefined && state.founding !== 'rolled-back' && bestStanding(ctx) === state.saved;
  if (event.found !== undefined || isGone) state.saved = event.found?.standing;
  // What was saved is gone, or older than it was thought to be: another newcomer may have what this one lacks.
  if (state.founding === 'new' && state.membership === undefined && !isFirstToFound(ctx)) {
    state.founding = undefined;
    setTimer(ctx, 'found', foundDelay(ctx));
  }
  // Only what is no older than that was looked for, and there may be something that is newer than the state in memory.
  if (isGone && state.founding !== undefined && state.training?.lineage !== undefined) look(ctx);
  else settled(ctx);
}

// Founding an incarnation: the first page of a room, a room reopened with nobody reachable, or a room forced on.

import type { IncarnationId } from '../ports/ids.ts';
import type { Founding } from '../trace/events.ts';
import { setPhase, report, type Context } from './context.ts';
import { bestStanding, selfMember } from './asking.ts';
import type { Generation } from './generation.ts';
import { install } from './installing.ts';
import { replacedBy } from './rollback.ts';
import type { Wanted } from './saved.ts';

/** Eight hex digits of depth, then the founder: a member founds at most one incarnation of a depth. */
function incarnationId(ctx: Context): IncarnationId {
  const { installed, training, saved } = ctx.state;
  const parents = [...installed.keys(), training?.lineage?.incarnation, saved?.lineage?.incarnation];
  const depths = parents.map((parent) =>
    parent === undefined ? 0 : Number.parseInt(parent.slice(0, 8), 16),
  );
  const depth = Math.max(0, ...depths) + 1;
  return ctx.rules.nameIncarnation(depth, ctx.state.self.member);
}

/** Begins: with the chosen checkpoint, or with the newest state in memory or in the browser. */
export function found(ctx: Context, why: Founding): void {
  const { state } = ctx;
  if (selfMember(state) === undefined || state.changing !== undefined || state.founding !== undefined) return;
  state.founding = why;
  const back = state.membership?.generation.back;
  if (why === 'rolled-back' && back !== undefined) {
    restore(ctx, { kind: 'chosen', place: { step: back.step, hash: back.hash } });
  } else if (!state.fresh) look(ctx);
  else if (state.saved !== undefined) restore(ctx, { kind: 'newest', least: undefined, line: undefined });
  else completeFounding(ctx);
}

function restore(ctx: Context, wanted: Wanted): void {
  ctx.state.changing = 'restore';
  ctx.effects.push({ kind: 'restore', wanted });
  setPhase(ctx, 'healing');
}

/** For the newest state that the browser holds, where there is a newer one than in memory. */
export const look = (ctx: Context): void => {
  restore(ctx, newestAtHand(ctx));
};

/**
 * What this rank knows to have saved, if that is the best, or what is newer: another page of its browser may have saved since, and have gone.
 * Who comes from a line goes on with that line.
 */
function newestAtHand(ctx: Context): Wanted {
  const { training, saved, membership } = ctx.state;
  const lineage = training?.lineage;
  if (training === undefined || lineage === undefined)
    return { kind: 'newest', least: undefined, line: undefined };
  if (saved?.lineage !== undefined && bestStanding(ctx) === saved)
    return { kind: 'newest', least: { lineage: saved.lineage, step: saved.step }, line: undefined };
  const line = membership === undefined ? undefined : lineage.incarnation;
  return { kind: 'newest', least: { lineage, step: training.step + 1 }, line };
}

/** The state is in the engine: the founder becomes the only member of its generation. */
export function completeFounding(ctx: Context): void {
  const { state } = ctx;
  const self = selfMember(state);
  const { training } = state;
  if (self === undefined || training === undefined || state.founding === undefined) return;
  const why = state.founding === 'new' && training.step > 0 ? 'resumed' : state.founding;
  const running = state.membership?.running === true && !training.paused;
  const base = state.membership?.generation;
  const generation: Generation = {
    id: { incarnation: incarnationId(ctx), number: 1 },
    members: [self],
    updateMode: state.membership?.generation.updateMode ?? state.updateMode,
    exactness: state.exactness,
    floor: 0,
    running: running || state.autostart,
    ...(why === 'rolled-back' && base !== undefined ? { insteadOf: replacedBy(base) } : {}),
  };
  training.lineage = generation.id;
  training.committed = training.step;
  training.committedHash = training.hash;
  report(ctx, { kind: 'founded', generation: generation.id, step: training.step, why });
  // Those that have agreed to go back come along at once: nobody was put out.
  install(ctx, generation, why === 'rolled-back' ? undefined : base);
}

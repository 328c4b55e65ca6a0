// A newcomer as learner: whom it asks to teach it, and how it comes from one learned state to the next. Its messages are in learning.ts,
// its teacher's side in teaching.ts.

import { askForMore, askForOldest } from '../collective/state-transfer.ts';
import type { MemberId } from '../ports/ids.ts';
import { send, setTimer, type Context } from './context.ts';
import { deadlineOf } from './deadlines.ts';
import type { Generation } from './generation.ts';
import { isHeard } from './hearing.ts';
import type { Peer } from './peer.ts';
import type { RankState, Study } from './state.ts';
import { pieceWanted } from './transfer.ts';

/** Gradients that a teacher sends ahead of what its learner has applied. */
export const GRADIENT_WINDOW = 2;
/** Times that a teacher is asked within the deadline of a transfer; and before its first answer, where it is heard and its step takes long. */
const ASKS = 2;
const PATIENT_ASKS = 10;

/** Whether a newcomer is still to learn: until it has caught up or given up it asks nobody for a place. */
export const isLearning = ({ membership, study }: RankState): boolean =>
  membership === undefined && study !== undefined && !study.asksIn;

/** Whether all that this rank's engine does is to apply what it learns: a place that it is given meanwhile it can take. */
export const isFollowing = ({ changing, learned }: RankState): boolean =>
  changing === 'apply' && learned !== undefined;

/** A newcomer of this room begins to learn, where it is to. Everything else a newcomer does goes on meanwhile. */
export function considerStudy(ctx: Context, room: NonNullable<Peer['room']> | undefined): void {
  const { state } = ctx;
  const line = room?.generation.id.incarnation;
  if (state.study !== undefined && state.study.generation.incarnation !== line) state.study = undefined;
  if (state.asksIn !== line) {
    state.asksIn = undefined;
    if (state.study === undefined) state.lessons = 0;
  }
  const { training, layout, study, asksIn, changing } = state;
  if (room === undefined || training === undefined || layout === undefined || changing !== undefined) return;
  if (study !== undefined || asksIn !== undefined || ctx.now < state.restUntil) return;
  if (!ctx.rules.learnsFirst(layout.gradient, room.committed - training.step)) return;
  const mayLearn = !ctx.rules.stopsLearning(state.lessons) && computesAlike(state, room.generation);
  const teacher = mayLearn ? nextTeacher(ctx, room) : undefined;
  if (teacher === undefined) {
    state.asksIn = line;
    return;
  }
  state.study = {
    teacher,
    generation: room.generation.id,
    mode: room.generation.updateMode,
    committed: room.committed,
    copy: undefined,
    gradients: [],
    followsSince: undefined,
    asksIn: false,
    isOver: false,
    asks: 0,
    askedAt: ctx.now,
  };
  ask(ctx, state.study);
}

/** Whether this engine comes to the room's bits: a generation that takes in one which does not goes over to portable updates. */
const computesAlike = ({ fingerprint }: RankState, { updateMode, members }: Generation): boolean =>
  updateMode === 'portable' || members.every((member) => member.fingerprint === fingerprint);

/** A member that is heard; another one with each lesson, and learners that come together begin with different ones. */
function nextTeacher({ state, now }: Context, room: NonNullable<Peer['room']>): MemberId | undefined {
  const { incarnation } = room.generation.id;
  const teachers = [...state.peers].flatMap(([member, peer]) =>
    peer.linked && peer.room?.generation.id.incarnation === incarnation && isHeard({ state, now }, peer)
      ? [member]
      : [],
  );
  const first = Number.parseInt(state.self.member.slice(0, 6), 16);
  return teachers.sort()[(first + state.lessons) % Math.max(1, teachers.length)];
}

/** Says what this learner has and lacks: the teacher answers with what is next. */
export function ask(ctx: Context, study: Study): void {
  const { training } = ctx.state;
  if (training === undefined) return;
  study.asks += 1;
  send(ctx, study.teacher, {
    kind: 'learn',
    message: {
      kind: 'heal',
      generation: study.generation,
      have: ctx.rules.standingOf(training),
      piece: pieceWanted(ctx),
    },
  });
  awaitAnswer(ctx);
}

export const awaitAnswer = (ctx: Context): void => setTimer(ctx, 'heal', deadlineOf(ctx, 'transfer') / ASKS);

/** Whether a teacher that has not answered may be asked once more. One that only waits for the next step may be asked for ever. */
export function mayAskAgain(
  { state, now }: Context,
  { teacher, asks, asksIn, copy, followsSince }: Study,
): boolean {
  const peer = state.peers.get(teacher);
  const isHere = peer?.linked === true && isHeard({ state, now }, peer);
  return asksIn || asks < (isHere && copy === undefined && followsSince === undefined ? PATIENT_ASKS : ASKS);
}

/** Asks for the next pieces of the copy; `again`: one came damaged. */
export function wantPieces(ctx: Context, study: Study, again = false): void {
  const { incoming } = ctx.state;
  if (incoming === undefined || study.copy === undefined) return;
  const pieces = again ? askForOldest(incoming) : askForMore(incoming);
  if (pieces.length === 0) return;
  const { step, hash } = study.copy;
  send(ctx, study.teacher, {
    kind: 'learn',
    message: { kind: 'want', generation: study.generation, step, hash, pieces },
  });
}

/** Applies the next gradient that was learned, where there is one and the engine is free. */
export function applyLearned(ctx: Context): boolean {
  const { study, training, layout, changing } = ctx.state;
  if (study === undefined || layout === undefined || changing !== undefined) return false;
  const next = study.gradients.shift();
  if (next === undefined || next.step !== training?.step) return false;
  ctx.state.changing = 'apply';
  const { generation, step, reduced, exponents, quarantined, hash } = next;
  const { teacher } = study;
  const bytes = reduced.byteLength;
  // Whoever has the state has its pause.
  const paused = (reduced[layout.pause] ?? 0) > 0;
  ctx.state.learned = { generation, teacher, step: step + 1, hash, by: 'gradient', bytes, paused };
  ctx.effects.push({ kind: 'apply', generation, step, reduced, exponents, quarantined, mode: study.mode });
  return true;
}

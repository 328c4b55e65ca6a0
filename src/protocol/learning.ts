// What a learner makes of its lessons: the copy of a committed state, then the gradients that lead on from it, until it has caught up and
// asks for its place. A lesson that comes to nothing costs time alone: another member is asked, or the room takes the learner as it is.

import { piecesHeld, takePiece, takeUp, wholeState } from '../collective/state-transfer.ts';
import type { MemberId } from '../ports/ids.ts';
import type { LessonEnd } from '../trace/events.ts';
import { sendJoin } from './asking.ts';
import { clearTimer, report, type Context } from './context.ts';
import { noteTaken } from './deadlines.ts';
import type { Lesson, LessonOver, Message } from './messages.ts';
import type { Study } from './state.ts';
import {
  applyLearned,
  ask,
  awaitAnswer,
  GRADIENT_WINDOW,
  isFollowing,
  mayAskAgain,
  wantPieces,
} from './study.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** What this rank learns, if that peer is to teach it. */
const studyWith = ({ state }: Context, from: MemberId): Study | undefined =>
  state.membership === undefined && state.study?.teacher === from ? state.study : undefined;

export function onLesson(ctx: Context, from: MemberId, lesson: Lesson): void {
  const study = studyWith(ctx, from);
  const { message } = lesson;
  if (study?.generation.incarnation !== message.generation.incarnation) return;
  study.committed = Math.max(study.committed, lesson.committed);
  // Gradients come as the room gets on.
  if (message.kind !== 'gradient') noteTaken(ctx, 'transfer', ctx.now - study.askedAt);
  study.askedAt = ctx.now;
  study.asks = 0;
  awaitAnswer(ctx);
  switch (message.kind) {
    case 'state':
      onListed(ctx, study, message);
      return;
    case 'piece':
      onPieceCame(ctx, study, message);
      return;
    case 'gradient':
      if (lesson.hash !== undefined) onGradientCame(ctx, study, message, lesson.hash);
      return;
  }
}

/** The teacher lists its copy. What is at hand of it stays, whoever sent it. */
function onListed(ctx: Context, study: Study, message: Of<'state'>): void {
  const { state } = ctx;
  const { digests, piece, bytes, step, hash } = message;
  const digest = digests[piece];
  if (state.changing !== undefined || state.layout === undefined || digest === undefined || study.asksIn)
    return;
  if (digests.length > ctx.rules.mostPieces(state.layout.gradient)) {
    report(ctx, { kind: 'rejected', from: study.teacher, message: 'lesson', reason: 'unexpected' });
    return;
  }
  state.incoming = takeUp(digests, state.incoming, ctx.rules.keepsPiece);
  study.copy = { step, hash };
  study.gradients.length = 0;
  report(ctx, {
    kind: 'learns',
    teacher: study.teacher,
    step,
    pieces: piecesHeld(state.incoming),
    of: digests.length,
  });
  takePiece(state.incoming, piece, digest, bytes);
  goOn(ctx, study);
}

function onPieceCame(ctx: Context, study: Study, message: Of<'piece'>): void {
  const { incoming } = ctx.state;
  const { piece, digest, bytes, step, hash } = message;
  if (incoming === undefined || study.copy?.step !== step || study.copy.hash !== hash) return;
  if (takePiece(incoming, piece, digest, bytes)) goOn(ctx, study);
}

/** All pieces are here, or the next are asked for. */
function goOn(ctx: Context, study: Study): void {
  const { state } = ctx;
  const { copy, generation } = study;
  const pieces = state.incoming === undefined ? undefined : wholeState(state.incoming);
  if (copy === undefined || state.changing !== undefined) return;
  if (pieces === undefined) {
    wantPieces(ctx, study);
    return;
  }
  const { teacher } = study;
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  state.learned = {
    generation,
    teacher,
    step: copy.step,
    hash: copy.hash,
    by: 'state',
    bytes,
    paused: false,
  };
  state.changing = 'import';
  clearTimer(ctx, 'heal');
  ctx.effects.push({ kind: 'importState', generation, step: copy.step, hash: copy.hash, pieces });
}

/** The next gradient, and no other: in the order in which the room has committed them. */
function onGradientCame(
  ctx: Context,
  study: Study,
  message: Of<'gradient'>,
  hash: Of<'state'>['hash'],
): void {
  const { training, layout, changing } = ctx.state;
  const { gradients } = study;
  if (training === undefined || message.reduced.length !== layout?.length || changing === 'import') return;
  const next = gradients.at(-1)?.step ?? (isFollowing(ctx.state) ? training.step : training.step - 1);
  if (message.step !== next + 1 || gradients.length >= GRADIENT_WINDOW) return;
  gradients.push({ ...message, hash });
  applyLearned(ctx);
}

/** The engine has come to another state: if that was by a lesson, it is the one that was announced, or the lesson is over. */
export function afterLearned(ctx: Context): void {
  const { learned, training, study } = ctx.state;
  ctx.state.learned = undefined;
  if (learned === undefined || training === undefined) return;
  if (learned.by === 'state' && study !== undefined) study.copy = undefined;
  if (training.step !== learned.step || training.hash !== learned.hash) {
    endStudy(ctx, 'differs');
    return;
  }
  if (learned.by === 'state') ctx.state.incoming = undefined;
  training.lineage = ctx.rules.vouchesForLearned(learned.generation);
  if (study !== undefined) study.followsSince ??= ctx.now;
  const { paused, ...come } = learned;
  training.paused = paused;
  report(ctx, { kind: 'learned', ...come });
}

/** The engine did not take what was learned. */
export function lessonSpoilt(ctx: Context): void {
  if (ctx.state.learned === undefined) return;
  ctx.state.learned = undefined;
  endStudy(ctx, 'differs');
}

/** The engine is free: the next gradient is applied, and asked for; and whoever has caught up asks for its place. */
export function goOnLearning(ctx: Context): void {
  const { state } = ctx;
  const { study } = state;
  if (study === undefined || state.membership !== undefined) {
    sendJoin(ctx);
    return;
  }
  if (study.followsSince !== undefined && !study.isOver) ask(ctx, study);
  applyLearned(ctx);
  considerAsking(ctx, study);
}

function considerAsking(ctx: Context, study: Study): void {
  const { training, job } = ctx.state;
  const { asksIn, followsSince, committed } = study;
  if (asksIn || followsSince === undefined || training === undefined || job === undefined) return;
  if (ctx.rules.hasCaughtUp(training.step, committed)) askIn(ctx, study, 'caught-up');
  // About as fast as the room, it would follow for ever.
  else if (ctx.rules.staysBehind(ctx.now - followsSince, job.policies)) askIn(ctx, study, 'stays-behind');
}

/** From now on it asks for its place; what it is taught until it is in it still takes. */
function askIn(ctx: Context, study: Study, why: LessonEnd): void {
  study.asksIn = true;
  ctx.state.asksIn = study.generation.incarnation;
  tell(ctx, study, why);
  sendJoin(ctx);
}

function tell(ctx: Context, { teacher }: Study, why: LessonEnd): void {
  report(ctx, { kind: 'lessonOver', teacher, step: ctx.state.training?.step ?? 0, why });
}

export function onLessonOver(ctx: Context, from: MemberId, { then }: LessonOver): void {
  const study = studyWith(ctx, from);
  if (study === undefined) return;
  clearTimer(ctx, 'heal');
  study.isOver = true;
  if (then === 'ask-another') endStudy(ctx, then);
  else if (!study.asksIn) askIn(ctx, study, then);
}

/** This lesson has come to nothing: the next member is asked, unless there were enough. Pieces at hand stay. */
function endStudy(ctx: Context, why: LessonEnd): void {
  const { state } = ctx;
  const { study } = state;
  if (study === undefined) return;
  clearTimer(ctx, 'heal');
  state.study = undefined;
  state.lessons += 1;
  if (!study.asksIn) tell(ctx, study, why);
  if (state.changing === undefined) sendJoin(ctx);
}

/** The `heal` timer of a newcomer: its teacher has not answered. */
export function onLessonTimer(ctx: Context): void {
  const { study } = ctx.state;
  if (ctx.state.membership !== undefined || study === undefined || study.isOver) return;
  if (mayAskAgain(ctx, study)) ask(ctx, study);
  else endStudy(ctx, 'silent');
}

export function teacherGone(ctx: Context, peer: MemberId): void {
  if (studyWith(ctx, peer) !== undefined) endStudy(ctx, 'teacher-gone');
}

/** Something came damaged from this peer. Where it was a piece, that piece alone comes again; a gradient is asked for in time. */
export function lessonDamaged(ctx: Context, from: MemberId): void {
  const study = studyWith(ctx, from);
  if (study !== undefined) wantPieces(ctx, study, true);
}

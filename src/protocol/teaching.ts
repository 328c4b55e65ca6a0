// A member as teacher: it gives newcomers that are far behind a committed state, and the gradients that lead on from it, while it trains.
// Whatever it says is a fact that no later generation takes back; so nothing here hangs on the generation in force, and nothing of the
// ring waits for it. What the learner does is in learning.ts.
//
//   learner                 teacher
//     learn { heal } ───────►  at its next commit: one copy of its state, for all that ask
//     ◄────── lesson { state }   the list of pieces, and the one that was asked for
//     learn { want } ───────►
//     ◄────── lesson { piece }   … when the ring leaves room
//     learn { heal } ───────►  has the copy: what leads on from it?
//     ◄── lesson { gradient }    … each once all have applied it, until the learner is a member

import { PIECE_WINDOW, type PieceList } from '../collective/state-transfer.ts';
import type { MemberId, StateHash } from '../ports/ids.ts';
import { send, type Context } from './context.ts';
import { isIn } from './generation.ts';
import type { Learn, Lesson, LessonOver, Standing } from './messages.ts';
import type { Donation, Membership, Passed, Pupil, Reduced, Teaching } from './state.ts';
import { GRADIENT_WINDOW } from './study.ts';

/** Newcomers that one rank teaches at a time; others ask the next one. */
const MOST_PUPILS = 8;
/** Pieces that go out with each heartbeat although the ring is at work: 7.5 MB/s, in a room that does nothing but exchange gradients. */
const PIECES_A_BEAT = 3;

/** Whether the room goes on without the newcomer, so that it has the time to learn; else it had better come in at once. */
function isTraining({ state }: Context, { running, generation }: Membership): boolean {
  const { training, job, stuck, leaving, stopped } = state;
  const isDone = training === undefined || job === undefined || training.step >= job.steps;
  return running && !isDone && !stuck && !leaving && stopped === undefined && generation.back === undefined;
}

export function onLearn(ctx: Context, from: MemberId, { message }: Learn): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership !== undefined && isIn(membership.generation, from)) return;
  if (membership?.generation.id.incarnation !== message.generation.incarnation) {
    turnAway(ctx, from, 'ask-another');
    return;
  }
  if (!isTraining(ctx, membership)) {
    turnAway(ctx, from, 'come-in');
    return;
  }
  if (message.kind === 'want') {
    onPiecesWanted(ctx, from, message);
    return;
  }
  const teaching = (state.teaching ??= newTeaching());
  const pupil = teaching.pupils.get(from) ?? newPupil();
  if (!teaching.pupils.has(from) && teaching.pupils.size >= MOST_PUPILS) {
    turnAway(ctx, from, 'ask-another');
    return;
  }
  teaching.pupils.set(from, pupil);
  pupil.isOver = false;
  if (leadsOn(ctx, teaching, message.have)) follow(ctx, teaching, from, pupil, message.have.step);
  else if (teaching.copy !== undefined && mayShare(ctx, teaching, teaching.copy))
    offer(ctx, teaching.copy, from, pupil, message.piece);
  else awaitCopy(pupil, message.piece);
}

const newTeaching = (): Teaching => ({
  pupils: new Map(),
  copy: undefined,
  copying: undefined,
  gradients: [],
  latest: undefined,
  due: [],
});

const newPupil = (): Pupil => ({ awaits: undefined, copies: false, at: undefined, next: 0, isOver: false });

function awaitCopy(pupil: Pupil, piece: number): void {
  pupil.awaits = piece;
  pupil.copies = false;
  pupil.at = undefined;
}

const turnAway = (ctx: Context, from: MemberId, then: LessonOver['then']): void =>
  send(ctx, from, { kind: 'lessonOver', then });

const teach = (ctx: Context, to: MemberId, message: Lesson['message'], hash?: StateHash): void =>
  send(ctx, to, { kind: 'lesson', committed: ctx.state.training?.committed ?? 0, hash, message });

/** Whether gradients at hand lead on from that state: it is one that this rank has passed since its copy, or the newest. */
function leadsOn({ state }: Context, { gradients }: Teaching, have: Standing | undefined): have is Standing {
  if (have === undefined || state.training === undefined) return false;
  const { committed, committedHash } = state.training;
  if (have.step === committed && have.hash === committedHash) return true;
  return gradients.some(({ step, before }) => step === have.step && before === have.hash);
}

/** The gradient that leads on from that state; of members that were learners until now, one may need several. */
export const passedFrom = ({ state }: Context, have: Standing | undefined): Passed | undefined =>
  state.teaching?.gradients.find(({ step, before }) => step === have?.step && before === have.hash);

/** Whether the gradients since the copy are all here and few enough for another learner to catch up. */
function mayShare({ state, rules }: Context, { gradients }: Teaching, copy: Donation): boolean {
  const since = gradients.filter(({ step }) => step >= copy.step);
  const isWhole = since.length === (state.training?.committed ?? copy.step) - copy.step;
  return isWhole && rules.keepsForLearners(2 * since.length, 2 * bytesOf(since));
}

const bytesOf = (gradients: readonly Reduced[]): number =>
  gradients.reduce((sum, { reduced }) => sum + reduced.byteLength, 0);

function offer(ctx: Context, copy: Donation, to: MemberId, pupil: Pupil, wanted: number): void {
  const { step, hash, digests, pieces } = copy;
  const { membership } = ctx.state;
  const piece = wanted < pieces.length ? wanted : 0;
  const bytes = pieces[piece];
  if (bytes === undefined || membership === undefined) return;
  pupil.awaits = undefined;
  pupil.copies = true;
  pupil.at = undefined;
  const generation = membership.generation.id;
  teach(ctx, to, { kind: 'state', generation, step, hash, digests, piece, bytes });
}

/** The learner has a state from which gradients lead on: sends the next, as far as the window goes. */
function follow(ctx: Context, teaching: Teaching, to: MemberId, pupil: Pupil, at: number): void {
  pupil.awaits = undefined;
  pupil.copies = false;
  // Said for the second time, what was sent in between is lost.
  pupil.next = pupil.at === at ? at : Math.max(pupil.next, at);
  pupil.at = at;
  sendGradients(ctx, teaching, to, pupil);
}

function sendGradients(ctx: Context, { gradients }: Teaching, to: MemberId, pupil: Pupil): void {
  const { membership, layout } = ctx.state;
  if (pupil.at === undefined || pupil.isOver || membership === undefined || layout === undefined) return;
  const generation = membership.generation.id;
  for (const { step, reduced, exponents, quarantined, hash } of gradients) {
    if (step !== pupil.next || step >= pupil.at + GRADIENT_WINDOW) continue;
    pupil.next += 1;
    const message: Lesson['message'] = {
      kind: 'gradient',
      generation,
      step,
      exponents: exponents?.slice(),
      quarantined,
      reduced: reduced.slice(),
    };
    teach(ctx, to, message, hash);
  }
}

function onPiecesWanted(
  ctx: Context,
  from: MemberId,
  { step, hash, pieces }: Extract<Learn['message'], { kind: 'want' }>,
): void {
  const { teaching } = ctx.state;
  const pupil = teaching?.pupils.get(from);
  if (teaching === undefined || pupil?.copies !== true) return;
  if (teaching.copy?.step !== step || teaching.copy.hash !== hash) return;
  for (const piece of pieces) {
    const waiting = teaching.due.filter(({ to }) => to === from);
    if (waiting.length < PIECE_WINDOW && !waiting.some((due) => due.piece === piece))
      teaching.due.push({ to: from, piece });
  }
  sendDue(ctx, teaching);
}

/** Pieces go out while this rank sends nothing else of weight: not while its own all-reduce is under way, but for a few at each heartbeat. */
function sendDue(
  ctx: Context,
  { copy, due }: Teaching,
  most = ctx.state.phase === 'reducing' ? 0 : due.length,
): void {
  const { membership } = ctx.state;
  if (membership === undefined || copy === undefined) return;
  const generation = membership.generation.id;
  const { step, hash, digests, pieces } = copy;
  for (const { to, piece } of due.splice(0, most)) {
    const digest = digests[piece];
    const bytes = pieces[piece];
    if (digest === undefined || bytes === undefined) continue;
    teach(ctx, to, { kind: 'piece', generation, step, hash, piece, digest, bytes });
  }
}

export function teachAtBeat(ctx: Context): void {
  const { teaching } = ctx.state;
  if (teaching !== undefined && teaching.due.length > 0) sendDue(ctx, teaching, PIECES_A_BEAT);
}

/** What this rank is about to apply: passed on once all have applied it. */
export function noteReduced(ctx: Context, reduced: Reduced): void {
  const { teaching, training } = ctx.state;
  if (teaching !== undefined && training !== undefined)
    teaching.latest = { ...reduced, before: training.hash };
}

/** A state is committed, or applied: if this is the moment to, the gradient that led to it is passed on. */
export function passOn(ctx: Context, moment: 'committed' | 'applied'): void {
  const { teaching, training } = ctx.state;
  const latest = teaching?.latest;
  if (teaching === undefined || training === undefined || latest === undefined) return;
  if (!ctx.rules.passesOnWhen(moment)) return;
  if (latest.step !== training.step - 1 || latest.before !== training.previousHash) return;
  teaching.latest = undefined;
  teaching.gradients.push({ ...latest, hash: training.hash });
  for (const [to, pupil] of teaching.pupils) sendGradients(ctx, teaching, to, pupil);
}

/** A round of the generation is complete: all of its members have this state, those that were learners as well. */
export function teachCommitted(ctx: Context, membership: Membership): void {
  const { state } = ctx;
  const { teaching, training } = state;
  if (teaching === undefined || training === undefined) return;
  for (const pupil of [...teaching.pupils.keys()])
    if (isIn(membership.generation, pupil)) forgetPupil(ctx, pupil);
  if (state.teaching === undefined) return;
  passOn(ctx, 'committed');
  dropBroken(ctx, teaching, training.step);
  keepWithinBounds(ctx, teaching);
  const waits = [...teaching.pupils.values()].some(({ awaits }) => awaits !== undefined);
  const { step, hash } = training;
  if (waits && teaching.copying === undefined && isTraining(ctx, membership)) {
    teaching.copying = { step, hash };
    ctx.effects.push({ kind: 'copyState', generation: membership.generation.id, step, hash });
  }
  sendDue(ctx, teaching, teaching.due.length);
}

/** This rank has come to its state by another way than from step to step: nothing leads on from what was taught. */
function dropBroken(ctx: Context, teaching: Teaching, step: number): void {
  const { gradients, copy, copying } = teaching;
  const last = gradients.at(-1);
  const from = last === undefined ? (copy?.step ?? copying?.step) : last.step + 1;
  const isChain = gradients.every(({ before }, i) => i === 0 || before === gradients[i - 1]?.hash);
  if (from === undefined || (from === step && isChain)) return;
  endTeaching(ctx);
}

function keepWithinBounds(ctx: Context, teaching: Teaching): void {
  const { gradients, pupils } = teaching;
  for (;;) {
    const [oldest] = gradients;
    if (oldest === undefined) return;
    const isNeeded = [...pupils.values()].some((pupil) => needs(teaching, pupil, oldest.step));
    if (isNeeded && ctx.rules.keepsForLearners(gradients.length, bytesOf(gradients))) return;
    gradients.shift();
    if (teaching.copy !== undefined && teaching.copy.step <= oldest.step) teaching.copy = undefined;
    for (const [member, pupil] of pupils) {
      // Slower than the room: nobody else's lessons would bring it nearer.
      if (needs(teaching, pupil, oldest.step)) callIn(ctx, member, pupil);
    }
  }
}

/** Whether a learner cannot do without the gradient of that step. */
function needs({ copy, copying }: Teaching, { awaits, copies, at }: Pupil, step: number): boolean {
  if (at !== undefined) return at <= step;
  const from = copies ? copy?.step : awaits === undefined ? undefined : copying?.step;
  return from !== undefined && from <= step;
}

/** The engine's copy is ready. */
export function onCopied(
  ctx: Context,
  {
    step,
    hash,
    state: pieces,
  }: { readonly step: number; readonly hash: StateHash; readonly state: PieceList | undefined },
): void {
  const { teaching } = ctx.state;
  if (teaching?.copying?.step !== step || teaching.copying.hash !== hash) return;
  teaching.copying = undefined;
  if (pieces === undefined) {
    endTeaching(ctx);
    return;
  }
  const copy = { step, hash, ...pieces };
  if (!mayShare(ctx, teaching, copy)) return;
  teaching.copy = copy;
  for (const [to, pupil] of teaching.pupils)
    if (pupil.awaits !== undefined) offer(ctx, copy, to, pupil, pupil.awaits);
}

/** The room comes to rest, or has no quorum: learners had better come in as they are. What they lack is kept until they have. */
export function dismiss(ctx: Context): void {
  const { teaching } = ctx.state;
  for (const [to, pupil] of teaching?.pupils ?? []) callIn(ctx, to, pupil);
}

function callIn(ctx: Context, member: MemberId, pupil: Pupil): void {
  if (pupil.isOver) return;
  pupil.isOver = true;
  pupil.copies = false;
  pupil.awaits = undefined;
  turnAway(ctx, member, 'come-in');
}

export function forgetPupil({ state }: Context, member: MemberId): void {
  const { teaching } = state;
  if (teaching?.pupils.delete(member) !== true) return;
  const rest = teaching.due.filter(({ to }) => to !== member);
  teaching.due.splice(0, teaching.due.length, ...rest);
  if (teaching.pupils.size === 0) state.teaching = undefined;
  else if (![...teaching.pupils.values()].some(({ copies, awaits }) => copies || awaits !== undefined))
    teaching.copy = undefined;
}

/** This rank has nothing to teach any more: its state is another one, or it is in no room. */
export function endTeaching(ctx: Context): void {
  const { teaching } = ctx.state;
  ctx.state.teaching = undefined;
  for (const [to, { isOver }] of teaching?.pupils ?? []) if (!isOver) turnAway(ctx, to, 'ask-another');
}

// A message that has arrived: sent on if it is for another, held while its generation is yet to come here, refused when that is over, and
// else given to the part of the protocol that it is for.

import { sameGeneration, type MemberId } from '../ports/ids.ts';
import { isLinked, membershipInForce, report, type Context } from './context.ts';
import { isBelated } from './hearing.ts';
import { heirOf, onAccept, onPrepare } from './voting.ts';
import { tellRoom } from './installing.ts';
import { onJoin, onRefuse, onRoom, onRoomGone } from './joining.ts';
import { onLesson, onLessonOver } from './learning.ts';
import type { Coloured, Held, Learn, Lesson, LessonOver, Message, Recalled, Relay } from './messages.ts';
import { onAccepted, onPromise, onReject, onSeatHeld } from './proposing.ts';
import { onNews } from './reasons.ts';
import { forward } from './routing.ts';
import { heard, onBeat } from './suspicion.ts';
import { onGradient, onHeal, onStanding, onTarget } from './syncing.ts';
import { onLearn } from './teaching.ts';
import { holdEarly, onPart, onResend, wantStart } from './training.ts';
import { onPiece, onState, onWant } from './transfer.ts';
import { onWitness } from './witnessing.ts';

export function onMessage(ctx: Context, from: MemberId, message: Message): void {
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

// What a message weighs, and the lane that it goes by therefore, without making its bytes.

import { blocksOf } from '../collective/lane-blocks.ts';
import type { Job } from '../job/job.ts';
import type { Lane } from '../ports/network.ts';
import { jsonLength } from './ascii-json.ts';
import type { Generation } from './generation.ts';
import { hasPayload, lanesIn, split } from './message-parts.ts';
import type { Message } from './messages.ts';

/** Lists of members beyond this make a message long. */
const SHORT_LIST = 64;

const isLong = (value: Generation | undefined): boolean => (value?.members.length ?? 0) > SHORT_LIST;

/** What of a message names many members, and is shared by many messages; undefined where there is nothing. */
function longPart(message: Message): object | undefined {
  switch (message.kind) {
    case 'room':
      return isLong(message.generation) ? message.generation : undefined;
    case 'accept':
      return isLong(message.value) ? message.value : undefined;
    case 'promise':
      return isLong(message.accepted?.value)
        ? message.accepted?.value
        : message.joiners.length > SHORT_LIST
          ? message.joiners
          : undefined;
    case 'news':
      return message.joiners.length > SHORT_LIST ? message.joiners : undefined;
    case 'target':
      return message.verdict.target.donors.length > SHORT_LIST ? message.verdict : undefined;
    case 'accepted':
    case 'beat':
    case 'colours':
    case 'copies':
    case 'flight':
    case 'gradient':
    case 'heal':
    case 'holding':
    case 'join':
    case 'learn':
    case 'lesson':
    case 'lessonOver':
    case 'part':
    case 'prepare':
    case 'recall':
    case 'refuse':
    case 'reject':
    case 'relay':
    case 'resend':
    case 'seatHeld':
    case 'standing':
    case 'start':
    case 'state':
    case 'piece':
    case 'want':
    case 'witness':
      return undefined;
  }
}

/** Long messages do not fit between the short ones, which wait for nothing. */
export const laneOf = (message: Message): Lane =>
  message.kind === 'relay'
    ? laneOf(message.message)
    : hasPayload(message) || longPart(message) !== undefined
      ? 'bulk'
      : 'control';

/** How many bytes `encodeMessage` makes of a message, without making them. */
export function messageBytes(message: Message): number {
  // What travels most has no payload, and its header is the message itself.
  if (!hasPayload(message)) return 8 + Math.ceil(headerLength(message) / 4) * 4;
  const { header, payload } = split(message);
  const lanes = lanesIn(message);
  const blocks = lanes === undefined ? undefined : blocksOf(lanes);
  const bytes = blocks === undefined ? payload.length : 4 * blocks.words;
  return 8 + Math.ceil(jsonLength(header) / 4) * 4 + bytes;
}

/** A generation and its job are told to everybody, in one message after the other: each is measured once. */
function headerLength(message: Message): number {
  if (message.kind === 'relay')
    return jsonLength({ ...message, message: 0 }) - 1 + headerLength(message.message);
  if (message.kind === 'accept') return jsonLength({ ...message, value: 0 }) - 1 + knownLength(message.value);
  if (message.kind !== 'room') return jsonLength(message);
  const { generation, job } = message;
  return jsonLength({ ...message, generation: 0, job: 0 }) - 2 + knownLength(generation) + knownLength(job);
}

const lengths = new WeakMap<object, number>();

function knownLength(part: Generation | Job): number {
  let length = lengths.get(part);
  if (length === undefined) {
    length = jsonLength(part);
    lengths.set(part, length);
  }
  return length;
}

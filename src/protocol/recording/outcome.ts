// What the core answered, as a recording keeps it: the effects in words, and a running check over all of them.

import CRC32 from 'crc-32';
import type { Effect, Send } from '../effects.ts';
import { recordBytes } from './payloads.ts';
import { payloadHash } from '../../collective/payload-hash.ts';

const who = (member: string): string => member.slice(0, 4);
const sent = ({ to, message }: Send): string => `send ${message.kind} to ${who(to)}`;

/** An effect in a few words. */
function label(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
      return sent(effect);
    case 'store':
      return ['store a ballot', ...effect.thenSend.map(sent)].join(' then ');
    case 'setTimer':
    case 'clearTimer':
      return `${effect.kind} ${effect.name}`;
    case 'report':
      return `report ${effect.event.kind}`;
    case 'prepareEngine':
    case 'compute':
    case 'apply':
    case 'exportState':
    case 'copyState':
    case 'importState':
    case 'restore':
    case 'checkpoint':
    case 'watchSeats':
    case 'releaseSeat':
    case 'dropLink':
    case 'connect':
    case 'meet':
    case 'disconnect':
      return effect.kind;
  }
}

export const shapeOf = (effects: readonly Effect[]): string => effects.map(label).join(', ');

/** The same text for the same data, whatever the order of its keys; payloads as their hashes. */
export function textOf(value: unknown): string {
  if (value instanceof Int32Array) return `"#${value.length}:${payloadHash(value)}"`;
  if (value instanceof Uint8Array) return textOf(recordBytes(value));
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${key}:${textOf(item)}`).join()}}`;
  }
  return JSON.stringify(value);
}

/** Goes on from one answer to the next, so that one difference shows in all that follow. */
export const chain = (before: number, effects: readonly Effect[]): number =>
  effects.reduce((crc, effect) => CRC32.str(textOf(effect), crc), before);

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 18 bits of the chain as three characters: what an entry keeps. */
export const checkOf = (crc: number): string =>
  [0, 6, 12].map((shift) => DIGITS.charAt((crc >>> shift) & 63)).join('');

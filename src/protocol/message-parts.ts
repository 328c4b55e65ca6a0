// A message in two: a header, which is JSON, and the raw payload of the few messages that carry one.

import { CodecError } from './codec-error.ts';
import { parseHeader, type Header } from './message-schema.ts';
import type { Lesson, Message, Relay } from './messages.ts';

/** The message that a relayed one or a lesson is about. */
export const innermost = (message: Message): Message =>
  message.kind === 'relay' || message.kind === 'lesson' ? innermost(message.message) : message;

/** A message apart from what it carries in bulk. */
export function split(message: Message): { readonly header: unknown; readonly payload: Uint8Array } {
  if (message.kind === 'relay' || message.kind === 'lesson') {
    const { header, payload } = split(message.message);
    return { header: { ...message, message: header }, payload };
  }
  if (message.kind === 'part') {
    const { payload, ...header } = message;
    return { header, payload: asBytes(payload) };
  }
  if (message.kind === 'gradient') {
    const { reduced, exponents, ...rest } = message;
    const header = exponents === undefined ? rest : { ...rest, exponents: Array.from(exponents) };
    return { header, payload: asBytes(reduced) };
  }
  if (message.kind === 'state' || message.kind === 'piece') {
    const { bytes, ...header } = message;
    return { header, payload: bytes };
  }
  return { header: message, payload: new Uint8Array(0) };
}

/** The lanes that a message carries, if any. */
export function lanesIn(message: Message): Int32Array | undefined {
  const inner = innermost(message);
  return inner.kind === 'part' ? inner.payload : inner.kind === 'gradient' ? inner.reduced : undefined;
}

export const asBytes = (words: Int32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

export function hasPayload(message: Message): boolean {
  const { kind } = innermost(message);
  return kind === 'part' || kind === 'gradient' || kind === 'state' || kind === 'piece';
}

/** Puts together what `split` took apart. Throws a `CodecError`: the header is not trusted. */
export const rejoin = (header: unknown, payload: Uint8Array<ArrayBuffer>): Message =>
  join(parseHeader(header), payload);

export function join(header: Header, payload: Uint8Array<ArrayBuffer>): Message {
  if (header.kind === 'relay')
    return { ...header, message: join(header.message, payload) as Relay['message'] };
  if (header.kind === 'lesson')
    return { ...header, hash: header.hash, message: join(header.message, payload) as Lesson['message'] };
  if (header.kind === 'part') return { ...header, payload: asWords(payload) };
  if (header.kind === 'gradient') {
    const exponents = header.exponents === undefined ? undefined : Int32Array.from(header.exponents);
    return { ...header, exponents, quarantined: header.quarantined, reduced: asWords(payload) };
  }
  if (header.kind === 'state' || header.kind === 'piece') return { ...header, bytes: payload };
  if (payload.length > 0)
    throw new CodecError(
      `A message of kind ${header.kind} carries no payload, and ${payload.length} bytes came.`,
    );
  return header as Message;
}

export function asWords(payload: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (payload.length % 4 !== 0)
    throw new CodecError(`Lanes come in words of 4 bytes, and ${payload.length} bytes came.`);
  return new Int32Array(payload.buffer, payload.byteOffset, payload.length / 4);
}

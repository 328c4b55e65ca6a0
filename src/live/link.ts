// Links as values: the room link in the address bar (`#room=CODE.SECRET`) and the fragment that opens a rank's frame.
// Both live in fragments, which browsers never send to a server. Whatever comes out of here has been validated.

import * as v from 'valibot';
import { JobSchema } from '../job/job.ts';
import { IceSchema, SignalSchema } from '../transport/network-settings.ts';
import type { RankOptions } from './api.ts';

/** Names a room, and proves that whoever holds it was invited. */
export interface RoomLink {
  /** Six letters of `CODE_LETTERS`: public, and easy to read aloud. */
  readonly room: string;
  /** 128 random bits, base64url without padding. */
  readonly secret: string;
}

/** `malformed`: not a link of ours. `room`, `secret`: that part is wrong. `options`: a rank's frame was opened with a bad value. */
export type LinkFault = 'too-long' | 'malformed' | 'room' | 'secret' | 'options';

/** What a bad link throws. The message is for a person: what was expected, what was found, what to do. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  constructor(
    readonly fault: LinkFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The alphabet without I, L and O, which look like digits. */
export const CODE_LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ';
const CODE_LENGTH = 6;
const SECRET_BYTES = 16;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A room link is 34 characters; a fragment far beyond that is not worth reading. */
const MAX_ROOM_FRAGMENT = 512;
/** A rank's fragment carries a job, whose JSON stays far below this. */
const MAX_RANK_FRAGMENT = 32 * 1024;

const ASK_AGAIN = 'Ask for the link again, or open this page without a link to make a room.';

export const RoomCodeSchema = v.pipe(v.string(), v.regex(new RegExp(`^[${CODE_LETTERS}]{${CODE_LENGTH}}$`)));
/** 22 characters hold 132 bits, of which the last four must be zero: so that one secret has one spelling. */
export const SecretSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/));

/** A name that a person gives to the checkpoints of a run. */
export const CheckpointPathSchema = v.pipe(v.string(), v.regex(/^[\w .-]{1,64}$/u));

const flag = v.pipe(
  v.picklist(['0', '1']),
  v.transform((text) => text === '1'),
);

const RankFragmentSchema = v.strictObject({
  room: RoomCodeSchema,
  secret: SecretSchema,
  fresh: flag,
  engine: v.picklist(['auto', 'webgpu', 'cpu']),
  autostart: flag,
  tune: flag,
  signal: v.exactOptional(SignalSchema),
  ice: v.exactOptional(IceSchema),
  job: v.pipe(v.string(), v.parseJson(), JobSchema),
  path: v.exactOptional(CheckpointPathSchema),
  from: v.exactOptional(v.pipe(v.string(), v.maxLength(400))),
  share: v.exactOptional(
    v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number), v.minValue(1), v.maxValue(100)),
  ),
});

/** Fills an array with random bytes; the browser's by default. */
export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => void;

const cryptoBytes: RandomBytes = (bytes) => {
  crypto.getRandomValues(bytes);
};

/** A room that nobody is in yet. */
export function newRoom(random: RandomBytes = cryptoBytes): RoomLink {
  return { room: randomCode(random), secret: randomSecret(random) };
}

/** `#room=CODE.SECRET` */
export const formatRoomLink = (link: RoomLink): string => `#room=${link.room}.${link.secret}`;

/**
 * Reads the fragment of a lab's address, with or without its `#`.
 * Returns undefined where it names no room at all; throws a `LinkError` where it tries to and fails.
 */
export function parseRoomLink(hash: string): RoomLink | undefined {
  const fragment = stripHash(hash);
  if (fragment === '') return undefined;
  if (fragment.length > MAX_ROOM_FRAGMENT) {
    throw new LinkError(
      'too-long',
      `This room link has ${fragment.length} characters; a room link has 34. ${ASK_AGAIN}`,
    );
  }
  const value = new URLSearchParams(fragment).get('room');
  if (value === null) {
    throw new LinkError(
      'malformed',
      `This address ends in something that is not a room link (#room=…). ${ASK_AGAIN}`,
    );
  }
  const [code = '', secret, ...rest] = value.trim().split('.');
  const room = code.toUpperCase();
  if (rest.length > 0) {
    throw new LinkError('malformed', `This room link has more than a code and a secret in it. ${ASK_AGAIN}`);
  }
  if (!v.is(RoomCodeSchema, room)) {
    throw new LinkError(
      'room',
      `A room's code is six letters without I, L and O; this link says “${shorten(code)}”. ${ASK_AGAIN}`,
    );
  }
  if (secret === undefined || secret === '') {
    throw new LinkError(
      'secret',
      `This link to room ${room} has lost its secret, the part after the dot. ${ASK_AGAIN}`,
    );
  }
  if (!v.is(SecretSchema, secret)) {
    throw new LinkError(
      'secret',
      `The secret in this link to room ${room} is cut short or changed. ${ASK_AGAIN}`,
    );
  }
  return { room, secret };
}

/** The fragment of `rank.html`, with its `#`. */
export function encodeRankOptions(options: RankOptions): string {
  const params = new URLSearchParams({
    room: options.room,
    secret: options.secret,
    fresh: options.fresh ? '1' : '0',
    engine: options.engine,
    autostart: options.autostart ? '1' : '0',
    tune: options.tune ? '1' : '0',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.ice === undefined ? {} : { ice: options.ice }),
    job: JSON.stringify(options.job),
    ...(options.path === undefined ? {} : { path: options.path }),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.share === undefined ? {} : { share: String(options.share) }),
  });
  return `#${params.toString()}`;
}

/** Reads the fragment of `rank.html`, with or without its `#`. Throws a `LinkError` that names the part that is wrong. */
export function parseRankOptions(hash: string): RankOptions {
  const fragment = stripHash(hash);
  if (fragment.length > MAX_RANK_FRAGMENT) {
    throw new LinkError(
      'too-long',
      `The rank was opened with ${fragment.length} characters of options; at most ${MAX_RANK_FRAGMENT} are read.`,
    );
  }
  const params = new URLSearchParams(fragment);
  const names = [...params.keys()];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new LinkError(
      'options',
      `The rank was opened with two values for “${shorten(repeated)}”. Open it from the lab.`,
    );
  }
  const result = v.safeParse(RankFragmentSchema, Object.fromEntries(params));
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? 'options';
  throw new LinkError(
    faultAt(path),
    `The rank was opened with bad options, at ${shorten(path)}: ${issue.message}. Open it from the lab.`,
  );
}

function faultAt(path: string): LinkFault {
  return path === 'room' || path === 'secret' ? path : 'options';
}

const stripHash = (hash: string): string => (hash.startsWith('#') ? hash.slice(1) : hash);

/** Text from a stranger, short enough to show in a sentence. */
const shorten = (text: string): string => (text.length > 24 ? `${text.slice(0, 24)}…` : text);

export function randomCode(random: RandomBytes = cryptoBytes): string {
  // Bytes from this value on would make the first letters likelier than the others.
  const limit = 256 - (256 % CODE_LETTERS.length);
  let code = '';
  while (code.length < CODE_LENGTH) {
    const byte = new Uint8Array(1);
    random(byte);
    const value = byte[0] ?? limit;
    if (value < limit) code += CODE_LETTERS.charAt(value % CODE_LETTERS.length);
  }
  return code;
}

export function randomSecret(random: RandomBytes = cryptoBytes): string {
  const bytes = new Uint8Array(SECRET_BYTES);
  random(bytes);
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += BASE64URL.charAt((bits >> held) & 63);
    }
    bits &= (1 << held) - 1;
  }
  return text + BASE64URL.charAt((bits << (6 - held)) & 63);
}

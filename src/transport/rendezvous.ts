// Where pages of a room find each other without a list: numbered places, `rankfall-<room>-<slot>`, of which a page takes the
// lowest free one. Pure: names, the greeting between places, who calls whom, and how long to wait.

import * as v from 'valibot';
import { TransportError } from './transport-error.ts';

/** Places of one room. */
export const MAX_SLOTS = 256;
/** How many places beyond the known ones a page tries. */
export const PROBE_WINDOW = 8;

const ROOM_NAME = /^[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*$/;

/** A page's own random id in the rendezvous, 32 hex digits. Not the member id, which only the handshake tells. */
export type PageId = string;

/** @throws {TransportError} for a name that a PeerServer would not take */
export function checkRoomName(room: string): void {
  if (room.length <= 64 && ROOM_NAME.test(room)) return;
  throw new TransportError(
    'bad-room',
    `Expected a room name of at most 64 letters and digits, with single - or _ between them, found "${room.slice(0, 80)}".`,
  );
}

export const peerIdOf = (room: string, slot: number): string => `rankfall-${room}-${slot}`;

/** The place that a PeerJS id names in this room, if it is one. */
export function slotOf(room: string, peerId: string): number | undefined {
  const prefix = peerIdOf(room, 0).slice(0, -1);
  if (!peerId.startsWith(prefix)) return undefined;
  const digits = peerId.slice(prefix.length);
  if (!/^(?:0|[1-9]\d{0,3})$/.test(digits)) return undefined;
  const slot = Number(digits);
  return slot < MAX_SLOTS ? slot : undefined;
}

/**
 * Of two pages the one with the greater id calls, so that two never call each other at once. A page that finds a peer and may
 * not call greets it, and is called.
 */
export const calls = (self: PageId, peer: PageId): boolean => self > peer;

const pageId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/**
 * What a page says to a place before there is a connection. It travels as a PeerServer message of type CANDIDATE without a
 * connection id, which servers pass on like any other and PeerJS ignores: a greeting costs no RTCPeerConnection, of which a
 * browser tab gets 500 in its life.
 */
const GreetingSchema = v.object({
  rankfall: v.literal('hello'),
  page: pageId,
  /** The sender has a link to the receiver, as far as it knows. */
  linked: v.boolean(),
});
export type Greeting = v.InferOutput<typeof GreetingSchema>;

const GreetingMessageSchema = v.object({
  type: v.literal('CANDIDATE'),
  src: v.string(),
  payload: GreetingSchema,
});

/** A greeting among the messages of a PeerServer; `undefined` for all others. */
export function parseGreeting(
  room: string,
  data: unknown,
): { readonly slot: number; readonly greeting: Greeting } | undefined {
  const parsed = v.safeParse(GreetingMessageSchema, data);
  if (!parsed.success) return undefined;
  // The server sets `src`; a page cannot speak for another place.
  const slot = slotOf(room, parsed.output.src);
  return slot === undefined ? undefined : { slot, greeting: parsed.output.payload };
}

/** What a caller says of itself in its offer. */
const CallSchema = v.object({ rankfall: v.literal('call'), page: pageId });
export type Call = v.InferOutput<typeof CallSchema>;

export function parseCall(metadata: unknown): Call | undefined {
  const parsed = v.safeParse(CallSchema, metadata);
  return parsed.success ? parsed.output : undefined;
}

/** How often the channels of a connection can be renewed: each time takes two of its 1,024 streams. */
export const MAX_RENEWALS = 400;

/**
 * New ways through the network for a connection that falters, sent like a greeting: its own channels do not carry at the moment. The
 * certificate in it must be the one that the link was bound to.
 */
const RestartSchema = v.object({
  rankfall: v.literal('restart'),
  page: pageId,
  description: v.object({
    type: v.picklist(['offer', 'answer']),
    sdp: v.pipe(v.string(), v.maxLength(16 * 1024)),
  }),
});
export type Restart = v.InferOutput<typeof RestartSchema>;

const RestartMessageSchema = v.object({
  type: v.literal('CANDIDATE'),
  src: v.string(),
  payload: RestartSchema,
});

/** A restart among the messages of a PeerServer; `undefined` for all others. */
export function parseRestart(
  room: string,
  data: unknown,
): { readonly slot: number; readonly restart: Restart } | undefined {
  const parsed = v.safeParse(RestartMessageSchema, data);
  if (!parsed.success) return undefined;
  const slot = slotOf(room, parsed.output.src);
  return slot === undefined ? undefined : { slot, restart: parsed.output.payload };
}

/** What connected pages say to each other on the channel that they own. */
const PageWordSchema = v.variant('say', [
  v.strictObject({ say: v.literal('goodbye') }),
  /** Places where the sender knows pages of the room. */
  v.strictObject({
    say: v.literal('slots'),
    slots: v.pipe(
      v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SLOTS - 1))),
      v.maxLength(MAX_SLOTS),
    ),
  }),
  /**
   * New channels on the connection that stands, in place of a link that is over: the caller asks, the callee has made its channels, the
   * caller has made its own and the callee may speak. Rounds count up, so that what belongs to an earlier try is told apart.
   */
  v.strictObject({
    say: v.literal('renew'),
    stage: v.picklist(['ask', 'made', 'go']),
    round: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_RENEWALS)),
  }),
]);
export type PageWord = v.InferOutput<typeof PageWordSchema>;

const MAX_WORD_CHARACTERS = 4096;

export function parsePageWord(data: unknown): PageWord | undefined {
  if (typeof data !== 'string' || data.length > MAX_WORD_CHARACTERS) return undefined;
  try {
    const parsed = v.safeParse(PageWordSchema, JSON.parse(data));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** The places to greet: all up to the highest that matters and a window beyond, without the own one and those to be left out. */
export function slotsToGreet(own: number, known: Iterable<number>, without: ReadonlySet<number>): number[] {
  const end = Math.min(MAX_SLOTS, Math.max(own, ...known, ...without) + 1 + PROBE_WINDOW);
  return Array.from({ length: end }, (_, slot) => slot).filter((slot) => slot !== own && !without.has(slot));
}

/**
 * Exponential backoff in milliseconds: `first`, doubled at each attempt from 0 up to `most`, and up to a quarter less by
 * `chance` in [0, 1), so that pages that lost the same server do not come back in step.
 */
export function backoff(attempt: number, first: number, most: number, chance: number): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return Math.round(full * (1 - chance / 4));
}

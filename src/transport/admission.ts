// Which messages of a signalling server get as far as PeerJS. Whoever knows the room's name can send them, secret or not, and each
// costs something that a tab has only so much of: an offer makes an RTCPeerConnection before anybody is asked (a tab gets 500 in its
// life), and what belongs to no connection is kept by PeerJS for ever. Pure; time comes from outside, in milliseconds.

import * as v from 'valibot';

/** Connections with peers that have proved nothing: so many at once, and then one in each interval. One that proves itself is free. */
const UNPROVEN_CALLS = 48;
const UNPROVEN_CALL_MS = 10_000;
/** Greetings that are heard in a second. A page greets a place at most four times a second, and mostly every ten seconds. */
const GREETINGS_PER_SECOND = 500;

export interface Admission {
  /** Whether a connection may be opened, or an offer heard, at `now`. */
  call(now: number): boolean;
  /** A peer has proved the secret: its connection does not count. */
  proven(): void;
  greeting(now: number): boolean;
  /** How many were turned away since this was last asked. */
  turnedAway(): number;
}

export function createAdmission(): Admission {
  let calls = UNPROVEN_CALLS;
  let refilledAt = 0;
  let second = 0;
  let greetings = 0;
  let turnedAway = 0;

  const judge = (welcome: boolean): boolean => {
    if (!welcome) turnedAway += 1;
    return welcome;
  };

  return {
    call(now) {
      const refills = Math.floor((now - refilledAt) / UNPROVEN_CALL_MS);
      if (refills > 0) {
        calls = Math.min(UNPROVEN_CALLS, calls + refills);
        refilledAt += refills * UNPROVEN_CALL_MS;
      }
      if (calls === 0) return judge(false);
      calls -= 1;
      return true;
    },
    proven() {
      calls = Math.min(UNPROVEN_CALLS, calls + 1);
    },
    greeting(now) {
      if (now - second >= 1000) {
        second = now;
        greetings = 0;
      }
      greetings += 1;
      return judge(greetings <= GREETINGS_PER_SECOND);
    },
    turnedAway() {
      const count = turnedAway;
      turnedAway = 0;
      return count;
    },
  };
}

const text = v.pipe(v.string(), v.maxLength(256));

const ServerMessageSchema = v.variant('type', [
  v.object({ type: v.literal('OFFER'), src: text }),
  v.object({
    type: v.picklist(['ANSWER', 'CANDIDATE']),
    src: text,
    payload: v.object({ connectionId: v.optional(text), rankfall: v.optional(text) }),
  }),
  v.object({ type: v.picklist(['OPEN', 'ERROR', 'ID-TAKEN', 'INVALID-KEY', 'LEAVE', 'EXPIRE']) }),
]);

export type Heard =
  | { readonly kind: 'offer' }
  | { readonly kind: 'greeting' }
  /** Belongs to a connection that should be known. */
  | { readonly kind: 'negotiation'; readonly from: string; readonly connection: string }
  /** The server's own word. */
  | { readonly kind: 'server' }
  /** Nothing that anybody of ours would send. */
  | { readonly kind: 'noise' };

/** What a message of a PeerServer is about. */
export function classify(data: unknown): Heard {
  const parsed = v.safeParse(ServerMessageSchema, data);
  if (!parsed.success) return { kind: 'noise' };
  const message = parsed.output;
  switch (message.type) {
    case 'OFFER':
      return { kind: 'offer' };
    case 'ANSWER':
    case 'CANDIDATE': {
      const { rankfall, connectionId } = message.payload;
      if (rankfall !== undefined) return { kind: 'greeting' };
      return connectionId === undefined
        ? { kind: 'noise' }
        : { kind: 'negotiation', from: message.src, connection: connectionId };
    }
    case 'OPEN':
    case 'ERROR':
    case 'ID-TAKEN':
    case 'INVALID-KEY':
    case 'LEAVE':
    case 'EXPIRE':
      return { kind: 'server' };
  }
}

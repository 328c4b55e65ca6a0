// The handshake of one link, as a sans-IO state machine: both ends prove that they know the room's secret before any message
// counts.
//
//   caller                         callee
//     hello(nonce, member)  ⇄  hello(nonce, member)       as soon as the channel is open
//     proof(mac)            ⇄  proof(mac)                 when the other's hello is here
//     accept                ⇄  accept                     when the other's proof holds
//
// mac = HMAC-SHA-256(secret, transcript): version, who proves (caller or callee), room, both nonces, both DTLS fingerprints
// and both member ids. A replayed proof fails on our fresh nonce, a reflected one on the role, and a man in the middle (the
// signalling server, say) on the fingerprints, since it cannot own both ends' certificates. A peer is linked when its proof
// holds and it has accepted ours, so that neither end speaks before the other listens.
//
// A stranger who runs a handshake with us holds one of our proofs and can try secrets against it at leisure: secrets must be
// random and long. Rooms make them with 128 bits.

import { isMemberId } from '../ports/ids.ts';
import type { MemberId } from '../ports/ids.ts';
import { WIRE_VERSION } from './frame.ts';
import type { FrameKind } from './frame.ts';
import { decodeRefusal, encodeRefusal, refusal } from './refusal.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** Who opened the connection. */
export type LinkRole = 'caller' | 'callee';

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;
const MEMBER_BYTES = 16;

/** What the two ends of this carrier, and nobody between them, have in common: for WebRTC the DTLS fingerprints. */
export interface ChannelBinding {
  readonly local: string;
  readonly remote: string;
}

export interface HandshakeConfig {
  readonly role: LinkRole;
  readonly room: string;
  readonly self: MemberId;
  /** 32 random bytes, new for every handshake. */
  readonly nonce: Uint8Array<ArrayBuffer>;
}

interface Greeting {
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly member: MemberId;
}

export type HandshakeState =
  /** The channel or its binding is not there yet. An early hello is kept. */
  | { readonly phase: 'waiting'; readonly early: Uint8Array<ArrayBuffer> | undefined }
  | { readonly phase: 'greeting'; readonly binding: ChannelBinding }
  /** The macs are being computed. An early proof is kept. */
  | {
      readonly phase: 'proving';
      readonly peer: MemberId;
      readonly early: Uint8Array<ArrayBuffer> | undefined;
    }
  | { readonly phase: 'verifying'; readonly peer: MemberId; readonly expected: Uint8Array<ArrayBuffer> }
  /** The peer's proof holds; ours is with the peer. */
  | { readonly phase: 'confirming'; readonly peer: MemberId }
  | { readonly phase: 'linked'; readonly peer: MemberId }
  | { readonly phase: 'refused' };

export type HandshakeEvent =
  | { readonly kind: 'open'; readonly binding: ChannelBinding }
  | { readonly kind: 'frame'; readonly frame: FrameKind; readonly payload: Uint8Array<ArrayBuffer> }
  /** Answers the effect `mac`. */
  | {
      readonly kind: 'macs';
      readonly own: Uint8Array<ArrayBuffer>;
      readonly expected: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'timeout' }
  /** A frame that did not decode. */
  | { readonly kind: 'garbled'; readonly fault: 'version' | 'malformed'; readonly detail: string };

export type HandshakeEffect =
  | {
      readonly kind: 'send';
      readonly frame: Exclude<FrameKind, 'data'>;
      readonly payload: Uint8Array<ArrayBuffer>;
    }
  /** Compute both HMACs under the room's secret and answer with `macs`. */
  | {
      readonly kind: 'mac';
      readonly own: Uint8Array<ArrayBuffer>;
      readonly expected: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'linked'; readonly peer: MemberId }
  /** Close the link, after what was sent has left. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface HandshakeStep {
  readonly state: HandshakeState;
  readonly effects: readonly HandshakeEffect[];
}

export const HANDSHAKE_START: HandshakeState = { phase: 'waiting', early: undefined };

const EMPTY = new Uint8Array(0);
const stay = (state: HandshakeState): HandshakeStep => ({ state, effects: [] });

/** The peer that a state has to do with: as it calls itself, or as proven once `linked`. */
const peerOf = (state: HandshakeState): MemberId | undefined => ('peer' in state ? state.peer : undefined);

function refuse(state: HandshakeState, code: RefusalCode, detail = ''): HandshakeStep {
  return {
    state: { phase: 'refused' },
    effects: [
      { kind: 'send', frame: 'refuse', payload: encodeRefusal(code, detail) },
      { kind: 'refused', refusal: refusal(code, 'self', peerOf(state), detail) },
    ],
  };
}

export function stepHandshake(
  config: HandshakeConfig,
  state: HandshakeState,
  event: HandshakeEvent,
): HandshakeStep {
  if (state.phase === 'refused' || state.phase === 'linked') return stay(state);
  switch (event.kind) {
    case 'timeout':
      return refuse(state, 'timeout');
    case 'garbled':
      return refuse(state, event.fault, event.detail);
    case 'open':
      return open(config, state, event.binding);
    case 'macs':
      return takeMacs(state, event.own, event.expected);
    case 'frame':
      switch (event.frame) {
        case 'hello':
          return takeHello(config, state, event.payload);
        case 'proof':
          return takeProof(state, event.payload);
        case 'accept':
          if (state.phase !== 'confirming' || event.payload.length !== 0) break;
          return linked(state.peer);
        case 'data':
          // Only a peer that has accepted us sends data, and its acceptance may be behind it on another lane.
          if (state.phase !== 'confirming') break;
          return linked(state.peer);
        case 'credit':
          break;
        case 'refuse': {
          const said = decodeRefusal(event.payload);
          if (said === undefined) break;
          const told = refusal(said.code, 'peer', peerOf(state), said.detail);
          return { state: { phase: 'refused' }, effects: [{ kind: 'refused', refusal: told }] };
        }
      }
      return refuse(state, 'malformed', `an unexpected ${event.frame} while ${state.phase}`);
  }
}

const linked = (peer: MemberId): HandshakeStep => ({
  state: { phase: 'linked', peer },
  effects: [{ kind: 'linked', peer }],
});

function open(config: HandshakeConfig, state: HandshakeState, binding: ChannelBinding): HandshakeStep {
  if (state.phase !== 'waiting') return stay(state);
  const payload = new Uint8Array(NONCE_BYTES + MEMBER_BYTES);
  payload.set(config.nonce);
  payload.set(memberBytes(config.self), NONCE_BYTES);
  const hello: HandshakeEffect = { kind: 'send', frame: 'hello', payload };
  const greeting: HandshakeState = { phase: 'greeting', binding };
  if (state.early === undefined) return { state: greeting, effects: [hello] };
  const next = takeHello(config, greeting, state.early);
  return { state: next.state, effects: [hello, ...next.effects] };
}

function takeHello(
  config: HandshakeConfig,
  state: HandshakeState,
  payload: Uint8Array<ArrayBuffer>,
): HandshakeStep {
  if (state.phase === 'waiting' && state.early === undefined) {
    return stay({ phase: 'waiting', early: payload });
  }
  if (state.phase !== 'greeting') {
    return refuse(state, 'malformed', `a second hello while ${state.phase}`);
  }
  const peer = readHello(payload);
  if (peer === undefined) return refuse(state, 'malformed', `a hello of ${payload.length} bytes`);
  if (peer.member === config.self) return refuse(state, 'self');
  const { role, room, self, nonce } = config;
  const { local, remote } = state.binding;
  const ours = { nonce, member: self, fingerprint: local };
  const theirs = { ...peer, fingerprint: remote };
  const [caller, callee] = role === 'caller' ? [ours, theirs] : [theirs, ours];
  const transcript = (prover: LinkRole): Uint8Array<ArrayBuffer> =>
    joinFields([
      text('rankfall link'),
      text(String(WIRE_VERSION)),
      text(prover),
      text(room),
      caller.nonce,
      callee.nonce,
      text(caller.fingerprint),
      text(callee.fingerprint),
      text(caller.member),
      text(callee.member),
    ]);
  return {
    state: { phase: 'proving', peer: peer.member, early: undefined },
    effects: [
      { kind: 'mac', own: transcript(role), expected: transcript(role === 'caller' ? 'callee' : 'caller') },
    ],
  };
}

function takeMacs(
  state: HandshakeState,
  own: Uint8Array<ArrayBuffer>,
  expected: Uint8Array<ArrayBuffer>,
): HandshakeStep {
  if (state.phase !== 'proving') return stay(state);
  const proof: HandshakeEffect = { kind: 'send', frame: 'proof', payload: own };
  const verifying: HandshakeState = { phase: 'verifying', peer: state.peer, expected };
  if (state.early === undefined) return { state: verifying, effects: [proof] };
  const next = takeProof(verifying, state.early);
  return { state: next.state, effects: [proof, ...next.effects] };
}

function takeProof(state: HandshakeState, payload: Uint8Array<ArrayBuffer>): HandshakeStep {
  if (payload.length !== PROOF_BYTES) {
    return refuse(state, 'malformed', `a proof of ${payload.length} bytes`);
  }
  if (state.phase === 'proving' && state.early === undefined) return stay({ ...state, early: payload });
  if (state.phase !== 'verifying') return refuse(state, 'malformed', `a proof while ${state.phase}`);
  if (!equalInConstantTime(payload, state.expected)) return refuse(state, 'wrong-secret');
  return {
    state: { phase: 'confirming', peer: state.peer },
    effects: [{ kind: 'send', frame: 'accept', payload: EMPTY }],
  };
}

/** Takes the same time wherever the first difference is, so that a proof cannot be guessed byte by byte. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

function readHello(payload: Uint8Array<ArrayBuffer>): Greeting | undefined {
  if (payload.length !== NONCE_BYTES + MEMBER_BYTES) return undefined;
  const member = Array.from(payload.subarray(NONCE_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  return isMemberId(member) ? { nonce: payload.slice(0, NONCE_BYTES), member } : undefined;
}

const memberBytes = (member: MemberId): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: MEMBER_BYTES }, (_, i) => Number.parseInt(member.slice(2 * i, 2 * i + 2), 16));

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** Each field behind its length, so that no two lists of fields give the same bytes. */
function joinFields(fields: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(fields.reduce((sum, field) => sum + 4 + field.length, 0));
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const field of fields) {
    view.setUint32(at, field.length, true);
    joined.set(field, at + 4);
    at += 4 + field.length;
  }
  return joined;
}

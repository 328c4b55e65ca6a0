// The witness beside the server: the pure machine, its ballots in a file, and links to the pages over the server's own relay, with the
// handshake of every link.

import { randomBytes } from 'node:crypto';
import { WebSocket, type RawData } from 'ws';
import { isMemberId, type MemberId } from '../../ports/ids.ts';
import { decodeMessage, encodeMessage } from '../../protocol/codec.ts';
import { CodecError } from '../../protocol/codec-error.ts';
import type { Effect, Event, Send } from '../../protocol/effects.ts';
import { createWitness, stepWitness } from '../../protocol/witness.ts';
import { openFallback } from '../../transport/fallback/fallback.ts';
import { openRelay, type OpenSocket } from '../../transport/fallback/relay.ts';
import { RELAY_PATH } from '../../transport/fallback/relay-protocol.ts';
import { createLink, type Link } from '../../transport/link.ts';
import { createMac } from '../../transport/mac.ts';
import { systemClock } from '../../transport/system-clock.ts';
import { openBallotFile } from './ballot-file.ts';

export { BallotFileError } from './ballot-file.ts';

export interface WitnessOptions {
  /** Of the server that carries it; ends in a slash. */
  readonly url: string;
  readonly room: string;
  readonly secret: string;
  /** Where its ballots are kept. */
  readonly file: string;
  /** A vote that could not be stored, and was not cast. */
  readonly abstained: (reason: string) => void;
}

export interface RunningWitness {
  /** Ranks that it has links with. */
  peers(): readonly MemberId[];
  close(): Promise<void>;
}

/** A vote is short; a room message names at most 64 members. */
const MAX_BYTES = { control: 64 * 1024, bulk: 64 * 1024 } as const;

/** Throws a `BallotFileError` where its ballots cannot be read, or are another's. */
export async function openWitness(options: WitnessOptions): Promise<RunningWitness> {
  const { room, secret, abstained } = options;
  const ballots = await openBallotFile(options.file);
  const clock = systemClock();
  const mac = createMac(secret);
  const self = newMemberId();
  const state = createWitness({ member: self, seat: ballots.book.seat }, ballots.book);
  const links = new Map<MemberId, Link>();
  const timers = new Map<string, () => void>();
  let closed = false;

  const transmit = ({ to, message }: Send): void => {
    const { lane, bytes } = encodeMessage(message);
    links.get(to)?.send(lane, bytes);
  };

  const dispatch = (event: Event): void => {
    if (closed) return;
    for (const effect of stepWitness(state, event, clock.now())) carryOut(effect);
  };

  const carryOut = (effect: Effect): void => {
    if (effect.kind === 'send') transmit(effect);
    else if (effect.kind === 'store')
      ballots.save(effect.record).then(
        () => {
          if (!closed) effect.thenSend.forEach(transmit);
        },
        (error: unknown) => {
          abstained(error instanceof Error ? error.message : String(error));
        },
      );
    else if (effect.kind === 'setTimer') {
      timers.get(effect.name)?.();
      timers.set(
        effect.name,
        clock.after(effect.ms, () => dispatch({ kind: 'timer', name: effect.name })),
      );
    }
  };

  const fallback = openFallback({
    self,
    clock,
    // There is no WebRTC here: nobody waits for it.
    directMs: 0,
    media: [openRelay({ url: relayUrl(options.url), room, secret: options.secret, clock, openSocket })],
    linked: (member) => links.has(member),
    turnedAway: () => undefined,
    keptApart: () => undefined,
    carry({ role, control, bulk, closed: ended }) {
      let peer: MemberId | undefined;
      const link = createLink({
        role,
        room,
        self,
        mac,
        clock,
        control,
        bulk,
        maxMessageBytes: MAX_BYTES,
        events: {
          linked(member) {
            if (closed) return 'dropped';
            if (links.has(member)) return 'duplicate-member';
            peer = member;
            links.set(member, link);
            dispatch({ kind: 'linkUp', peer: member });
            return undefined;
          },
          message(from, _lane, bytes) {
            try {
              dispatch({ kind: 'message', from, message: decodeMessage(bytes) });
            } catch (error) {
              // Damaged on the way: what matters is said again.
              if (!(error instanceof CodecError)) throw error;
            }
          },
          // A stranger, or a broken link: it is closed, and that is all.
          refused: () => undefined,
          ended(evidence) {
            if (peer === undefined || links.get(peer) !== link) return;
            links.delete(peer);
            dispatch({ kind: 'linkDown', peer, evidence: evidence ?? 'channel-closed' });
          },
          closed: ended,
        },
      });
      return link;
    },
  });

  return {
    peers: () => [...links.keys()],
    async close() {
      closed = true;
      fallback.close();
      for (const cancel of timers.values()) cancel();
      await ballots.close();
    },
  };
}

/** Of two ends the greater calls: the witness, which has nothing to wait for. */
function newMemberId(): MemberId {
  const id = `ffff${randomBytes(14).toString('hex')}`;
  if (!isMemberId(id)) throw new TypeError(`A member id has 32 hex digits, and this one is ${id}.`);
  return id;
}

const relayUrl = (url: string): string => new URL(RELAY_PATH, url.replace(/^http/, 'ws')).href;

/** To this very server, whatever its certificate. */
const openSocket: OpenSocket = (url, handlers) => {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  socket.binaryType = 'arraybuffer';
  socket.on('open', () => handlers.open());
  socket.on('message', (data: RawData, isBinary) => handlers.message(isBinary ? data : textOf(data)));
  socket.on('close', () => handlers.closed());
  // Told by `close` as well.
  socket.on('error', () => undefined);
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(),
  };
};

const textOf = (data: RawData): string =>
  Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as ArrayBuffer).toString();

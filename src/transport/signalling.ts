// Keeps this page at a place of its room on a PeerServer: takes the lowest free one, comes back when the server does, and
// passes greetings and calls. PeerJS is used for this alone; connections are taken off it once they stand.

import { Peer } from 'peerjs';
import type { DataConnection, PeerError, PeerJSOption } from 'peerjs';
import { classify, type Admission } from './admission.ts';
import { MAX_SLOTS, backoff, parseGreeting, parseRestart, peerIdOf, slotOf } from './rendezvous.ts';
import type { Call, Greeting, Restart } from './rendezvous.ts';
import type { SignallingProblem, SignallingState } from './signalling-state.ts';

export interface SignalServer {
  readonly host: string;
  readonly port: number;
  /** Where the PeerServer is mounted, such as `/signal`. */
  readonly path: string;
  readonly secure: boolean;
}

export interface SignallingHandlers {
  state(state: SignallingState): void;
  greeted(slot: number, greeting: Greeting): void;
  restart(slot: number, restart: Restart): void;
  /** A peer calls. Channels can be added to `connection.peerConnection` now, before its offer is answered. */
  called(slot: number, connection: DataConnection): void;
}

export interface Signalling {
  /** The place of this page, while it can be found. */
  slot(): number | undefined;
  /** Without a connection. Nothing while there is no server. */
  greet(slot: number, greeting: Greeting | Restart): void;
  /** `undefined` while there is no server. */
  call(slot: number, metadata: Call): DataConnection | undefined;
  /** Takes a standing connection out of PeerJS's hands, so that it outlives the server and the place. */
  detach(connection: DataConnection): void;
  close(): void;
}

/** A server that accepts the connection and then says nothing is given up after this time, in milliseconds. */
const OPEN_MS = 8_000;
const FIRST_RETRY_MS = 500;
const MOST_RETRY_MS = 15_000;

/**
 * PeerJS's channels that came when nobody waited for them any more, held as long as their connections: Firefox collects a channel that
 * nobody holds and so closes it, upon which PeerJS at the other end closes the whole connection.
 */
const late = new WeakMap<RTCPeerConnection, RTCDataChannel>();

export function openSignalling(options: {
  readonly room: string;
  readonly server: SignalServer;
  readonly rtc: RTCConfiguration;
  readonly admission: Admission;
  readonly handlers: SignallingHandlers;
}): Signalling {
  const { room, server, rtc, admission, handlers } = options;
  let peer: Peer | undefined;
  let slot: number | undefined;
  let attempt = 0;
  let everOpen = false;
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const peerOptions: PeerJSOption = { ...server, config: rtc };

  function admitted(mine: Peer, data: unknown): boolean {
    const heard = classify(data);
    switch (heard.kind) {
      case 'server':
        return true;
      case 'offer':
        return admission.call(performance.now());
      case 'greeting':
        return admission.greeting(performance.now());
      case 'negotiation':
        // Late candidates of a connection that stands are not needed any more, and strangers' name connections that never were.
        return mine.getConnection(heard.from, heard.connection) !== null;
      case 'noise':
        return false;
    }
  }

  /** Tries one place; the next is tried when it is taken. */
  function take(candidate: number): void {
    if (closed) return;
    if (candidate >= MAX_SLOTS) {
      retry(
        'full',
        `Expected a free place in room ${room}, found all ${MAX_SLOTS} taken: close some of its tabs.`,
      );
      return;
    }
    // PeerJS declares a class for what is a plain object of options.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
    const mine = new Peer(peerIdOf(room, candidate), peerOptions);
    peer = mine;
    const discard = (): void => {
      clearTimeout(timer);
      mine.removeAllListeners();
      mine.destroy();
      if (peer === mine) peer = undefined;
      slot = undefined;
    };
    timer = setTimeout(() => {
      discard();
      retry(
        'unreachable',
        `Expected an answer from ${describe(server)} within ${OPEN_MS / 1000} s, found silence.`,
      );
    }, OPEN_MS);

    mine.on('open', () => {
      clearTimeout(timer);
      attempt = 0;
      everOpen = true;
      slot = candidate;
      handlers.state({ state: 'open', slot: candidate });
    });
    mine.on('error', (error: PeerError<string>) => {
      switch (error.type) {
        // A place that nobody holds, an offer that was malformed: each is about one connection.
        case 'peer-unavailable':
        case 'webrtc':
          return;
        case 'unavailable-id':
          discard();
          take(candidate + 1);
          return;
        case 'browser-incompatible':
          discard();
          handlers.state({
            state: 'failed',
            problem: 'unsupported',
            message:
              'Expected a browser with WebRTC data channels, found none: use a current Chrome, Edge, Firefox or Safari.',
          });
          return;
        case 'server-error':
        case 'invalid-key':
          discard();
          retry('refused', `Expected a place on ${describe(server)}, found a refusal: ${error.message}.`);
          return;
        default:
          discard();
          retry(
            everOpen ? 'lost' : 'unreachable',
            everOpen
              ? `The connection to ${describe(server)} broke. Open links go on; new tabs cannot join until it is back.`
              : `No signalling server answers at ${describe(server)}. Tabs of this browser find each other without one; for other machines, open the lab from "npm start", or name a PeerServer with ?signal=.`,
          );
      }
    });
    mine.on('connection', (connection) => {
      const from = slotOf(room, connection.peer);
      if (from === undefined) connection.close();
      else handlers.called(from, connection);
    });
    // Rankfall has no media: whoever sends such a call is somebody else.
    mine.on('call', (call) => call.close());
    // PeerJS acts on whatever the server passes on: it hears only what was admitted.
    const peerJs = mine.socket.listeners('message') as ((data: unknown) => void)[];
    mine.socket.removeAllListeners('message');
    mine.socket.on('message', (data: unknown) => {
      if (!admitted(mine, data)) return;
      for (const listener of peerJs) listener(data);
      const greeted = parseGreeting(room, data);
      if (greeted !== undefined && slot !== undefined) handlers.greeted(greeted.slot, greeted.greeting);
      const restarted = parseRestart(room, data);
      if (restarted !== undefined) handlers.restart(restarted.slot, restarted.restart);
    });
  }

  function retry(problem: SignallingProblem, message: string): void {
    if (closed) return;
    const retryInMs = backoff(attempt, FIRST_RETRY_MS, MOST_RETRY_MS, Math.random());
    attempt += 1;
    handlers.state({ state: 'retrying', problem, message, retryInMs });
    clearTimeout(timer);
    timer = setTimeout(() => take(0), retryInMs);
  }

  handlers.state({ state: 'connecting' });
  take(0);

  return {
    slot: () => slot,
    greet(to, greeting) {
      if (slot === undefined) return;
      peer?.socket.send({ type: 'CANDIDATE', dst: peerIdOf(room, to), payload: greeting });
    },
    call(to, metadata) {
      if (slot === undefined) return undefined;
      return peer?.connect(peerIdOf(room, to), { metadata, reliable: true, serialization: 'raw' });
    },
    detach(connection) {
      const { peerConnection } = connection;
      // PeerJS's own channel may come after ours: it would look for its connection in vain, and throw.
      peerConnection.ondatachannel = ({ channel }) => void late.set(peerConnection, channel);
      connection.provider._removeConnection(connection);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      peer?.removeAllListeners();
      peer?.destroy();
      peer = undefined;
      slot = undefined;
    },
  };
}

const describe = ({ host, port, path, secure }: SignalServer): string =>
  `${secure ? 'https' : 'http'}://${host}:${port}${path}`;

// Pages whose machines do not reach each other directly (many conference networks keep them apart) do so through the room's server.
//
// They meet at a place that only who knows the room's secret can name: who merely heard of the room finds nobody there and takes no place
// away. That somebody came with another secret, the server tells both sides.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Clock } from '../../ports/clock.ts';
import type { MemberId } from '../../ports/ids.ts';
import { createMac, type Mac } from '../mac.ts';
import { backoff } from '../rendezvous.ts';
import { newEndpointId, type EndpointId, type MediumHandlers, type OpenMedium } from './medium.ts';
import { ADDRESS_BYTES, addressBytes, parsePresence, readAddress, relayAddress } from './relay-protocol.ts';

const FIRST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 30_000;

export interface RelayOptions {
  /** Of the relay, `wss://host/relay`. */
  readonly url: string;
  readonly room: string;
  /** Neither it nor the room's name is told to the server, only what follows from them. */
  readonly secret: string;
  readonly clock: Clock;
  /** Absent: the browser's. */
  readonly openSocket?: OpenSocket;
}

/** As much of a WebSocket as a relay's page needs. */
export interface RelaySocket {
  readonly isOpen: () => boolean;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Handlers are not called before it has returned. */
export type OpenSocket = (
  url: string,
  handlers: { open(): void; message(data: unknown): void; closed(): void },
) => RelaySocket;

const openWebSocket: OpenSocket = (url, handlers) => {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => handlers.open();
  socket.onmessage = ({ data }: MessageEvent<unknown>) => handlers.message(data);
  socket.onclose = () => handlers.closed();
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(),
  };
};

const PLACE_BYTES = 16;

/** Where the pages of a room meet on a relay. The label keeps it apart from what a handshake proves. */
async function placeOf(room: string, mac: Mac): Promise<string> {
  const proof = await mac(new TextEncoder().encode(`rankfall relay\0${room}`));
  return bytesToHex(proof.subarray(0, PLACE_BYTES));
}

/** The same for all that know the room's name, whatever secret they have. */
const roomMark = (room: string): string =>
  bytesToHex(sha256(utf8ToBytes(`rankfall relay room\0${room}`)).subarray(0, PLACE_BYTES));

/** Connects, and again when the connection breaks: then everybody is gone, and is met anew. */
export const openRelay =
  ({ url, room, secret, clock, openSocket = openWebSocket }: RelayOptions): OpenMedium =>
  (member: MemberId, handlers: MediumHandlers) => {
    const self = newEndpointId();
    const others = new Set<EndpointId>();
    let socket: RelaySocket | undefined;
    let attempts = 0;
    let closed = false;
    let cancelRetry: (() => void) | undefined;

    const forget = (endpoint: EndpointId): void => {
      if (others.delete(endpoint)) handlers.gone(endpoint, 'channel-closed');
    };

    const hear = (data: unknown): void => {
      if (data instanceof ArrayBuffer) {
        const bytes = new Uint8Array(data);
        const from = readAddress(bytes);
        if (from !== undefined && others.has(from)) handlers.datagram(from, bytes.slice(ADDRESS_BYTES));
        return;
      }
      const presence = typeof data === 'string' ? parsePresence(data) : undefined;
      switch (presence?.say) {
        case 'here':
          for (const page of presence.pages) {
            if (page.endpoint === self) continue;
            others.add(page.endpoint);
            handlers.here(page.endpoint, page.member);
          }
          return;
        case 'gone':
          forget(presence.endpoint);
          return;
        case 'elsewhere':
          handlers.elsewhere(presence.pages);
          return;
        case undefined:
          return;
      }
    };

    const mark = roomMark(room);
    const connect = (place: string): void => {
      cancelRetry = undefined;
      if (closed) return;
      const mine = openSocket(relayAddress(url, { place, room: mark, endpoint: self, member }), {
        open() {
          attempts = 0;
        },
        message(data) {
          if (socket === mine) hear(data);
        },
        closed() {
          if (socket !== mine) return;
          socket = undefined;
          for (const endpoint of [...others]) forget(endpoint);
          if (closed) return;
          cancelRetry = clock.after(backoff(attempts, FIRST_RETRY_MS, MOST_RETRY_MS, Math.random()), () => {
            connect(place);
          });
          attempts += 1;
        },
      });
      socket = mine;
    };
    // It cannot fail where the handshake of every link can be computed.
    void placeOf(room, createMac(secret)).then(connect);

    return {
      kind: 'relay',
      self,
      send(to, bytes) {
        if (socket?.isOpen() !== true) return;
        const framed = new Uint8Array(ADDRESS_BYTES + bytes.length);
        framed.set(addressBytes(to));
        framed.set(bytes, ADDRESS_BYTES);
        socket.send(framed);
      },
      close() {
        closed = true;
        cancelRetry?.();
        socket?.close();
        socket = undefined;
        others.clear();
      },
    };
  };

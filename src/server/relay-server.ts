// The relay inside the page's own HTTP server: passes datagrams between the pages of a room that do not reach each other directly.
//
// It knows a room by the place where its pages meet, which follows from the secret and does not tell it: a stranger cannot come in and so
// takes no page's place. Pages prove the secret to each other, through it. It can read what it passes on, as whoever serves the page could
// anyway.

import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isMemberId, type MemberId } from '../ports/ids.ts';
import { isEndpointId, MAX_ENDPOINTS, type EndpointId } from '../transport/fallback/medium.ts';
import {
  addressBytes,
  isPlace,
  MAX_RELAYED_BYTES,
  readAddress,
  type Presence,
} from '../transport/fallback/relay-protocol.ts';
import type { Upgrade } from './upgrades.ts';

const MAX_ROOMS = 256;
/**
 * Bytes of one page that may wait for another. Pages hold back at a quarter of it (`LANE_LIMITS`), however slowly the other reads: one that
 * does not is disconnected, not the one that it floods.
 */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;
/** Places that pages of one address have opened: whoever makes up places cannot take those of everybody. */
const MAX_ROOMS_OF_ONE = 64;
/** A page whose machine vanished without a word is noticed within two of these, in milliseconds. */
const PING_MS = 5_000;

interface Page {
  readonly endpoint: EndpointId;
  readonly member: MemberId;
  readonly socket: WebSocket;
  /** Bytes of each page that wait for this one to read them. */
  readonly waiting: Map<EndpointId, number>;
  answers: boolean;
}

interface Room {
  /** Address of the page that came first. */
  readonly opener: string;
  readonly pages: Map<EndpointId, Page>;
}

export interface RelayServerHandle {
  /** Takes a WebSocket on `RELAY_PATH`. */
  readonly upgrade: Upgrade;
  close(): void;
}

export function createRelayServer(): RelayServerHandle {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_RELAYED_BYTES });
  const rooms = new Map<string, Room>();

  const tell = (socket: WebSocket, presence: Presence): void => socket.send(JSON.stringify(presence));

  function enter(place: string, from: string, page: Page): void {
    const opened = rooms.get(place) ?? { opener: from, pages: new Map<EndpointId, Page>() };
    rooms.set(place, opened);
    const room = opened.pages;
    const { endpoint, member, socket } = page;
    tell(socket, {
      say: 'here',
      pages: [...room.values()].map((other) => ({ endpoint: other.endpoint, member: other.member })),
    });
    for (const other of room.values()) tell(other.socket, { say: 'here', pages: [{ endpoint, member }] });
    room.set(endpoint, page);

    const origin = addressBytes(endpoint);
    socket.on('pong', () => {
      page.answers = true;
    });
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: RawData, isBinary) => {
      const bytes = isBinary && Buffer.isBuffer(data) ? new Uint8Array(data) : undefined;
      const to = bytes === undefined ? undefined : readAddress(bytes);
      if (bytes === undefined || to === undefined) {
        socket.close(1008, 'expected an address and a datagram');
        return;
      }
      // It may have gone a moment ago, which the sender is about to hear.
      const receiver = room.get(to);
      if (receiver === undefined) return;
      const waiting = (receiver.waiting.get(endpoint) ?? 0) + bytes.length;
      if (waiting > MAX_WAITING_BYTES) {
        socket.close(1008, 'expected a page that holds back until it is given credit');
        return;
      }
      receiver.waiting.set(endpoint, waiting);
      bytes.set(origin);
      receiver.socket.send(bytes, () => taken(receiver, endpoint, bytes.length));
    });
    socket.on('close', () => {
      room.delete(endpoint);
      if (room.size === 0) rooms.delete(place);
      for (const other of room.values()) tell(other.socket, { say: 'gone', endpoint });
    });
  }

  /** The network has so many bytes of one page for another, or they are both past caring. */
  function taken({ waiting }: Page, from: EndpointId, bytes: number): void {
    const left = (waiting.get(from) ?? 0) - bytes;
    if (left > 0) waiting.set(from, left);
    else waiting.delete(from);
  }

  /** The place and the page that an address names, or why not, as an HTTP status. */
  function admit(
    request: IncomingMessage,
    from: string,
  ): { readonly place: string; readonly endpoint: EndpointId; readonly member: MemberId } | string {
    const query = new URL(request.url ?? '/', 'http://host').searchParams;
    const [place, endpoint, member] = [query.get('place'), query.get('endpoint'), query.get('member')];
    if (place === null || !isPlace(place) || !isEndpointId(endpoint)) return '400 Bad Request';
    if (member === null || !isMemberId(member)) return '400 Bad Request';
    const pages = rooms.get(place)?.pages;
    if (pages?.has(endpoint) === true) return '409 Conflict';
    if (pages === undefined ? !mayOpen(from) : pages.size >= MAX_ENDPOINTS) return '503 Service Unavailable';
    return { place, endpoint, member };
  }

  function mayOpen(from: string): boolean {
    const own = [...rooms.values()].filter(({ opener }) => opener === from);
    return rooms.size < MAX_ROOMS && own.length < MAX_ROOMS_OF_ONE;
  }

  const upgrade: Upgrade = (request, socket, head) => {
    const from = request.socket.remoteAddress ?? '';
    const admitted = admit(request, from);
    if (typeof admitted === 'string') {
      socket.end(`HTTP/1.1 ${admitted}\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const { place, endpoint, member } = admitted;
      enter(place, from, { endpoint, member, socket: client, waiting: new Map(), answers: true });
    });
  };

  const pinging = setInterval(() => {
    for (const { pages } of rooms.values()) {
      for (const page of pages.values()) {
        if (!page.answers) page.socket.terminate();
        page.answers = false;
        page.socket.ping();
      }
    }
  }, PING_MS);
  pinging.unref();

  return {
    upgrade,
    close() {
      clearInterval(pinging);
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}

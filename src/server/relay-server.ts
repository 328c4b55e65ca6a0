// The relay inside the page's own HTTP server: passes datagrams between the pages of a room that do not reach each other directly.
//
// It knows rooms by name and never their secret: pages prove that to each other, through it. It can read what it passes on, as whoever
// serves the page could anyway.

import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isMemberId, type MemberId } from '../ports/ids.ts';
import { isEndpointId, MAX_ENDPOINTS, type EndpointId } from '../transport/fallback/medium.ts';
import {
  addressBytes,
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
const ROOM_NAME = /^[\w-]{1,64}$/;
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

export interface RelayServerHandle {
  /** Takes a WebSocket on `RELAY_PATH`. */
  readonly upgrade: Upgrade;
  close(): void;
}

export function createRelayServer(): RelayServerHandle {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_RELAYED_BYTES });
  const rooms = new Map<string, Map<EndpointId, Page>>();

  const tell = (socket: WebSocket, presence: Presence): void => socket.send(JSON.stringify(presence));

  function enter(name: string, page: Page): void {
    const room = rooms.get(name) ?? new Map<EndpointId, Page>();
    rooms.set(name, room);
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
      if (room.size === 0) rooms.delete(name);
      for (const other of room.values()) tell(other.socket, { say: 'gone', endpoint });
    });
  }

  /** The network has so many bytes of one page for another, or they are both past caring. */
  function taken({ waiting }: Page, from: EndpointId, bytes: number): void {
    const left = (waiting.get(from) ?? 0) - bytes;
    if (left > 0) waiting.set(from, left);
    else waiting.delete(from);
  }

  /** The room and the page that an address names, or why not, as an HTTP status. */
  function admit(
    request: IncomingMessage,
  ): { readonly name: string; readonly endpoint: EndpointId; readonly member: MemberId } | string {
    const query = new URL(request.url ?? '/', 'http://host').searchParams;
    const [name, endpoint, member] = [query.get('room'), query.get('endpoint'), query.get('member')];
    if (name === null || !ROOM_NAME.test(name) || !isEndpointId(endpoint)) return '400 Bad Request';
    if (member === null || !isMemberId(member)) return '400 Bad Request';
    const room = rooms.get(name);
    if (room?.has(endpoint) === true) return '409 Conflict';
    if (room === undefined ? rooms.size >= MAX_ROOMS : room.size >= MAX_ENDPOINTS)
      return '503 Service Unavailable';
    return { name, endpoint, member };
  }

  const upgrade: Upgrade = (request, socket, head) => {
    const admitted = admit(request);
    if (typeof admitted === 'string') {
      socket.end(`HTTP/1.1 ${admitted}\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const { name, endpoint, member } = admitted;
      enter(name, { endpoint, member, socket: client, waiting: new Map(), answers: true });
    });
  };

  const pinging = setInterval(() => {
    for (const room of rooms.values()) {
      for (const page of room.values()) {
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

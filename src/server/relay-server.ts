// The relay inside the page's own HTTP server: passes datagrams between the pages of a room that do not reach each other directly.
//
// It knows a room by the place where its pages meet, which follows from the secret and does not tell it: a stranger cannot come in and so
// takes no page's place. Who comes to another place under the same room's name has another secret, which is told to those at the first and
// to the one that came. Pages prove the secret to each other, through it. It can read what it passes on, as whoever serves the page could
// anyway.

import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isMemberId, type MemberId } from '../ports/ids.ts';
import { isEndpointId, MAX_ENDPOINTS, type EndpointId } from '../transport/fallback/medium.ts';
import {
  addressBytes,
  isPlace,
  isRoomMark,
  MAX_ELSEWHERE,
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

/** Pages are told of arrivals elsewhere no more often, in milliseconds, however many come. */
const TELL_MS = 1_000;

interface Room {
  /** Follows from the room's name: places of one mark are of one room, by different secrets. */
  readonly mark: string;
  /** Address of the page that came first. */
  readonly opener: string;
  readonly pages: Map<EndpointId, Page>;
  /** Pages that came to other places of this mark, since this was last told. */
  elsewhere: number;
  telling: NodeJS.Timeout | undefined;
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

  function open(place: string, mark: string, opener: string): Room {
    const room: Room = { mark, opener, pages: new Map(), elsewhere: 0, telling: undefined };
    rooms.set(place, room);
    return room;
  }

  function tellElsewhere(room: Room, pages: number): void {
    room.elsewhere = Math.min(MAX_ELSEWHERE, room.elsewhere + pages);
    room.telling ??= setTimeout(() => flushElsewhere(room), TELL_MS).unref();
  }

  function flushElsewhere(room: Room): void {
    clearTimeout(room.telling);
    room.telling = undefined;
    if (room.elsewhere === 0) return;
    for (const { socket } of room.pages.values()) tell(socket, { say: 'elsewhere', pages: room.elsewhere });
    room.elsewhere = 0;
  }

  /** Who is at other places of this room's name hears of this page, and it of them. */
  function tellOfStrangers(own: Room, { socket }: Page): void {
    const others = [...rooms.values()].filter((room) => room !== own && room.mark === own.mark);
    for (const room of others) tellElsewhere(room, 1);
    const there = others.reduce((sum, { pages }) => sum + pages.size, 0);
    if (there > 0) tell(socket, { say: 'elsewhere', pages: Math.min(MAX_ELSEWHERE, there) });
  }

  function enter(place: string, mark: string, from: string, page: Page): void {
    const opened = rooms.get(place) ?? open(place, mark, from);
    const room = opened.pages;
    const { endpoint, member, socket } = page;
    tell(socket, {
      say: 'here',
      pages: [...room.values()].map((other) => ({ endpoint: other.endpoint, member: other.member })),
    });
    for (const other of room.values()) tell(other.socket, { say: 'here', pages: [{ endpoint, member }] });
    // Of who came before, it hears with all that are there now.
    flushElsewhere(opened);
    room.set(endpoint, page);
    tellOfStrangers(opened, page);

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
      if (room.size === 0) {
        clearTimeout(opened.telling);
        rooms.delete(place);
      }
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
  ): (Pick<Page, 'endpoint' | 'member'> & { readonly place: string; readonly mark: string }) | string {
    const query = new URL(request.url ?? '/', 'http://host').searchParams;
    const [place, mark] = [query.get('place'), query.get('room')];
    const [endpoint, member] = [query.get('endpoint'), query.get('member')];
    if (place === null || !isPlace(place) || !isEndpointId(endpoint)) return '400 Bad Request';
    if (mark === null || !isRoomMark(mark)) return '400 Bad Request';
    if (member === null || !isMemberId(member)) return '400 Bad Request';
    const pages = rooms.get(place)?.pages;
    if (pages?.has(endpoint) === true) return '409 Conflict';
    if (pages === undefined ? !mayOpen(from) : pages.size >= MAX_ENDPOINTS) return '503 Service Unavailable';
    return { place, mark, endpoint, member };
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
      const { place, mark, endpoint, member } = admitted;
      enter(place, mark, from, { endpoint, member, socket: client, waiting: new Map(), answers: true });
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

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
import { systemClock } from '../transport/system-clock.ts';
import { createPacing, type Pace } from './pacing.ts';
import { createPlaces, networkOf } from './places.ts';
import type { CountRefusal } from './refusals.ts';
import { addressOf, refuse, type Upgrade } from './upgrades.ts';

/** Whoever makes up places cannot take those of everybody. */
const ROOMS = { all: 256, ofOne: 64 };
/** Of the pages of one room, those of one network: a machine has no more than this many tabs, and some are left for others. */
const MAX_PAGES_OF_ONE = MAX_ENDPOINTS / 2;
/**
 * Bytes of one page that may wait for another. Pages hold back at a quarter of it (`LANE_LIMITS`), however slowly the other reads: one that
 * does not is disconnected, not the one that it floods.
 */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;
/** Bytes of all pages that may wait for one: of a whole room, each with what it has under way at the most. More, and it is dead. */
const MAX_WAITING_FOR_ONE = 32 * 1024 * 1024;
/** And for all pages of the server: whoever has the most waiting is disconnected. */
const MAX_WAITING = 256 * 1024 * 1024;
/**
 * Each message costs some microseconds, however short: sixteen pages that sent nothing but addresses kept everybody else waiting for three
 * seconds, and do for 2 ms now. A page that exchanges 100 MB in a second with others sends some 5,000.
 * Long ones cost more, and a socket is read until it is empty, up to 2 MiB in one go: sixteen pages that sent nothing but the longest kept
 * everybody else waiting for a quarter of a second to a whole one, on two cores that had other work, and do for 15 ms now.
 */
const PACE = {
  ofOne: 8_000,
  ofNetwork: 32_000,
  atOnce: 1_000,
  bytesInTurn: 64 * 1024,
  pagesInTurn: 16,
};
/** Frames of one message. Browsers send a long one in a few, and one that comes in thousands costs as much as they do. */
const MAX_FRAMES = 64;
/** A page whose machine vanished without a word is noticed within two of these, in milliseconds. */
const PING_MS = 5_000;

interface Page {
  readonly endpoint: EndpointId;
  readonly member: MemberId;
  readonly network: string;
  readonly socket: WebSocket;
  readonly pace: Pace;
  /** Bytes of each page that wait for this one to read them, */
  readonly waiting: Map<EndpointId, number>;
  /** and of all together. */
  waits: number;
  answers: boolean;
}

/** Pages are told of arrivals elsewhere no more often, in milliseconds, however many come. */
const TELL_MS = 1_000;

interface Room {
  readonly place: string;
  /** Follows from the room's name: places of one mark are of one room, by different secrets. */
  readonly mark: string;
  /** Network of the page that came first. */
  readonly opener: string;
  readonly pages: Map<EndpointId, Page>;
  /** Pages that came to other places of this mark, since this was last told. */
  elsewhere: number;
  telling: NodeJS.Timeout | undefined;
}

const BAD = '400 Bad Request';
const TAKEN = '409 Conflict';

export interface RelayServerHandle {
  /** Takes a WebSocket on `RELAY_PATH`. */
  readonly upgrade: Upgrade;
  close(): void;
}

export function createRelayServer(refused: CountRefusal = () => undefined): RelayServerHandle {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_RELAYED_BYTES,
    maxFragments: MAX_FRAMES,
  });
  const rooms = new Map<string, Room>();
  const places = createPlaces<Room>(ROOMS);
  const pacing = createPacing(PACE, systemClock(), setImmediate);
  /** Bytes that wait for any page. */
  let waits = 0;

  /** Whoever does not read, and has others come and go, is disconnected as for any other bytes. */
  const tell = (socket: WebSocket, presence: Presence): void => {
    if (socket.bufferedAmount > MAX_WAITING_FOR_ONE) socket.terminate();
    else socket.send(JSON.stringify(presence));
  };

  /** Undefined: all places are taken, by networks that hold no more than this one. */
  function open(place: string, mark: string, opener: string): Room | undefined {
    const room: Room = { place, mark, opener, pages: new Map(), elsewhere: 0, telling: undefined };
    const { taken, givenUp } = places.take(opener, room);
    if (givenUp !== undefined) {
      for (const { socket } of givenUp.pages.values())
        socket.close(1013, 'this network holds the most places');
      shut(givenUp);
    }
    if (!taken) return undefined;
    rooms.set(place, room);
    return room;
  }

  function shut(room: Room): void {
    clearTimeout(room.telling);
    places.give(room.opener, room);
    if (rooms.get(room.place) === room) rooms.delete(room.place);
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

  function enter(place: string, mark: string, page: Page): void {
    page.socket.on('error', () => page.socket.terminate());
    const opened = rooms.get(place) ?? open(place, mark, page.network);
    if (opened === undefined) {
      page.pace.close();
      page.socket.close(1013, 'expected a free place');
      return;
    }
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
    socket.on('ping', (data) => page.pace.spend(data.length));
    socket.on('pong', () => {
      page.answers = true;
    });
    socket.on('message', (data: RawData, isBinary) => {
      // Always a buffer: nothing else was asked of these sockets.
      page.pace.spend(Buffer.isBuffer(data) ? data.length : MAX_RELAYED_BYTES);
      const bytes = isBinary && Buffer.isBuffer(data) ? new Uint8Array(data) : undefined;
      const to = bytes === undefined ? undefined : readAddress(bytes);
      if (bytes === undefined || to === undefined) {
        refused('messages', page.network);
        socket.close(1008, 'expected an address and a datagram');
        return;
      }
      // It may have gone a moment ago, which the sender is about to hear.
      const receiver = room.get(to);
      if (receiver === undefined) return;
      const waiting = (receiver.waiting.get(endpoint) ?? 0) + bytes.length;
      if (waiting > MAX_WAITING_BYTES) {
        refused('messages', page.network);
        socket.close(1008, 'expected a page that holds back until it is given credit');
        return;
      }
      receiver.waiting.set(endpoint, waiting);
      receiver.waits += bytes.length;
      waits += bytes.length;
      bytes.set(origin);
      receiver.socket.send(bytes, () => taken(receiver, endpoint, bytes.length));
      if (receiver.waits > MAX_WAITING_FOR_ONE) receiver.socket.terminate();
      else if (waits > MAX_WAITING) mostAwaited()?.socket.terminate();
    });
    socket.on('close', () => {
      page.pace.close();
      room.delete(endpoint);
      if (room.size === 0) shut(opened);
      for (const other of room.values()) tell(other.socket, { say: 'gone', endpoint });
    });
  }

  /** The network has so many bytes of one page for another, or they are both past caring. */
  function taken(page: Page, from: EndpointId, bytes: number): void {
    const { waiting } = page;
    page.waits -= bytes;
    waits -= bytes;
    const left = (waiting.get(from) ?? 0) - bytes;
    if (left > 0) waiting.set(from, left);
    else waiting.delete(from);
  }

  function mostAwaited(): Page | undefined {
    let most: Page | undefined;
    for (const { pages } of rooms.values())
      for (const page of pages.values()) if (page.waits > (most?.waits ?? 0)) most = page;
    return most;
  }

  /** The place and the page that an address names, or why not, as an HTTP status. */
  function admit(
    request: IncomingMessage,
    network: string,
  ): (Pick<Page, 'endpoint' | 'member'> & { readonly place: string; readonly mark: string }) | string {
    const query = addressOf(request)?.searchParams ?? new URLSearchParams();
    const [place, mark] = [query.get('place'), query.get('room')];
    const [endpoint, member] = [query.get('endpoint'), query.get('member')];
    if (place === null || !isPlace(place) || !isEndpointId(endpoint)) return BAD;
    if (mark === null || !isRoomMark(mark)) return BAD;
    if (member === null || !isMemberId(member)) return BAD;
    const pages = rooms.get(place)?.pages;
    if (pages === undefined && !places.mayTake(network)) return '503 Service Unavailable';
    if (pages?.has(endpoint) === true) return TAKEN;
    const own = [...(pages?.values() ?? [])].filter((page) => page.network === network);
    if ((pages?.size ?? 0) >= MAX_ENDPOINTS || own.length >= MAX_PAGES_OF_ONE)
      return '503 Service Unavailable';
    return { place, mark, endpoint, member };
  }

  const upgrade: Upgrade = (request, socket, head) => {
    const network = networkOf(request.socket.remoteAddress);
    const admitted = admit(request, network);
    if (typeof admitted === 'string') {
      if (admitted !== TAKEN) refused(admitted === BAD ? 'addresses' : 'places', network);
      refuse(socket, admitted);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const { place, mark, endpoint, member } = admitted;
      const pace = pacing.open(network, {
        pause: () => client.pause(),
        resume() {
          // It had no way to.
          page.answers = true;
          client.resume();
        },
      });
      const page: Page = {
        endpoint,
        member,
        network,
        socket: client,
        pace,
        waiting: new Map(),
        waits: 0,
        answers: true,
      };
      enter(place, mark, page);
    });
  };

  const pinging = setInterval(() => {
    for (const { pages } of rooms.values()) {
      for (const page of pages.values()) {
        if (!page.answers && !page.pace.paused) page.socket.terminate();
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

// A class as a pure machine: what its connections say goes in, with the time; what they are to hear comes out (docs/workshop.md).
//
// A connection is a stranger until it has entered, returned or shown the instructor's key. A participant's place outlives its connections.

import { timingSafeEqual } from 'node:crypto';
import type { PresetName } from '../../job/presets.ts';
import { newRoom, randomCode, randomSecret } from '../../live/link.ts';
import type { RandomBytes } from '../../live/link.ts';
import { MAX_NICKNAME, MAX_PARTICIPANTS, parseToServer, REPORT_MS } from '../../live/classroom/messages.ts';
import type {
  ClassOrder,
  ClassQuestion,
  ClassRefusal,
  ClassReport,
  ClassRoom,
  ClassRoster,
  ToPage,
  ToServer,
} from '../../live/classroom/messages.ts';
import { createAllowance, createAllowances } from './allowance.ts';
import type { Allowance } from './allowance.ts';
import { dealSizes, freeName, roomName } from './dealing.ts';

export type ConnectionId = number;

export type ClassInput =
  | { readonly kind: 'opened'; readonly connection: ConnectionId; readonly address: string }
  | { readonly kind: 'heard'; readonly connection: ConnectionId; readonly text: string }
  | { readonly kind: 'closed'; readonly connection: ConnectionId }
  /** Time has passed. */
  | { readonly kind: 'tick' };

export type ClassOutput =
  | { readonly kind: 'say'; readonly to: ConnectionId; readonly message: ToPage }
  /** The machine has forgotten the connection already, and wants no word of its end. */
  | { readonly kind: 'close'; readonly to: ConnectionId; readonly reason: string };

export interface ClassOptions {
  readonly random?: RandomBytes;
  /** Where participants find the page, the likeliest first. */
  readonly addresses?: () => readonly string[];
}

export interface Classroom {
  /** A public name, new with each class. */
  readonly name: string;
  /** What participants type. */
  readonly code: string;
  /** Who has it is an instructor. */
  readonly key: string;
  take(input: ClassInput, now: number): readonly ClassOutput[];
}

const MAX_CONNECTIONS = 160;
const MAX_CONSOLES = 4;
/** Of one address: who says nothing holds a connection for ten seconds, and may take no other's. */
const MAX_STRANGERS_OF_ONE = 32;
/** Orders whose outcome is still taken. */
const MAX_ORDERS = 256;
const STRANGER_MS = 10_000;
const ROSTER_MS = 500;
/** Three reports are missing. A page in the background still reports in time: browsers let its timers run once a second. */
const QUIET_MS = 3 * REPORT_MS;
/** What a room holds until the instructor says another number: the links of a room are as many as its pairs. */
const FIRST_SIZE = 8;
const MESSAGES = { atOnce: 40, everyMs: 125 };
const WRONG = { atOnce: 10, everyMs: 6000 };
const MAX_ADDRESSES = 1024;

interface Room extends ClassRoom {
  /** Who is told to found it. */
  readonly founder: number;
  /** Somebody has seen it up. */
  begun: boolean;
}

interface Place {
  readonly id: number;
  readonly token: string;
  readonly nickname: string;
  /** Undefined: away. */
  connection: ConnectionId | undefined;
  awaySince: number;
  room: Room | undefined;
  report: ClassReport | undefined;
  /** When its page last said something. */
  heardAt: number;
  /** Nothing was heard of it for a while: it is present, and may be frozen. */
  quiet: boolean;
  answer: number | undefined;
}

interface Connection {
  readonly id: ConnectionId;
  readonly address: string;
  readonly since: number;
  readonly messages: Allowance;
  who: { readonly role: 'stranger' | 'console' } | { readonly role: 'participant'; readonly place: Place };
}

interface SentOrder {
  readonly order: ClassOrder;
  readonly waiting: Set<number>;
}

export function createClassroom({ random, addresses = () => [] }: ClassOptions = {}): Classroom {
  const name = randomSecret(random);
  const code = randomCode(random);
  const key = randomSecret(random);
  const connections = new Map<ConnectionId, Connection>();
  /** By token, in the order in which they came. */
  const places = new Map<string, Place>();
  const orders = new Map<number, SentOrder>();
  const wrong = createAllowances(WRONG, MAX_ADDRESSES);
  let size = FIRST_SIZE;
  let job: PresetName = 'digits';
  let question: (ClassQuestion & { open: boolean }) | undefined;
  let lastId = 0;
  let isRosterNew = false;
  let rosterAt = Number.NEGATIVE_INFINITY;
  /** Of the input at hand, and what it leads to. */
  let time = 0;
  let outputs: ClassOutput[] = [];

  const say = (to: ConnectionId, message: ToPage): void => {
    outputs.push({ kind: 'say', to, message });
  };
  const tell = (place: Place, message: ToPage): void => {
    if (place.connection !== undefined) say(place.connection, message);
  };
  const close = (to: ConnectionId, reason: string): void => {
    outputs.push({ kind: 'close', to, reason });
    forget(to);
  };
  const consoles = (): readonly Connection[] =>
    [...connections.values()].filter(({ who }) => who.role === 'console');
  const present = (): readonly Place[] =>
    [...places.values()].filter((place) => place.connection !== undefined);
  /** Rooms that somebody is in, present or away. */
  const rooms = (): readonly Room[] => [
    ...new Set([...places.values()].flatMap(({ room }) => (room === undefined ? [] : [room]))),
  ];

  const forget = (id: ConnectionId): void => {
    const connection = connections.get(id);
    connections.delete(id);
    if (connection?.who.role === 'participant' && connection.who.place.connection === id) {
      connection.who.place.connection = undefined;
      connection.who.place.awaySince = time;
      isRosterNew = true;
    }
  };

  const openRoom = (founder: number, taken: readonly string[]): Room => {
    let index = 0;
    while (taken.includes(roomName(index))) index++;
    return { name: roomName(index), ...newRoom(random), job, founder, begun: false };
  };

  /** Into the room with the fewest who are there; into a new one where all are full. */
  const seat = (place: Place): void => {
    const open = rooms().map((room) => ({
      room,
      there: present().filter((other) => other.room === room).length,
    }));
    const [best] = open.filter(({ there }) => there < size).sort((a, b) => a.there - b.there);
    place.room =
      best?.room ??
      openRoom(
        place.id,
        open.map(({ room }) => room.name),
      );
  };

  const whereabouts = (place: Place): { readonly room: ClassRoom; readonly founds: boolean } | undefined => {
    if (place.room === undefined) return undefined;
    const { founder, begun, ...room } = place.room;
    return { room, founds: founder === place.id && !begun };
  };

  const counts = (asked: ClassQuestion): number[] =>
    asked.choices.map((_, choice) => [...places.values()].filter(({ answer }) => answer === choice).length);

  const tellQuestion = (place: Place): void => {
    if (question === undefined) return;
    const { open, ...asked } = question;
    tell(place, {
      say: 'question',
      question: asked,
      ...(place.answer === undefined ? {} : { answer: place.answer }),
      ...(open ? {} : { counts: counts(question) }),
    });
  };

  const roster = (): ClassRoster => ({
    participants: [...places.values()].map(({ id, nickname, connection, room, report, quiet, answer }) => ({
      id,
      nickname,
      present: connection !== undefined,
      ...(connection !== undefined && (quiet || report?.silent === true) ? { silent: true } : {}),
      ...(room === undefined ? {} : { room: room.room }),
      ...(report === undefined ? {} : { report }),
      ...(answer === undefined ? {} : { answer }),
    })),
    rooms: rooms()
      .map(({ name, room }) => ({ name, room }))
      .sort((a, b) => a.name.length - b.name.length || (a.name < b.name ? -1 : 1)),
    size,
    job,
    ...(question === undefined ? {} : { question: { ...question, counts: counts(question) } }),
  });

  const refuse = (connection: Connection, why: ClassRefusal): void => {
    say(connection.id, { say: 'refused', why });
    close(connection.id, why);
  };
  const refuseWrong = (connection: Connection, why: ClassRefusal, now: number): void => {
    wrong(connection.address).spend(now);
    refuse(connection, why);
  };

  const heardOf = (place: Place): void => {
    place.heardAt = time;
    isRosterNew ||= place.quiet;
    place.quiet = false;
  };

  const settle = (connection: Connection, place: Place): void => {
    connection.who = { role: 'participant', place };
    place.connection = connection.id;
    heardOf(place);
    if (place.room === undefined) seat(place);
    const where = whereabouts(place);
    if (where === undefined) return;
    tell(place, { say: 'entered', token: place.token, nickname: place.nickname, ...where });
    tellQuestion(place);
    isRosterNew = true;
  };

  const enter = (connection: Connection, said: Extract<ToServer, { say: 'enter' }>): void => {
    if (places.size >= MAX_PARTICIPANTS) {
      const [gone] = [...places.values()]
        .filter((place) => place.connection === undefined)
        .sort((a, b) => a.awaySince - b.awaySince);
      if (gone === undefined) {
        refuse(connection, 'full');
        return;
      }
      places.delete(gone.token);
    }
    const taken = [...places.values()].map(({ nickname }) => nickname);
    const place: Place = {
      id: ++lastId,
      token: randomSecret(random),
      nickname: freeName(said.nickname, taken, MAX_NICKNAME),
      connection: undefined,
      awaySince: 0,
      room: undefined,
      report: undefined,
      heardAt: time,
      quiet: false,
      answer: undefined,
    };
    places.set(place.token, place);
    settle(connection, place);
  };

  const comeBack = (
    connection: Connection,
    { token, ifAway }: Extract<ToServer, { say: 'return' }>,
    now: number,
  ): void => {
    const place = places.get(token);
    if (place === undefined) {
      refuseWrong(connection, 'token', now);
    } else if (place.connection !== undefined && ifAway) {
      refuse(connection, 'taken');
    } else {
      const before = place.connection;
      if (before !== undefined) {
        say(before, { say: 'replaced' });
        close(before, 'replaced');
      }
      settle(connection, place);
    }
  };

  const fromStranger = (connection: Connection, said: ToServer, now: number): void => {
    // Before the word is looked at: else a right one would tell itself from a wrong one.
    if (!wrong(connection.address).has(now)) {
      refuse(connection, 'slow');
      return;
    }
    switch (said.say) {
      case 'enter':
        if (isSame(said.code, code)) enter(connection, said);
        else refuseWrong(connection, 'code', now);
        return;
      case 'return':
        comeBack(connection, said, now);
        return;
      case 'teach':
        if (!isSame(said.key, key)) refuseWrong(connection, 'key', now);
        else if (consoles().length >= MAX_CONSOLES) refuse(connection, 'full');
        else {
          connection.who = { role: 'console' };
          say(connection.id, { say: 'class', code, addresses: [...addresses()] });
          say(connection.id, { say: 'roster', roster: roster() });
        }
        return;
      case 'report':
      case 'outcome':
      case 'answer':
      case 'order':
      case 'form':
      case 'ask':
      case 'reveal':
      case 'remove':
        close(connection.id, 'not entered');
        return;
    }
  };

  const fromParticipant = (connection: Connection, place: Place, said: ToServer): void => {
    heardOf(place);
    switch (said.say) {
      case 'report':
        // One of the room that it was in until now comes too late.
        if (place.room?.room !== said.report.room) return;
        place.report = said.report;
        if (said.report.members > 0) place.room.begun = true;
        isRosterNew = true;
        return;
      case 'outcome': {
        const sent = orders.get(said.order);
        if (sent?.waiting.delete(place.id) !== true) return;
        const { problem } = said;
        for (const { id } of consoles())
          say(id, {
            say: 'done',
            participant: place.id,
            order: sent.order,
            ...(problem === undefined ? {} : { problem }),
          });
        return;
      }
      case 'answer':
        if (question?.id !== said.question || !question.open) return;
        if (said.choice >= question.choices.length) return;
        place.answer = said.choice;
        isRosterNew = true;
        return;
      case 'enter':
      case 'return':
      case 'teach':
      case 'order':
      case 'form':
      case 'ask':
      case 'reveal':
      case 'remove':
        close(connection.id, 'not for participants');
        return;
    }
  };

  const give = ({ to, room, order }: Extract<ToServer, { say: 'order' }>): void => {
    const meant = present().filter(
      (place) =>
        (to === undefined || to.includes(place.id)) && (room === undefined || place.room?.room === room),
    );
    if (meant.length === 0) return;
    const id = ++lastId;
    orders.set(id, { order, waiting: new Set(meant.map((place) => place.id)) });
    for (const old of orders.keys()) if (orders.size > MAX_ORDERS) orders.delete(old);
    for (const place of meant) tell(place, { say: 'order', id, order });
  };

  /** Deals out anew who is there. Who is away gets a room on coming back. */
  const form = (wanted: Extract<ToServer, { say: 'form' }>): void => {
    ({ size, job } = wanted);
    for (const place of places.values()) place.room = undefined;
    const waiting = [...present()];
    const made: string[] = [];
    for (const count of dealSizes(waiting.length, size)) {
      const group = waiting.splice(0, count);
      const [first] = group;
      if (first === undefined) continue;
      const room = openRoom(first.id, made);
      made.push(room.name);
      for (const place of group) {
        place.room = room;
        place.report = undefined;
        const where = whereabouts(place);
        if (where !== undefined) tell(place, { say: 'move', ...where });
      }
    }
    isRosterNew = true;
  };

  const fromConsole = (connection: Connection, said: ToServer): void => {
    switch (said.say) {
      case 'order':
        give(said);
        return;
      case 'form':
        form(said);
        return;
      case 'ask':
        question = { id: ++lastId, text: said.text, choices: said.choices, open: true };
        for (const place of places.values()) {
          place.answer = undefined;
          tellQuestion(place);
        }
        isRosterNew = true;
        return;
      case 'reveal':
        if (question === undefined) return;
        question.open = false;
        for (const place of places.values()) tellQuestion(place);
        isRosterNew = true;
        return;
      case 'remove': {
        const place = [...places.values()].find(({ id }) => id === said.participant);
        if (place === undefined) return;
        places.delete(place.token);
        if (place.connection !== undefined) {
          say(place.connection, { say: 'removed' });
          close(place.connection, 'removed');
        }
        isRosterNew = true;
        return;
      }
      case 'enter':
      case 'return':
      case 'report':
      case 'outcome':
      case 'answer':
      case 'teach':
        close(connection.id, 'not for consoles');
        return;
    }
  };

  const hear = (connection: Connection, text: string, now: number): void => {
    const said = connection.messages.spend(now) ? parseToServer(text) : 'too many';
    if (said === 'too many' || said === undefined) {
      close(connection.id, said ?? 'not a message of the class');
      return;
    }
    const { who } = connection;
    switch (who.role) {
      case 'stranger':
        fromStranger(connection, said, now);
        return;
      case 'participant':
        fromParticipant(connection, who.place, said);
        return;
      case 'console':
        fromConsole(connection, said);
        return;
    }
  };

  const sendRoster = (now: number): void => {
    if (!isRosterNew || now - rosterAt < ROSTER_MS) return;
    const message = { say: 'roster', roster: roster() } as const;
    for (const { id } of consoles()) say(id, message);
    isRosterNew = false;
    rosterAt = now;
  };

  return {
    name,
    code,
    key,
    take(input, now) {
      outputs = [];
      time = now;
      switch (input.kind) {
        case 'opened': {
          const { connection: id, address } = input;
          const strangers = [...connections.values()].filter(
            ({ who, address: from }) => who.role === 'stranger' && from === address,
          );
          if (connections.size >= MAX_CONNECTIONS || strangers.length >= MAX_STRANGERS_OF_ONE)
            close(id, 'full');
          else
            connections.set(id, {
              id,
              address,
              since: now,
              messages: createAllowance(MESSAGES),
              who: { role: 'stranger' },
            });
          break;
        }
        case 'heard': {
          const connection = connections.get(input.connection);
          if (connection !== undefined) hear(connection, input.text, now);
          break;
        }
        case 'closed':
          forget(input.connection);
          break;
        case 'tick':
          for (const connection of connections.values())
            if (connection.who.role === 'stranger' && now - connection.since > STRANGER_MS)
              refuse(connection, 'late');
          for (const place of present()) {
            if (place.quiet || now - place.heardAt <= QUIET_MS) continue;
            place.quiet = true;
            isRosterNew = true;
          }
          break;
      }
      sendRoster(now);
      return outputs;
    },
  };
}

/** In a time that does not tell how much of it is right. Both have the length that their schema says. */
const isSame = (said: string, meant: string): boolean =>
  said.length === meant.length && timingSafeEqual(Buffer.from(said), Buffer.from(meant));

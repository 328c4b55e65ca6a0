// This page's place in a class, from entering on: kept over reloads and networks that fail, and what the instructor says in between.

import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type {
  ClassOrder,
  ClassQuestion,
  ClassRefusal,
  ClassReport,
  ClassRoom,
  ToServer,
} from '../../live/classroom/messages.ts';
import { forget, keep } from './kept.ts';
import { keepLine, openLine } from './line.ts';

/** `away`: the server does not answer. The others are for good: another tab has the place, the instructor, or the class is over. */
export type SeatState = 'present' | 'away' | 'replaced' | 'removed' | 'over';

export interface AskedQuestion {
  readonly question: ClassQuestion;
  readonly answer?: number | undefined;
  /** Once it is over: how many chose each. */
  readonly counts?: readonly number[] | undefined;
}

export interface Seat {
  readonly nickname: string;
  readonly room: ClassRoom;
  /** This page is the one that founds the room. */
  readonly founds: boolean;
  readonly state: ReadonlySignal<SeatState>;
  readonly question: ReadonlySignal<AskedQuestion | undefined>;
  answer(choice: number): void;
  /** Gives up the token: the place stays behind, away. */
  leave(): void;
  report(report: ClassReport): void;
  /** From now on orders are carried out, each answered by what went wrong, if anything did. */
  obey(carryOut: (order: ClassOrder) => Promise<string | undefined>): void;
}

/** How a page asks for its place. */
export type Asking = Extract<ToServer, { say: 'enter' | 'return' }>;

/** `unreachable`: the server does not answer. */
export type NoSeat = ClassRefusal | 'unreachable';

const PATIENCE_MS = 5000;
const MAX_PROBLEM = 300;

type Entered = {
  readonly token: string;
  readonly nickname: string;
  readonly room: ClassRoom;
  readonly founds: boolean;
};

/** Asks for a place in the class of that name. `move` takes the page to another room. */
export async function takeSeat(
  name: string,
  asking: Asking,
  move: (room: ClassRoom) => void,
): Promise<Seat | NoSeat> {
  const entered = await ask(asking);
  if (typeof entered === 'string') return entered;
  keep({ class: name, token: entered.token, nickname: entered.nickname });
  return hold(name, entered, move);
}

/** Asks once, and hangs up: the seat opens a line of its own, as it does after each failure of the network. */
function ask(asking: Asking): Promise<Entered | NoSeat> {
  return new Promise((resolve) => {
    const answer = (what: Entered | NoSeat): void => {
      clearTimeout(timer);
      line.hangUp();
      resolve(what);
    };
    const timer = setTimeout(() => answer('unreachable'), PATIENCE_MS);
    const line = openLine({
      opened: (opened) => opened.say(asking),
      heard(message) {
        if (message.say === 'entered') answer(message);
        else if (message.say === 'refused') answer(message.why);
      },
      ended: () => answer('unreachable'),
    });
  });
}

function hold(
  name: string,
  { token, nickname, room, founds }: Entered,
  move: (room: ClassRoom) => void,
): Seat {
  const state = signal<SeatState>('away');
  const question = signal<AskedQuestion | undefined>(undefined);
  let carryOut: ((order: ClassOrder) => Promise<string | undefined>) | undefined;
  let lastReport: ClassReport | undefined;

  const line = keepLine({
    opened: (opened) => opened.say({ say: 'return', token, ifAway: false }),
    heard(message) {
      switch (message.say) {
        case 'entered':
          if (message.room.room !== room.room) {
            leaveFor(message.room);
            return;
          }
          state.value = 'present';
          if (lastReport !== undefined) line.say({ say: 'report', report: lastReport });
          return;
        case 'refused':
          // Too many wrong codes came from this address: the line is tried again.
          if (message.why !== 'token') return;
          end('over');
          forget(token, name);
          return;
        case 'replaced':
          end('replaced');
          return;
        case 'removed':
          end('removed');
          forget(token, name);
          return;
        case 'order':
          void carry(message.id, message.order);
          return;
        case 'move':
          leaveFor(message.room);
          return;
        case 'question':
          question.value = message;
          return;
        case 'class':
        case 'roster':
        case 'done':
          // For consoles only.
          return;
      }
    },
    ended() {
      state.value = 'away';
    },
  });

  const end = (how: 'replaced' | 'removed' | 'over'): void => {
    state.value = how;
    question.value = undefined;
    line.hangUp();
  };
  const leaveFor = (next: ClassRoom): void => {
    line.hangUp();
    move(next);
  };
  const carry = async (id: number, order: ClassOrder): Promise<void> => {
    const problem = await carryOut?.(order);
    line.say({
      say: 'outcome',
      order: id,
      ...(problem === undefined ? {} : { problem: problem.slice(0, MAX_PROBLEM) }),
    });
  };

  return {
    nickname,
    room,
    founds,
    state,
    question,
    answer(choice) {
      const asked = question.value;
      if (asked === undefined || asked.counts !== undefined) return;
      question.value = { ...asked, answer: choice };
      line.say({ say: 'answer', question: asked.question.id, choice });
    },
    leave() {
      line.hangUp();
      forget(token, name);
    },
    report(report) {
      lastReport = report;
      line.say({ say: 'report', report });
    },
    obey(by) {
      carryOut = by;
    },
  };
}

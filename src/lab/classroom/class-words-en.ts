// Every word that a participant of a class reads. Apart from those of the lab, since it is loaded where there is a class only.

import type { Wording } from '../language/word-table.ts';
import type { NoSeat, SeatState } from './seat.ts';

const REFUSED: Readonly<Record<NoSeat, string>> = {
  code: 'That is not the code of this class. It has six letters; ask for it again.',
  token: 'The class does not know this tab any more. Enter it again.',
  key: 'That is not this class.',
  slow: 'Too many wrong codes came from this device. Wait a few seconds, then try again.',
  full: 'The class is full. Ask your instructor.',
  taken: 'Another tab of this browser has that place.',
  late: 'The server waited too long for this page. Try again.',
  unreachable: 'The server does not answer. Is this device still in its network?',
};

const STATES: Readonly<Record<SeatState, string>> = {
  present: 'in the class',
  away: 'Connecting to the class… Your rank goes on meanwhile.',
  replaced: 'Your place in the class has moved to another tab. This rank goes on without it.',
  removed: 'Your instructor has taken you out of the class.',
  over: 'The class is over. Your rank goes on without it.',
};

export const english = {
  join: {
    title: 'Join the class',
    body: 'Your tab becomes one rank of a room that learns together. Your instructor has the code.',
    nickname: 'Nickname',
    nicknameHelp: 'The class sees it. Up to 24 characters.',
    code: 'Class code',
    codeHelp: 'Six letters.',
    noCode: 'The code has six letters, without I, L and O.',
    noName: 'Give a nickname, so that your instructor knows who you are.',
    join: 'Join',
    joining: 'Joining…',
    alone: 'Go on alone',
    aloneMeans: 'A room of your own: nobody else sees it.',
  },
  refused: REFUSED,
  states: STATES,
  label: 'Your class',
  place: (room: string) => `room ${room} of the class`,
  again: 'Enter the class again',
  leave: 'Leave the class',
  noRank: 'No rank runs in this tab.',
  struck: (fault: string) => `Your instructor throws a fault: ${fault}.`,
  question: 'A question to the class',
  answered: 'Answered. You can change your mind until the class sees the result.',
  unanswered: 'Choose an answer.',
  result: 'What the class said:',
  yours: 'your answer',
  votes: (n: number) => `${n} ${n === 1 ? 'answer' : 'answers'}`,
} as const;

export type ClassWords = Wording<typeof english>;

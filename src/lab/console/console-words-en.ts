// Every word of the instructor's console, in English.

import type { ClassOrder } from '../../live/classroom/messages.ts';
import { count as number } from '../format.ts';
import type { Wording } from '../language/word-table.ts';
import type { Link } from './console.ts';
import { words } from '../words.ts';

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

const LINKS: Readonly<Record<Link, string>> = {
  connecting: 'Connecting to the class…',
  open: 'Connected',
  away: 'The server does not answer. Trying again…',
  key: 'This key does not open the console. Copy its whole address from the terminal in which the class was started: each start has a new one.',
  slow: 'Too many wrong codes or keys came from this device. Trying again…',
  full: 'Four consoles are open already. Close one; this one tries again.',
};

export const english = {
  title: 'Console',
  links: LINKS,
  noKey: {
    title: 'This is the console of a class',
    body: 'Its address ends in the instructor’s key. Copy it whole from the terminal in which the class was started.',
    lab: 'To the lab',
  },
  here: (present: number, all: number): string =>
    present === all ? `${present} here` : `${present} here, ${all - present} away`,

  invite: {
    title: 'Let them in',
    open: 'Open',
    code: 'and give the class code',
    qr: (address: string) => `QR code of ${address}`,
    which: 'Address',
  },

  run: {
    title: 'Training',
    about: 'Of every room of the class.',
    startAll: 'Start all',
    pauseAll: 'Pause all',
    form: 'Rooms of',
    formNow: 'Form rooms',
    formMeans:
      'Deals out anew who is here. Each room begins from its first step; what the old rooms have learned stays in the browsers’ checkpoints.',
    job: 'that learn',
    formConfirm: (people: number, size: number, job: string): string =>
      `${count(people, 'participant moves', 'participants move')} into ${count(Math.ceil(people / size), 'room', 'rooms')} of at most ${size}, and begin anew with “${job}”. Form them?`,
    yes: 'Form them',
    no: 'Cancel',
  },

  roster: {
    title: 'Who is in',
    empty: 'Nobody yet. Show the class the address and the code; whoever enters appears here.',
    room: (name: string) => `Room ${name}`,
    noRoom: 'Away',
    roomState: (people: number, step: number, steps: number): string =>
      steps === 0
        ? count(people, 'rank', 'ranks')
        : `${count(people, 'rank', 'ranks')} · step ${number(step)} of ${number(steps)}`,
    start: (name: string) => `Start room ${name}`,
    pause: (name: string) => `Pause room ${name}`,
    select: (name: string) => `Select ${name}`,
    selectAll: 'Select all',
    step: (step: number) => `Step ${number(step)}`,
    answer: 'Answer:',
    lessons: 'Lessons',
    away: 'Away',
    silent: 'Not answering',
    unanswered: '–',
    webgpu: 'WebGPU',
    faults: (n: number) => count(n, 'fault', 'faults'),
    remove: (name: string) => `Remove ${name}`,
    removeConfirm: (name: string) => `${name} leaves the class and has to enter the code again. Remove?`,
    yes: 'Remove',
    no: 'Cancel',
    lessonsOf: (passed: number, of: number) => `${passed} of ${of}`,
  },

  fault: {
    title: 'Throw a fault',
    about: 'It acts within a participant’s own rank.',
    what: 'What happens',
    throwAll: 'Throw at everybody',
    throwAt: (names: readonly string[]): string =>
      names.length > 2 ? `Throw at ${names.length}` : `Throw at ${names.join(' and ')}`,
    whom: 'Tick participants in the list to strike them alone.',
    asks: 'Each participant is asked first; without a yes it does not happen.',
  },

  question: {
    title: 'Ask a question',
    about: 'A prediction, before they see what happens.',
    text: 'Question',
    textExample: 'What happens when one rank is killed?',
    choice: (n: number) => `Answer ${n}`,
    examples: ['Training stops', 'It goes on, a step behind', 'It goes on as if nothing happened'],
    add: 'One more answer',
    ask: 'Ask the class',
    askAgain: 'Ask another',
    reveal: 'Show the class',
    open: (answered: number, here: number) => `${answered} of ${here} have answered.`,
    closed: 'The class sees this result.',
    missing: 'Write a question and at least two answers.',
  },

  predictions: {
    title: 'Predictions',
    about: 'What the class predicted in the lessons.',
    empty: 'Predictions appear here when participants work on the lessons.',
    which: 'Lesson',
    count: (n: number) => count(n, 'prediction', 'predictions'),
    answer: (n: number) => `Answer ${n}`,
    between: (low: string, high: string) => `${low} to ${high}`,
  },

  log: {
    title: 'What came of it',
    empty: 'Starts, pauses and faults appear here, with who could not.',
    order(order: ClassOrder): string {
      switch (order.do) {
        case 'start':
          return 'Start';
        case 'pause':
          return 'Pause';
        case 'fault':
          return words.faults[order.fault.kind].name;
      }
    },
    /** Stands after the nickname. */
    came: (order: string, problem: string | undefined) =>
      problem === undefined ? `: ${order}, done` : `: ${order}: ${problem}`,
    unknown: 'somebody',
  },
} as const;

export type ConsoleWords = Wording<typeof english>;

// Every word that a volunteer reads, in English.

import { bytes, count, span } from '../format.ts';
import type { Wording } from '../language/word-table.ts';
import type { Contribution, End, Pause } from './helping.ts';

const PAUSES: Readonly<Record<Pause, string>> = {
  battery: 'This device runs on its battery. It goes on when it is plugged in.',
  metered: 'This network is metered, or asks to save data. It goes on in another one.',
  traffic: 'The traffic that you allow for an hour is used up.',
  asked: 'You have paused it.',
};

const ENDS: Readonly<Record<End, string>> = {
  stopped: 'You have stopped it. Nothing runs in this tab any more.',
  time: 'The time that you have set has come. Nothing runs in this tab any more.',
  memory: 'The room’s model takes more memory than you allow. Nothing runs in this tab any more.',
  'room-over': 'The room has finished all its steps. Nothing runs in this tab any more.',
};

const plural = (n: number, one: string, many: string): string => `${count(n)} ${n === 1 ? one : many}`;

export const english = {
  title: 'Lend this tab to a training',
  lead: (room: string) =>
    `Somebody trains a neural network over many browser tabs, in a room called ${room}, and asks for the help of yours.`,
  runsTitle: 'What will run',
  runs: 'A piece of arithmetic: this tab computes gradients of a small neural network, on the CPU or the GPU, and exchanges them with the other tabs. It installs nothing and reads none of your files. It ends with this tab.',
  costsTitle: 'What it costs you',
  costs: 'You set the limits, and they are kept:',
  sharedTitle: 'What is shared',
  shared:
    'The other members of the room get the gradients, the name of your graphics chip, and, as in any call between browsers, your network address. No name, no file, no history. Checkpoints of the model are kept in this browser’s storage.',
  stopTitle: 'How to stop',
  howToStop: 'With the button, or by closing the tab. The others go on without you and lose no step.',
  limits: {
    share: 'Time that may be spent computing',
    shareOf: (percent: number) => (percent === 100 ? 'all of it' : `${percent} of 100 seconds`),
    useGpu: 'The graphics chip may be used',
    memory: 'Memory of the model, at most',
    traffic: 'Traffic in an hour, at most',
    trafficMeans:
      'A fast room moves some MiB in every second. At the limit the tab leaves, and comes back when half of it is free again.',
    noLimit: 'no limit',
    until: 'Stop at',
    untilMeans: 'Left empty: when I say so.',
    battery: 'Pause on battery',
    batteryUnknown: 'This browser does not tell pages whether it runs on battery: pause by hand.',
    metered: 'Pause on metered networks',
    meteredUnknown: 'This browser does not tell pages what its network costs: pause by hand.',
    meteredSaves:
      'This browser tells pages only whether to save data, and on phones whether the network is cellular.',
  },
  start: 'Lend this tab',
  pause: 'Pause',
  resume: 'Go on',
  stop: 'Stop',
  again: 'Lend it again',
  states: {
    joining: 'Joining the room…',
    helping: 'Helping',
    paused: 'Paused',
    over: 'Over',
  },
  pauses: PAUSES,
  usedUpUntil: (time: string) => `${PAUSES.traffic} It goes on at ${time}, or as soon as you allow more.`,
  ends: ENDS,
  alone: 'You are alone in the room at present. Nothing is computed until somebody starts it.',
  waits: 'The room is not training at present. Nothing is computed until somebody starts it.',
  progress: (step: number, steps: number) => `The room is at step ${count(step)} of ${count(steps)}.`,
  thanksTitle: 'Thank you',
  thanks: ({ microBatches, steps, ms }: Contribution) =>
    microBatches === 0
      ? 'Your first micro-batch is still to come.'
      : `This tab has computed ${plural(microBatches, 'micro-batch', 'micro-batches')} and taken part in ${plural(steps, 'step', 'steps')}, in ${span(ms)}.`,
  usedTitle: 'In use now',
  usedTraffic: (used: number, cap: number | undefined) =>
    cap === undefined
      ? `${bytes(used)} in the last hour`
      : `${bytes(used)} of ${bytes(cap)} in the last hour`,
  pace: (perSecond: number, lastsMs: number | undefined) =>
    lastsMs === undefined
      ? `${bytes(perSecond)} in a second`
      : `${bytes(perSecond)} in a second: your limit is reached in ${span(lastsMs)}`,
  usedMemory: (used: number, cap: number) => `${bytes(used)} of ${bytes(cap)}`,
  traffic: 'Traffic',
  paceTitle: 'At present',
  memory: 'Memory',
  engine: 'Computes on',
  noRoom: 'This link names no room. Ask for it again.',
  badLink: 'This link is cut short or changed. Ask for it again, and copy it whole.',
  problem: (why: string) => `The rank could not start, and is tried again: ${why}`,
  label: 'Your limits',
};

export type VolunteerWords = Wording<typeof english>;

// Every word of the lessons' page in English, apart from the lessons themselves, which are files of their own.

import type { Wording } from '../language/word-table.ts';
import type { Hand } from './lesson.ts';
import type { LessonVerdict, Metric } from './metrics.ts';

const METRIC_NAMES: Readonly<Record<Metric, string>> = {
  goodput: 'Goodput',
  lostSteps: 'Steps done twice',
  recoverMs: 'Longest stand-still',
  committed: 'Steps committed',
  doneMs: 'Time until the job is done',
  faults: 'Faults',
  generations: 'Generations',
  lines: 'Lines of history',
  evictions: 'Ranks left out',
  fenced: 'Messages fenced off',
  healed: 'Ranks healed',
  checkpoints: 'Checkpoints stored',
  restoredStep: 'Restored at step',
  violations: 'Violations',
  seeds: 'Seeds searched',
  decisions: 'Decisions left to tell',
};

const VERDICT_NAMES: Readonly<Record<LessonVerdict, string>> = {
  held: 'held',
  violated: 'violated',
  unrecoverable: 'unrecoverable, justified',
};

const HAND_NAMES: Readonly<Record<Hand, string>> = { kill: 'Kill', close: 'Close', freeze: 'Freeze' };

export const english = {
  title: 'Lessons',
  about:
    'Eight ideas of failure and recovery, each with a prediction, a run and a goal that the page checks.',
  toLab: 'To the lab',
  all: 'All lessons',
  list: 'The lessons, in the order of a half-day workshop',
  passed: (passed: number, of: number) => `${passed} of ${of} passed`,
  states: { passed: 'Passed', tried: 'Tried', fresh: 'New' },
  minutes: (n: number) => `${n} min`,
  /** How long a lesson takes, and where it runs. */
  facts: (minutes: string, world: string) => `${minutes}, ${world}`,
  worlds: { simulator: 'in the simulator', live: 'in a live room', hunt: 'a search in the simulator' },
  loading: 'Loading the lesson…',
  unknown: (id: string) => `There is no lesson “${id}” here.`,
  failed: (why: string) => `That did not work: ${why}`,
  own: {
    title: 'A lesson of your own',
    about: 'Open a Markdown file, or drop one here. docs/lessons.md says how to write it.',
    open: 'Open a file…',
    tooLarge: (name: string, kibibytes: number) => `${name} is too large: expected at most ${kibibytes} KiB.`,
    chip: 'your file',
  },

  predict: {
    title: 'Predict',
    about: 'Before you run it.',
    save: 'That is my prediction',
    change: 'Change it',
    missing: 'Choose an answer first.',
    range: (least: number, most: number, unit: string) => `From ${least} to ${most} ${unit}`,
    mine: 'You predicted',
    happened: 'What happened',
    neither: 'none of these',
    right: 'As you predicted.',
    wrong: 'Not as you predicted. The text and the diagram say why.',
    near: 'Close.',
    off: (factor: string) => `Off by a factor of ${factor}.`,
  },

  run: {
    title: 'Run',
    about: {
      simulator: 'In a simulated world: the same ranks, in virtual time.',
      live: 'In a live room of its own, with ranks in this tab.',
      hunt: 'Many seeds on all cores, until something breaks.',
    },
    start: 'Run it',
    again: 'Run it again',
    startLive: (ranks: number) => `Start ${ranks} ranks`,
    end: 'End and judge',
    cancel: 'Cancel',
    first: 'Make your prediction first.',
    opening: 'The ranks open…',
    training: 'Training. Break it now.',
    judging: 'Reading the logs…',
    running: 'Running…',
    searching: (seeds: number) => `${seeds} seeds, and nothing broke yet…`,
    simulator: 'The simulator',
    cancelled: 'It was cancelled.',
    noExample: (name: string, known: readonly string[]) =>
      `There is no example “${name}”. There are: ${known.join(', ')}.`,
    setting: 'Settings',
    verdict: 'Verdict',
    step: (step: number, of: number) => `Step ${step} of ${of}`,
    ranks: 'The ranks',
    rank: (n: number) => `Rank ${n}`,
    joining: 'not a member yet',
    hands: HAND_NAMES,
    handOf: (hand: string, rank: string) => `${hand} ${rank}`,
    openAnother: 'Open another rank',
    copyCommand: 'Copy as a command',
    commandCopied: 'The command is copied.',
    copyByHand: (text: string) => `Copying is not allowed here. Copy it by hand: ${text}`,
    inLaboratory: 'Open in the race laboratory',
  },

  goal: {
    title: 'Goal',
    about: 'Checked on the logs of the run.',
    open: 'Run it, and see.',
    running: 'Judged when you end the run.',
    met: 'met',
    missed: 'not met',
    passed: 'Passed. Well done.',
    notYet: 'Not yet. Change something, and run it again.',
    next: (title: string) => `Next: ${title}`,
    found: 'Found',
    none: 'none',
    more: 'What else was measured',
  },
  metrics: METRIC_NAMES,
  verdicts: VERDICT_NAMES,
  condition: (what: string, holds: string) => `${what}: ${holds}`,
  comparisons: { '>=': 'at least', '<=': 'at most', '=': 'exactly', '>': 'more than', '<': 'less than' },

  diagram: {
    title: 'What happened',
    about: 'Ranks side by side, time downward. Point at a message, or walk through it with the arrow keys.',
    live: 'Ranks side by side, time downward. In a live room nobody sees every message: the ranks’ own words are drawn.',
  },

  interval: {
    title: 'Your own numbers',
    about: 'Young’s formula: √(2 · time between failures · cost of a checkpoint).',
    mtbf: 'Time between failures',
    cost: 'Cost of one checkpoint',
    unit: 'unit',
    units: { seconds: 'seconds', minutes: 'minutes', hours: 'hours' },
    best: (time: string) => `Checkpoint every ${time}.`,
    lost: (total: string, saving: string, redone: string) =>
      `${total} of the time is lost then: ${saving} for saving, ${redone} for redoing.`,
  },
};

export type LessonWords = Wording<typeof english>;

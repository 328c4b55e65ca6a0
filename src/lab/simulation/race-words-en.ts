// Every word of the race laboratory, in English. Apart from those of the lab, since it is loaded only when somebody opens it.

import { count } from '../format.ts';
import type { Wording } from '../language/word-table.ts';
import { lookUp } from '../sentence.ts';
import type { Doing, Scenario, Subject } from './api.ts';
import type { LogFlaw } from './log-file.ts';
import type { Condition } from '../../simulator/guest/world.ts';
import { ACCOUNT_NAMES } from '../../trace/account-names.ts';
import type { Ledger } from '../../trace/ledger.ts';

/** Where the time of ranks goes, and that of the nodes of somebody's protocol. */
export type Account = keyof Ledger | Condition;

const ACCOUNTS: Readonly<Record<Account, string>> = {
  ...ACCOUNT_NAMES,
  running: 'running',
  frozen: 'frozen',
  crashed: 'down',
  gone: 'gone',
};

export const english = {
  protocol: 'Protocol',
  builtIn: 'Rankfall, as the ranks run it',
  examples: 'Examples of races',
  yours: 'Yours',
  file: (name: string) => `${name} (your file)`,
  bring: 'Open a file…',
  bringTells:
    'A file is a protocol of your own (a JavaScript module), a replay, or a log (.log.gz, .ndjson) or an incident from the lab. Open it, or drop it here. A protocol runs walled off, without this site and the network.',
  scenario: 'Scenario',
  drawn: 'whatever the seed draws',
  seed: 'Seed',
  ranks: 'Ranks',
  run: 'Run',
  hunt: 'Hunt',
  huntTells: 'Searches from this seed on, on all cores, until an invariant breaks',
  shrink: 'Shrink',
  cancel: 'Cancel',
  tells: (scenario: Scenario | undefined) =>
    scenario === undefined
      ? 'The seed draws the faults: which kinds exist at all, how often they strike, and whom.'
      : `${scenario.tells.charAt(0).toUpperCase()}${scenario.tells.slice(1)}.`,
  doing: {
    opening: 'Opening…',
    running: 'Running…',
    hunting: 'Hunting…',
    shrinking: 'Making it small…',
    branching: 'Trying other futures…',
    recording: 'Recording…',
  } satisfies Readonly<Record<Doing, string>>,
  rate: (seeds: number, perHour: number, virtualPerReal: number) =>
    `${count(seeds)} seeds so far, ${count(perHour)} an hour; ${count(virtualPerReal)} seconds are simulated in each second`,
  nothing: (seeds: number) => `${count(seeds)} seeds, and no invariant broke.`,
  failed: (why: string) => `That did not work: ${why}`,
  verdicts: {
    held: () => 'Held.',
    violated: (invariant: number | string | undefined) =>
      typeof invariant === 'string'
        ? `Violated: “${invariant}”.`
        : `Violated: invariant ${invariant ?? '?'}.`,
    unrecoverable: () => 'Unrecoverable, justified:',
  },
  heldMeans: (committed: number, steps: number, subject: Subject) =>
    subject.kind === 'room'
      ? `No invariant broke, and ${committed} of ${steps} steps are committed by all who are left.`
      : 'No invariant broke, and what is promised for later came to hold.',
  origin: {
    seed: (seed: number) => `Seed ${seed}`,
    shrunk: (seed: number, size: number) =>
      `Seed ${seed}, made small: ${size} ${size === 1 ? 'decision is' : 'decisions are'} left to tell`,
    replay: 'A replay',
  },
  ran: 'Run',
  trace: 'Trace hash',
  speed: (events: number, virtual: string, real: string) =>
    `${count(events)} events in ${virtual} of virtual time, run in ${real}`,
  ledger: 'Rank time',
  account: (name: string) => lookUp(ACCOUNTS, name) ?? name,
  whatIf: 'What if, from here?',
  whatIfTells: 'Runs on from this moment with other chance, many times',
  later: 'What if this message came later?',
  whatIfHint:
    'It could have gone on otherwise: choose a moment with the slider under the diagram, or point at a message and click.',
  futures: (violated: number, futures: number, isBroken: boolean) =>
    !isBroken
      ? `Of ${futures} other futures from there, one of which is drawn beside it, none breaks what held.`
      : violated === futures
        ? `All of ${futures} other futures from there break the same invariant: chance alone no longer avoids it.`
        : `Of ${futures} other futures from there, ${violated} break the same invariant: it could still be avoided. One that ended otherwise is drawn beside it.`,
  laterEnds: (isViolated: boolean, ms: number) =>
    isViolated
      ? `With this message ${ms} ms later, the same invariant breaks all the same.`
      : `With this message ${ms} ms later, it does not come to that.`,
  endBranch: 'Back to the run',
  copyLink: 'Copy link',
  linkCopied: 'The link is copied. It holds the whole experiment and its diagram, and no code.',
  linkLocal:
    'The link is copied. It leads to this machine: others need a Rankfall of their own, or the command.',
  linkTooLong: 'This run is too long for a link: shrink it first, or copy the replay command.',
  commandTooLong: 'This run is too long for a command: shrink it first.',
  longLink: (characters: number, most: number) =>
    `This link has ${count(characters)} characters, and a link has at most ${count(most)}. It was not made here: ask for the replay as a file.`,
  kept: {
    title: 'A run as it was recorded',
    why: {
      core: (found: number, own: number) =>
        `This link is of another version of the protocol's core (${found}; this page has ${own}), in which it would be another run. It is shown as it was recorded, and not run. To run it, open it with the Rankfall that it came from.`,
      differs:
        'Here this run comes out otherwise than it was recorded: another version wrote it. It is shown as it was recorded.',
      bug: (bug: string) =>
        `This run has the bug "${bug}" planted, and a page holds no planted bugs. It is shown as it was recorded; npx rankfall replay runs it.`,
      protocol: (name: string, hash: string) =>
        `This run is of the protocol "${name}", which is not one of the examples. A link carries no code: open the file of that protocol here (SHA-256 ${hash.slice(0, 12)}…), and it runs.`,
    },
    verdicts: { held: 'Held.', violated: 'Violated.', unrecoverable: 'Unrecoverable, justified:' },
    none: 'It brings no diagram along.',
    means: 'Where it was run, no invariant broke.',
    skipped: (skipped: number) => `The first ${count(skipped)} events did not fit into the link.`,
  },
  openLab: 'Open the lab',
  copyCommand: 'Copy command',
  copyReplay: 'Copy replay command',
  commandCopied: 'The command is copied.',
  replayCopied: 'The command is copied. It holds the whole run.',
  copyByHand: (text: string) => `The clipboard is closed to this page. Copy it by hand: ${text}`,
  events: 'What happened in the simulated run',
  more: (n: number) =>
    `${count(n)} more: the diagram shows them, and the command lists them with --log FILE.`,
  good: 'Good',
  bad: 'Bad',
  tooLarge: (name: string) => `${name} is too large: expected at most 16 MiB.`,
  log: {
    title: (name: string) => `Opened: ${name}`,
    room: (room: string, at: string) => `Incident in room ${room}, ${at}`,
    reading: (name: string) => `Running ${name} again…`,
    close: 'Close it',
    refused: (name: string, why: string) => `${name} was not opened: ${why}`,
    flaws: {
      'too-large': 'expected at most 64 MiB, found more.',
      'unpacks-too-large': 'expected at most 512 MiB when unpacked, found more.',
      damaged: 'expected a whole gzip file, found that it breaks off or is damaged. Download it again.',
      'line-too-long': 'expected lines of at most 64 MiB, found a longer one.',
      empty: 'expected a log or an incident from the lab, found an empty file.',
    } satisfies Readonly<Record<LogFlaw, string>>,
    verdicts: {
      held: 'Held.',
      violated: (invariant: number | undefined) => `Violated: invariant ${invariant ?? '?'}.`,
      differs: 'Differs.',
      none: 'Nothing to run again.',
    },
    heldMeans: {
      inputs: (committed: number) =>
        `Run again, every rank decided and sent exactly what it did live. As far as the recordings go no invariant broke, and ${count(committed)} steps are committed.`,
      records: (committed: number) =>
        `As far as the ranks reported, no invariant broke, and ${count(committed)} steps are committed. What they were told is not in the file, so nothing was run again.`,
    },
    noneMeans: 'The incident holds no recording: what is drawn is the last that its ranks were at.',
    size: 'Holds',
    ranks: (ranks: number, entries: number, holds: 'inputs' | 'records', time: string) =>
      `${count(ranks)} ${ranks === 1 ? 'rank' : 'ranks'}, ${count(entries)} ${holds} in ${time}`,
    differsAt: (line: number, expected: string, found: string) =>
      `Line ${line}: expected ${expected}, found ${found}.`,
    messages: {
      inputs:
        'Messages are drawn between ranks whose recordings are in the file. Of others nobody wrote down whether they came.',
      records: 'An event log holds no messages.',
    },
    skipped: (skipped: number) => `The first ${count(skipped)} events are not drawn: the newest are.`,
    failures: 'What did not hold',
  },
  simulator: 'The simulator',
  cancelled: 'It was cancelled.',
};

export type RaceWords = Wording<typeof english>;

// The settings of a fault in English words: `ms: 200` is "200 ms". What each kind does is told elsewhere.

import type { Fault } from './vocabulary.ts';

type KeysOf<Each> = Each extends unknown ? keyof Each : never;

/** How a language tells a fault's settings, each from its value as text. */
export type SettingWords = Readonly<Record<Exclude<KeysOf<Fault>, 'kind'>, (value: string) => string>>;

const WHERE: Readonly<Record<string, string>> = {
  parameters: 'the weights',
  moments: 'the optimizer’s moments',
  gradient: 'a gradient',
  worker: 'the worker’s thread',
  page: 'the page’s thread',
};

const HOW: Readonly<Record<string, string>> = {
  short: 'too few samples',
  labels: 'unknown labels',
  'non-finite': 'numbers that are not finite',
  missing: 'the data set is missing',
  truncated: 'the data set is cut off',
  rotten: 'a bit is flipped',
  torn: 'a piece is missing',
  stale: 'only older ones are left',
};

const DIRECTIONS: Readonly<Record<string, string>> = {
  both: 'both ways',
  in: 'only to it',
  out: 'only from it',
};

const KIB = 1024;
const tenths = (value: number): string => String(Math.round(value * 10) / 10);

function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${tenths(ms / 1000)} s` : `${tenths(ms / 60_000)} min`;
}

function amount(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < KIB * KIB) return `${tenths(bytes / KIB)} KiB`;
  return bytes < KIB * KIB * KIB
    ? `${tenths(bytes / KIB / KIB)} MiB`
    : `${tenths(bytes / KIB / KIB / KIB)} GiB`;
}

/** Who is cut off together: the ranks whose bits are set in a partition's `side`. */
export function ranksIn(mask: number): readonly number[] {
  const ranks: number[] = [];
  for (let rank = 0, rest = mask; rest > 0; rank++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) ranks.push(rank);
  }
  return ranks;
}

export const ENGLISH_SETTINGS: SettingWords = {
  to: (rank) => `towards rank ${rank}`,
  direction: (direction) => DIRECTIONS[direction] ?? direction,
  forMs: (ms) => `for ${time(Number(ms))}`,
  ms: (ms) => time(Number(ms)),
  everyMs: (ms) => `every ${time(Number(ms))}`,
  chance: (chance) => `${String(Math.round(Number(chance) * 10_000) / 100)}% of the messages`,
  times: (times) => (times === '1' ? 'once' : `${times} times`),
  maxBytes: (bytes) => `at most ${amount(Number(bytes))}`,
  bytesPerSecond: (bytes) => `${amount(Number(bytes))} a second`,
  factor: (factor) => `${factor} times as slow`,
  rate: (rate) => `${rate} times as fast`,
  how: (how) => HOW[how] ?? how,
  where: (where) => WHERE[where] ?? where,
  row: (row) => `sample ${row}`,
  side: (mask) => `${ranksIn(Number(mask)).join(', ')} on one side`,
  closes: (closes) => (closes === 'true' ? 'which ends the connection' : 'the connection stays'),
};

/** The settings of `fault` in `words`; those that they do not name (of a reader's own protocol, or another version) as they are spelled. */
export const settingsOf = (fault: object, words: SettingWords = ENGLISH_SETTINGS): readonly string[] =>
  Object.entries(fault).flatMap(([name, value]: readonly [string, unknown]) => {
    if (name === 'kind') return [];
    const told = Object.hasOwn(words, name) ? words[name as keyof SettingWords] : undefined;
    return [told?.(String(value)) ?? `${name} ${String(value)}`];
  });

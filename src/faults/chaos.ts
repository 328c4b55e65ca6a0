// Chaos: faults that a seed draws, one after the other for as long as it lasts. The lab and `rankfall soak` share it.

import { randomStream, uniformFraction, uniformInteger } from '../job/random.ts';
import type { RandomStream } from '../job/random.ts';
import type { DueFault, ScheduleCursor } from './schedule.ts';
import type { DrivenFault, FaultKind } from './vocabulary.ts';

export interface Chaos {
  readonly seed: number;
  /** Mean time between two faults, in milliseconds. */
  readonly everyMs: number;
  /** Which kinds are drawn; each comes once before any comes again. At least one. */
  readonly kinds: readonly ChaosKind[];
}

/**
 * What uses a machine up for real needs consent, and what is not finite stops the run by design: neither is drawn. `jank` is a `freeze` that
 * is over within a second, which is to put nobody out.
 */
export type ChaosKind =
  | Exclude<FaultKind, 'exhaust-gpu' | 'hog-cpu' | 'grow-memory' | 'fill-storage' | 'nan'>
  | 'lose-gpu-process'
  | 'jank';

/** One fault of a kind, as strong and as long as chance has it. `rank`: whom it strikes. `to`: one of the others. */
type Draw = (random: Chance, to: number, rank: number) => DrivenFault;

interface Chance {
  /** A whole number from `least` to `most`. */
  readonly between: (least: number, most: number) => number;
  readonly pick: <T>(items: readonly [T, ...T[]]) => T;
}

/** Long enough to be felt, short enough that the room is whole again before the next one. */
const DRAWS: { readonly [Kind in ChaosKind]: Draw } = {
  close: () => ({ kind: 'close' }),
  kill: () => ({ kind: 'kill' }),
  freeze: ({ between }) => ({ kind: 'freeze', forMs: between(300, 4000) }),
  jank: ({ between }) => ({ kind: 'freeze', forMs: between(100, 950) }),
  cut: ({ between, pick }, to) => ({
    kind: 'cut',
    to,
    direction: pick(['both', 'in', 'out']),
    forMs: between(300, 4000),
  }),
  delay: ({ between }, to) => ({ kind: 'delay', to, ms: between(20, 300), forMs: between(1000, 4000) }),
  jitter: ({ between }, to) => ({ kind: 'jitter', to, ms: between(20, 300), forMs: between(1000, 4000) }),
  corrupt: ({ between }, to) => ({
    kind: 'corrupt',
    to,
    chance: between(1, 10) / 100,
    forMs: between(1000, 4000),
  }),
  'limit-bandwidth': ({ between }, to) => ({
    kind: 'limit-bandwidth',
    to,
    bytesPerSecond: between(200_000, 2_000_000),
    forMs: between(1000, 4000),
  }),
  'hold-link': ({ between }, to) => ({ kind: 'hold-link', to, forMs: between(300, 3000) }),
  'repeat-late': ({ between }, to) => ({
    kind: 'repeat-late',
    to,
    chance: between(10, 50) / 100,
    ms: between(100, 3000),
    forMs: between(1000, 4000),
  }),
  'reset-link': (_, to) => ({ kind: 'reset-link', to }),
  'fill-queue': ({ between, pick }, to) => ({
    kind: 'fill-queue',
    to,
    closes: pick([true, false]),
    forMs: between(300, 3000),
  }),
  'refuse-gpu': ({ between }) => ({ kind: 'refuse-gpu', forMs: between(1000, 4000) }),
  'refuse-storage': ({ between }) => ({ kind: 'refuse-storage', forMs: between(1000, 4000) }),
  'limit-storage': ({ between }) => ({ kind: 'limit-storage', maxBytes: 0, forMs: between(1000, 4000) }),
  'ambiguous-storage': ({ between }) => ({ kind: 'ambiguous-storage', forMs: between(1000, 4000) }),
  'loader-throws': ({ between }) => ({ kind: 'loader-throws', times: between(1, 3), forMs: 4000 }),
  'loader-hangs': ({ between }) => ({ kind: 'loader-hangs', forMs: between(300, 2000) }),
  'loader-garbles': ({ between, pick }) => ({
    kind: 'loader-garbles',
    how: pick(['short', 'labels', 'non-finite']),
    times: between(1, 3),
    forMs: 4000,
  }),
  'bad-sample': ({ between }) => ({ kind: 'bad-sample', forMs: between(1000, 4000) }),
  'lose-device': () => ({ kind: 'lose-device' }),
  // With a flipped bit in its weights a rank makes another gradient, which is in the sum before anybody can tell.
  'flip-bit': () => ({ kind: 'flip-bit', where: 'moments' }),
  'slow-gpu': ({ between, pick }) => ({
    kind: 'slow-gpu',
    factor: pick([2, 10]),
    forMs: between(1000, 4000),
  }),
  'slow-map': ({ between }) => ({ kind: 'slow-map', ms: between(50, 500), forMs: between(1000, 4000) }),
  'hang-kernel': ({ between }) => ({ kind: 'hang-kernel', forMs: between(300, 3000) }),
  'silent-link': ({ between }, to) => ({ kind: 'silent-link', to, forMs: between(300, 4000) }),
  partition: ({ between, pick }, to, rank) => ({
    kind: 'partition',
    side: (1 << rank) | pick([0, 1 << to]),
    forMs: between(300, 4000),
  }),
  'stall-collective': ({ between }, to) => ({ kind: 'stall-collective', to, forMs: between(300, 3000) }),
  'reconnect-storm': ({ between }, to) => ({
    kind: 'reconnect-storm',
    to,
    everyMs: between(200, 1000),
    forMs: between(1000, 3000),
  }),
  'damage-checkpoint': ({ pick }) => ({
    kind: 'damage-checkpoint',
    how: pick(['rotten', 'torn', 'stale']),
  }),
  'evict-checkpoints': () => ({ kind: 'evict-checkpoints' }),
  'clock-jump': ({ between }) => ({ kind: 'clock-jump', ms: between(100, 5000) }),
  'clock-drift': ({ between, pick }) => ({
    kind: 'clock-drift',
    rate: pick([0.8, 1.25]),
    forMs: between(1000, 4000),
  }),
  hide: ({ between }) => ({ kind: 'hide', forMs: between(1000, 4000) }),
  mute: ({ between }) => ({ kind: 'mute', forMs: between(300, 4000) }),
  'lose-signalling': ({ between }) => ({ kind: 'lose-signalling', forMs: between(1000, 4000) }),
  'oversize-buffer': () => ({ kind: 'oversize-buffer', times: 1, forMs: 4000 }),
  'lose-data': ({ between, pick }) => ({
    kind: 'lose-data',
    how: pick(['missing', 'truncated']),
    forMs: between(300, 2000),
  }),
  'lose-gpu-process': () => ({ kind: 'lose-gpu-process' }),
};

export const CHAOS_KINDS = Object.keys(DRAWS) as readonly ChaosKind[];

/**
 * Those after which the state is still that of an undisturbed rank: a lost GPU may come back as another engine, whose arithmetic
 * is another, and a sample that is bad on one rank is left out by all.
 */
const INEXACT: ReadonlySet<ChaosKind> = new Set(['lose-device', 'lose-gpu-process', 'bad-sample']);
export const EXACT_KINDS = CHAOS_KINDS.filter((kind) => !INEXACT.has(kind));

/**
 * Half to one and a half times the mean lies between two faults. Which kinds come in which order, and with what strength, is the
 * seed's; whom they strike is too, among the ranks that there are.
 */
export function followChaos({ seed, everyMs, kinds }: Chaos): ScheduleCursor {
  const order = randomStream(seed, 1, kinds.length);
  const timing = randomStream(seed, 2, kinds.length);
  const strength = randomStream(seed, 3, kinds.length);
  const whom = randomStream(seed, 4, kinds.length);
  const chance = chanceOf(strength);
  const gap = (): number => everyMs * (0.5 + uniformFraction(timing));
  let deck: ChaosKind[] = [];
  let next = gap();
  let index = 0;
  return {
    due({ ms, ranks }) {
      // A room of one rank has nobody to go on without it, and no link.
      if (ms < next || ranks < 2) return [];
      // What came due while the room was held up does not come all at once.
      next = Math.max(next, ms - everyMs / 2) + gap();
      if (deck.length === 0) deck = shuffled(kinds, order);
      const kind = deck.pop();
      if (kind === undefined) return [];
      const rank = uniformInteger(whom, ranks);
      const to = (rank + 1 + uniformInteger(whom, ranks - 1)) % ranks;
      return [{ index: index++, rank, fault: DRAWS[kind](chance, to, rank) } satisfies DueFault];
    },
    pending: 0,
  };
}

export const CHAOS_SPELLING = 'SECONDS, SECONDS:SEED or SECONDS:SEED:KINDS, with commas between the kinds';

/** Chaos as an address says it, such as `10`, `10:7` or `2.5:7:kill,cut`: undefined where that is not well-formed. */
export function parseChaos(text: string): Chaos | undefined {
  const match = /^(\d{1,4}(?:\.\d{1,3})?)(?::(\d{1,10})(?::([a-z,-]{1,400}))?)?$/.exec(text);
  const [, seconds = '', seed = '1', list] = match ?? [];
  const everyMs = Number(seconds) * 1000;
  const names = new Set(list?.split(','));
  // A page cannot end the browser's GPU process.
  const all = CHAOS_KINDS.filter((kind) => kind !== 'lose-gpu-process');
  const kinds = list === undefined ? EXACT_KINDS : all.filter((kind) => names.delete(kind));
  if (match === null || everyMs < 500 || Number(seed) > 0xffff_ffff || names.size > 0 || kinds.length === 0)
    return undefined;
  return { seed: Number(seed), everyMs, kinds };
}

const chanceOf = (stream: RandomStream): Chance => ({
  between: (least, most) => least + uniformInteger(stream, most - least + 1),
  pick: (items) => items[uniformInteger(stream, items.length)] ?? items[0],
});

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], stream: RandomStream): T[] {
  const left = [...items];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(uniformInteger(stream, left.length), 1));
  return result;
}

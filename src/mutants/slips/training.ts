// Slips in the step: shares, sums, and what is kept of them.

import type { TrainingRules } from '../../protocol/rules/training.ts';
import type { WrongVersions } from './slip.ts';

export const TRAINING_SLIPS: WrongVersions<keyof TrainingRules> = {
  share: [
    [
      'the remainder is dropped',
      () => (rank, world, microBatches) => {
        const each = Math.floor(microBatches / world);
        return Array.from({ length: each }, (_, i) => rank * each + i);
      },
    ],
    [
      'everybody computes everything',
      () => (_rank, _world, microBatches) => Array.from({ length: microBatches }, (_, i) => i),
    ],
    [
      'one more',
      (right) =>
        (...given) => [...right(...given), Math.max(0, (right(...given).at(-1) ?? -1) + 1) % given[2]],
    ],
    [
      'without the first',
      (right) =>
        (...given) =>
          right(...given).slice(1),
    ],
    [
      'from the back',
      (right) => (rank, world, microBatches, counts) =>
        right(world - 1 - rank, world, microBatches, counts && [...counts].reverse()),
      'every micro-batch still has one rank',
    ],
    [
      'equal whatever was agreed',
      (right) => (rank, world, microBatches) => right(rank, world, microBatches, undefined),
      'all ranks still agree on who computes what',
    ],
    [
      'of one rank less',
      (right) => (rank, world, microBatches, counts) =>
        right(rank, Math.max(1, world - 1), microBatches, counts),
    ],
  ],
  shareOut: [
    ['never', () => () => undefined],
    [
      'one too few',
      (right) =>
        (...given) =>
          right(...given)?.map((count, rank) => (rank === 0 ? Math.max(0, count - 1) : count)),
    ],
    [
      'one too many',
      (right) =>
        (...given) =>
          right(...given)?.map((count, rank) => (rank === 0 ? count + 1 : count)),
    ],
    [
      'the slow get the most',
      (right) =>
        (paces, ...rest) =>
          right(
            paces.map((pace) => (pace === undefined || pace === 0 ? pace : 1 / pace)),
            ...rest,
          ),
    ],
    [
      'the first gets all',
      () => (paces, microBatches) => paces.map((_, rank) => (rank === 0 ? microBatches : 0)),
    ],
    [
      'always anew',
      (right) => (paces, microBatches, _before, steps) => right(paces, microBatches, undefined, steps),
      'only slower, which tests of the shares measure',
    ],
    ['never probed', (right) => (paces, microBatches, before) => right(paces, microBatches, before, 2)],
    [
      'the remainder is dropped where each gets one',
      (right) => (paces, microBatches, before, steps) =>
        steps % 32 === 0 && paces.some((pace) => pace !== undefined)
          ? paces.map(() => 1)
          : right(paces, microBatches, before, steps),
    ],
    [
      'one more for each that has none',
      (right) => (paces, microBatches, before, steps) => {
        const counts = right(paces, microBatches, before, steps + 1) ?? before;
        return steps % 32 === 0
          ? counts?.map((count) => Math.max(1, count))
          : right(paces, microBatches, before, steps);
      },
    ],
  ],
  mayContribute: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['once the target is known', () => (membership) => membership.target !== undefined],
  ],
  batchOf: [
    ['one behind', () => (training) => Math.max(0, training.step - 1)],
    ['one ahead', () => (training) => training.step + 1],
    ['of what was committed', () => (training) => training.committed],
    ['the first', () => () => 0],
    ['batches come round', () => (training) => training.step % 32],
  ],
  contributor: [
    ['the one that the part names', () => (_generation, _sender, part) => part],
    [
      'the next one',
      (right) => (generation, sender, part) =>
        (right(generation, sender, part) + 1) % generation.members.length,
    ],
    [
      'the first where there is none',
      (right) => (generation, sender, part) => Math.max(0, right(generation, sender, part)),
      'a part of no member is refused before it is asked for',
    ],
    ['nobody', () => () => -1],
  ],
  readyToApply: [
    [
      'when the first bucket is in',
      () =>
        ({ buckets }) =>
          buckets[0]?.complete === true,
    ],
    [
      'when the last bucket is in',
      () =>
        ({ buckets }) =>
          buckets.at(-1)?.complete === true,
    ],
    [
      'when those are in that were begun',
      () =>
        ({ buckets }) =>
          buckets.every(({ complete }) => complete),
    ],
    [
      'when one is in',
      () =>
        ({ buckets }) =>
          buckets.some(({ complete }) => complete),
    ],
    [
      'when all were begun',
      () =>
        ({ layout, buckets }) =>
          buckets.length === layout.buckets.length,
    ],
    ['never', () => () => false],
  ],
  redoExponents: [
    ['its own', () => (_agreed, own) => own],
    [
      'the larger of both',
      () => (agreed, own) => agreed.map((exponent, i) => Math.max(exponent, own[i] ?? exponent)),
      'what was agreed is the largest of all',
    ],
    ['one less', () => (agreed) => agreed.map((exponent) => exponent - 1)],
    ['one more', () => (agreed) => agreed.map((exponent) => exponent + 1)],
    [
      'the smaller of both',
      () => (agreed, own) => agreed.map((exponent, i) => Math.min(exponent, own[i] ?? exponent)),
    ],
    ['of the first tensor', () => (agreed) => agreed.map(() => agreed[0] ?? 0)],
  ],
  leftOut: [
    ['the last one alone', () => (_before, agreed) => [agreed]],
    ['those before', () => (before) => before],
    ['none', () => () => []],
    ['its own', () => (before, _agreed, own) => (own === undefined ? before : [...before, own])],
    ['the next one', () => (before, agreed) => [...before, agreed + 1]],
    [
      'the agreed one and its own',
      () => (before, agreed, own) => [
        ...before,
        agreed,
        ...(own === undefined || own === agreed ? [] : [own]),
      ],
    ],
    ['in another order', () => (before, agreed) => [agreed, ...before]],
    ['the last three', () => (before, agreed) => [...before.slice(-2), agreed]],
  ],
  retain: [
    ['nothing', () => (reduced) => new Int32Array(reduced.length)],
    ['a copy', () => (reduced) => reduced.slice(), 'it holds the same'],
    ['the first half', () => (reduced) => reduced.map((lane, i) => (i * 2 < reduced.length ? lane : 0))],
    [
      'without its last lane',
      () => (reduced) => reduced.map((lane, i) => (i + 1 < reduced.length ? lane : 0)),
      'it names a bad sample, and a step that is applied has none',
    ],
    ['shorter', () => (reduced) => reduced.slice(0, -1)],
  ],
  keepsRound: [
    ['never', () => () => false],
    ['barriers alone', () => (round) => round.id.attempt < 0],
    [
      'steps alone',
      () => (round) => round.id.attempt >= 0,
      'a barrier that is not through is done again by the next generation',
    ],
  ],
};

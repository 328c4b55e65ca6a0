// Planted bugs in the step: shares, sums, and what is kept of them.

import type { Mutant } from './mutant.ts';

export const TRAINING_MUTANTS: readonly Mutant[] = [
  {
    name: 'healing-peer-counted-in-the-sum',
    breaks: 'A rank contributes before it has the state that the step builds on.',
    seen: 'torchft: a healing replica must send zeros and not be counted among the participants.',
    invariant: [3, 1],
    mutate: (rules) => ({ ...rules, mayContribute: () => true }),
  },
  {
    name: 'torchft-309-joiner-one-batch-off',
    breaks: 'A rank whose state came from a donor computes the batch before the one that the others compute.',
    seen: 'torchft#309: the recovered rank’s data loader is one batch behind.',
    invariant: [3],
    mutate: (rules) => ({
      ...rules,
      batchOf: (training) =>
        training.step > 0 && training.previousHash === undefined
          ? training.step - 1
          : rules.batchOf(training),
    }),
  },
  {
    name: 'disco-1109-sent-before-the-slow-peer-listens',
    breaks: 'What arrives before its receiver has come so far is dropped, and waited for.',
    seen: 'disco#1109: fast peers send their updates before slower ones are ready to receive, and training stalls.',
    invariant: [7, 8],
    mutate: (rules) => ({ ...rules, keepsEarly: () => false }),
  },
  {
    name: 'disco-1221-late-update-of-a-departed-member',
    breaks: 'A late contribution of a rank that has gone is used as that of the one who has its place now.',
    seen: 'disco#1221: the update of a departed participant is counted for a live one.',
    invariant: [1, 3, 4],
    mutate: (rules) => ({
      ...rules,
      inForce: (message, own) => message.incarnation === own.incarnation && message.number <= own.number,
      contributor: (_generation, _sender, part) => part,
    }),
  },
  {
    name: 'apply-before-the-last-bucket',
    breaks: 'An update is applied when all parts of the sum but one are in.',
    seen: 'Overlapped all-reduce whose last bucket is not waited for.',
    invariant: [3, 1],
    mutate: (rules) => ({
      ...rules,
      readyToApply(round) {
        if (rules.readyToApply(round)) return true;
        if (round.buckets.length < round.layout.buckets.length) return false;
        const [last, ...others] = round.buckets.filter(({ complete }) => !complete);
        if (last?.kind !== 'direct' || others.length > 0) return false;
        return last.world > 2 && last.from.size === last.world - 1;
      },
    }),
  },
  {
    name: 'remainder-dropped',
    breaks: 'Where the micro-batches do not divide evenly, the last ones are computed by nobody.',
    seen: 'Samplers that drop the tail of a shard when the world size changes.',
    invariant: [3],
    mutate: (rules) => ({
      ...rules,
      share: (rank, world, microBatches) => {
        const each = Math.floor(microBatches / world);
        return Array.from({ length: each }, (_, i) => rank * each + i);
      },
    }),
  },
  {
    name: 'retained-gradient-freed-too-early',
    breaks: 'The buffer of a reduced gradient is used again while a peer may still need it to heal.',
    seen: 'Gradient buffers returned to the pool when the local optimizer step is done.',
    invariant: [1],
    mutate: (rules) => ({ ...rules, retain: (reduced) => new Int32Array(reduced.length) }),
  },
  {
    name: 'round-forgotten-too-early',
    breaks:
      'Whoever has the sum forgets its parts at once, so that a part that was lost can never be sent again.',
    seen: 'Retransmission buffers that are freed on the sender’s own progress instead of the receivers’.',
    invariant: [7, 8],
    mutate: (rules) => ({ ...rules, keepsRound: () => false }),
  },
  {
    name: 'scale-from-local-data',
    breaks: 'A step that overflowed is redone by each rank at a scale of its own.',
    seen: 'Dynamic loss scaling whose overflow flag is not reduced over the ranks.',
    invariant: [1, 2],
    mutate: (rules) => ({ ...rules, redoExponents: (_agreed, own) => own }),
  },
  {
    name: 'bad-sample-skipped-by-its-finder-alone',
    breaks: 'Whoever finds a bad sample leaves it out, and the others do not know.',
    seen: 'Data loaders that skip what they cannot decode, each worker for itself.',
    invariant: [1, 2],
    mutate: (rules) => ({
      ...rules,
      leftOut: (before, _agreed, own) => (own === undefined ? before : [...before, own]),
    }),
  },
];

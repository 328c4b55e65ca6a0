// Slips in what newcomers learn beside the ring.

import type { LearningRules } from '../../protocol/rules/learning.ts';
import type { WrongVersions } from './slip.ts';

export const LEARNING_SLIPS: WrongVersions<keyof LearningRules> = {
  learnsFirst: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['whatever it lacks', (right) => (parameters) => right(parameters, Infinity)],
    ['whatever its size', (right) => (_parameters, lacks) => right(Infinity, lacks)],
  ],
  stopsLearning: [
    ['at once', () => () => true],
    ['never', () => () => false],
  ],
  hasCaughtUp: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['with no step to go', () => (step, committed) => step >= committed],
    ['far behind', () => (step, committed) => step + 4 >= committed],
  ],
  staysBehind: [
    ['at once', () => () => true],
    ['never', () => () => false],
    [
      'sooner than the deadline',
      () =>
        (followedMs, { joinMs }) =>
          followedMs < joinMs,
    ],
  ],
  vouchesForLearned: [['the generation of its teacher', () => (generation) => generation]],
  passesOnWhen: [
    ['when it is applied', () => (moment) => moment === 'applied'],
    ['never', () => () => false],
    ['at both times', () => () => true],
  ],
  keepsForLearners: [
    ['none', () => () => false],
    ['all', () => () => true],
    ['one', () => (gradients) => gradients <= 1],
  ],
};

// The planted bugs: mistakes that real systems made, each of which the checkers have to find.

import { LEARNING_MUTANTS } from './learning.ts';
import { MEMBERSHIP_MUTANTS } from './membership.ts';
import type { Mutant } from './mutant.ts';
import { STATE_MUTANTS } from './state.ts';
import { TRAINING_MUTANTS } from './training.ts';
import { VOTING_MUTANTS } from './voting.ts';

export type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  ...VOTING_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...TRAINING_MUTANTS,
  ...STATE_MUTANTS,
  ...LEARNING_MUTANTS,
];

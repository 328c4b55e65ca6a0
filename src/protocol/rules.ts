// The protocol's decisions as small named pure functions. A planted bug replaces one of them from outside; the core has no
// switch for bugs.

import { LEARNING_RULES, type LearningRules } from './rules/learning.ts';
import { MEMBERSHIP_RULES, type MembershipRules } from './rules/membership.ts';
import { STATE_RULES, type StateRules } from './rules/state.ts';
import { TRAINING_RULES, type TrainingRules } from './rules/training.ts';
import { VOTING_RULES, type VotingRules } from './rules/voting.ts';

export interface Rules extends VotingRules, MembershipRules, TrainingRules, StateRules, LearningRules {}

export const RULES: Rules = {
  ...VOTING_RULES,
  ...MEMBERSHIP_RULES,
  ...TRAINING_RULES,
  ...STATE_RULES,
  ...LEARNING_RULES,
};

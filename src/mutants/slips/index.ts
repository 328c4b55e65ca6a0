// Slips: for each rule of the protocol a few wrong versions, which say how good the search is at mistakes that nobody has thought of:
// `npm run slips` hunts each of them.

import { LEARNING_SLIPS } from './learning.ts';
import { MEMBERSHIP_SLIPS } from './membership.ts';
import { slipsIn, type Slip } from './slip.ts';
import { STATE_SLIPS } from './state.ts';
import { TRAINING_SLIPS } from './training.ts';
import { VOTING_SLIPS } from './voting.ts';

export { withSlip, type Slip } from './slip.ts';

export const SLIPS: readonly Slip[] = [
  ...slipsIn(VOTING_SLIPS),
  ...slipsIn(MEMBERSHIP_SLIPS),
  ...slipsIn(TRAINING_SLIPS),
  ...slipsIn(STATE_SLIPS),
  ...slipsIn(LEARNING_SLIPS),
];

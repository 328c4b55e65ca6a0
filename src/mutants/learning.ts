// Planted bugs in what newcomers learn beside the ring.

import type { Mutant } from './mutant.ts';

export const LEARNING_MUTANTS: readonly Mutant[] = [
  {
    name: 'taught-before-it-is-committed',
    breaks:
      'A newcomer is taught a step that its teacher has applied and others have not, and that may be taken back.',
    seen: 'Read replicas that apply a leader’s log entries as they come, and not up to its commit index.',
    invariant: [1, 2],
    mutate: (rules) => ({ ...rules, passesOnWhen: (moment) => moment === 'applied' }),
  },
];

// What a planted bug is: a mistake that real systems made, as a change to one rule of the protocol (rarely two), from outside.

import type { Rules } from '../protocol/rules.ts';

export interface Mutant {
  readonly name: string;
  /** What goes wrong, in a sentence. */
  readonly breaks: string;
  /** Where the mistake was seen. */
  readonly seen: string;
  /** The design's invariants that it breaks; a run breaks whichever comes first. */
  readonly invariant: readonly number[];
  mutate(rules: Rules): Rules;
}

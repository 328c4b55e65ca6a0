// The planted bugs, as the commands see them. They live in src/mutants, which production pages never load.

import { MUTANTS } from '../../mutants/index.ts';
import { RULES, type Rules } from '../../protocol/rules.ts';
import { UsageError } from '../errors.ts';

/** The rules with the bug of that name planted; undefined: the real ones. */
export function rulesWith(name: string | undefined): Rules | undefined {
  if (name === undefined) return undefined;
  const bug = MUTANTS.find((known) => known.name === name);
  if (bug === undefined)
    throw new UsageError(
      `There is no bug called ${JSON.stringify(name)}; "rankfall bugs" lists the ${MUTANTS.length} that there are.`,
    );
  return bug.mutate(RULES);
}

// What a slip is: a wrong version of one rule that somebody might write, without a name or an incident.

import type { Rules } from '../../protocol/rules.ts';

export interface Slip {
  readonly rule: keyof Rules;
  readonly slip: string;
  /** Why nothing can break; undefined: the search must find it. */
  readonly harmless: string | undefined;
  change(rules: Rules): Partial<Rules>;
}

/** What is wrong with it, the rule as it is made from the right one, and why nothing can break where that is so. */
type WrongVersion<Rule> = readonly [slip: string, version: (right: Rule) => Rule, harmless?: string];

/** Of each of these rules. */
export type WrongVersions<Name extends keyof Rules> = {
  readonly [Rule in Name]: readonly WrongVersion<Rules[Rule]>[];
};

export function slipsIn<Name extends keyof Rules>(versions: WrongVersions<Name>): readonly Slip[] {
  const rules = Object.keys(versions) as Name[];
  return rules.flatMap((rule) =>
    versions[rule].map(([slip, version, harmless]) => ({
      rule,
      slip,
      harmless,
      change: (right) => ({ [rule]: version(right[rule]) }),
    })),
  );
}

export const withSlip = (rules: Rules, slip: Slip): Rules => ({ ...rules, ...slip.change(rules) });

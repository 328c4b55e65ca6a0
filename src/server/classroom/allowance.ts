// How much somebody may do: so much at once, then one more each so often. A bucket of tokens, whose time comes from outside.

export interface Rate {
  readonly atOnce: number;
  /** Milliseconds until there is one more. */
  readonly everyMs: number;
}

export interface Allowance {
  has(now: number): boolean;
  /** Takes one, where there is one. */
  spend(now: number): boolean;
}

export function createAllowance({ atOnce, everyMs }: Rate): Allowance {
  let left = atOnce;
  let at: number | undefined;
  const refill = (now: number): void => {
    left = Math.min(atOnce, left + Math.max(0, now - (at ?? now)) / everyMs);
    at = now;
  };
  return {
    has(now) {
      refill(now);
      return left >= 1;
    },
    spend(now) {
      refill(now);
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}

/** One allowance for each key, for at most `keys` of them; those that come later share one. */
export function createAllowances(rate: Rate, keys: number): (key: string) => Allowance {
  const known = new Map<string, Allowance>();
  const shared = createAllowance(rate);
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= keys) return shared;
    const made = createAllowance(rate);
    known.set(key, made);
    return made;
  };
}

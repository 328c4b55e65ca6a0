// What the doctor says: one finding a check, with what to do where something is wrong.

export interface Finding {
  readonly check: string;
  /** `warning`: Rankfall works, and somebody will notice a difference. `problem`: a part of it does not work. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  /** Null where there is nothing to do. */
  readonly advice: string | null;
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, advice: null });
export const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'warning',
  found,
  advice,
});
export const problem = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'problem',
  found,
  advice,
});

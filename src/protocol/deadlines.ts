// Deadlines of what ranks do together, each learned from how long it took before: one mechanism for the all-reduce, the standings at the
// start of a generation, the verdict on them that a hierarchy's coordinator sends to all, and a state on its way to a rank that heals.

import type { Context } from './context.ts';
import { standingAllowed, standstillAllowed } from './patience.ts';
import type { Collective } from './state.ts';
import { noted } from './usual.ts';

/** Times that what is missing is asked for again within the deadline. */
export const ASKS = 4;
/** What counts while this rank knows no job. */
const WITHOUT_A_JOB_MS = 4000;

/** It has come to its end, or a step further, in so many milliseconds. What was aborted says nothing and is not noted. */
export function noteTaken({ state }: Context, collective: Collective, ms: number): void {
  state.usual = { ...state.usual, [collective]: noted(state.usual[collective], ms) };
}

/** How long it may stand still before the one it waits for is suspected, or another one is asked. */
export const deadlineOf = ({ state }: Context, collective: Collective, confirmations = 0): number =>
  state.job === undefined
    ? WITHOUT_A_JOB_MS
    : standstillAllowed(state.usual[collective], state.job.policies, confirmations);

/** After how long what is missing is asked for again. */
export const askAgainAfter = (ctx: Context, collective: Collective): number =>
  deadlineOf(ctx, collective) / ASKS;

/** How long a standing, or the verdict, may be missing before whoever owes it is suspected. */
export const standingDeadline = ({ state }: Context, collective: 'standings' | 'verdict'): number =>
  state.job === undefined
    ? WITHOUT_A_JOB_MS
    : standingAllowed([state.usual[collective], state.usual.applying], state.job.policies);

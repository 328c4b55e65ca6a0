// What is really used up of a machine, which whoever sits at it must agree to first, and for how long at most it is held.

import type { FaultKind } from './vocabulary.ts';

export const EXHAUSTED = ['gpu-memory', 'memory', 'storage', 'cpu'] as const;
export type Exhausted = (typeof EXHAUSTED)[number];

/** Asks whoever sits at the machine, once for each fault. */
export type Consent = (what: Exhausted) => Promise<boolean>;

/** Whatever a fault asks for, memory and storage go back after this, in milliseconds. */
export const LONGEST_HOLD_MS = 60_000;

const REAL: ReadonlySet<FaultKind> = new Set(['exhaust-gpu', 'grow-memory', 'fill-storage', 'hog-cpu']);

/** Whether it acts at the ports of one rank, and uses nothing of the machine up: only such may be thrown at somebody else. */
export const actsAtPort = (kind: FaultKind): boolean => !REAL.has(kind);

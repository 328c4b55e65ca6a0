// A soak's result as one object, and whether it holds: a list of checks, each with a sentence for when it fails.

import type { StateHash } from '../../ports/ids.ts';
import { goodput } from '../../trace/ledger.ts';
import type { Ledger } from '../../trace/ledger.ts';
import { count } from '../room/tell.ts';
import type { FaultRow } from './measure.ts';

/** What `--json` prints. */
export interface SoakResult {
  /** How long the room trained under faults. */
  readonly minutes: number;
  readonly faults: readonly FaultRow[];
  readonly committedSteps: number;
  /** Time that ranks spent on gradients and updates that counted, over all their time; 0 to 1. */
  readonly goodput: number;
  readonly violations: number;
  readonly falseEvictions: number;
  readonly leaks: number;
  readonly finalHash: string | null;
  /** The state of one undisturbed rank after as many steps. */
  readonly referenceHash: string | null;
  readonly ok: boolean;
}

export interface SoakFacts {
  readonly minutes: number;
  readonly faults: readonly FaultRow[];
  readonly committedSteps: number;
  readonly ledger: Ledger;
  /** One sentence each. */
  readonly violations: readonly string[];
  readonly falseEvictions: readonly string[];
  readonly leaks: readonly string[];
  readonly finalHash: StateHash | undefined;
  readonly referenceHash: StateHash | undefined;
  /** Why the soak ended before its end, if it did. */
  readonly failure: string | undefined;
}

export interface SoakVerdict {
  readonly result: SoakResult;
  /** One sentence for each check that does not hold. */
  readonly failures: readonly string[];
}

/** One wrong state is wrong at every step after it: the first few say where it began. */
const TOLD = 8;
const someOf = (sentences: readonly string[]): readonly string[] =>
  sentences.length <= TOLD
    ? sentences
    : [...sentences.slice(0, TOLD), `${sentences.length - TOLD} more violations came of it.`];

export function judgeSoak(facts: SoakFacts): SoakVerdict {
  const { finalHash, referenceHash } = facts;
  const lost = facts.faults.reduce((sum, row) => sum + row.lostSteps, 0);
  const failures = [
    ...(facts.failure === undefined ? [] : [facts.failure]),
    ...someOf([...new Set(facts.violations)]),
    ...facts.falseEvictions,
    ...facts.leaks,
    ...(lost === 0 ? [] : [`${count(lost, 'committed step')} executed again although a donor was alive.`]),
    ...(facts.failure === undefined && (finalHash === undefined || finalHash !== referenceHash)
      ? [
          `The final state ${finalHash ?? 'unknown'} differs from the single rank's ${referenceHash ?? 'unknown'}.`,
        ]
      : []),
  ];
  return {
    failures,
    result: {
      minutes: Math.round(facts.minutes * 100) / 100,
      faults: facts.faults,
      committedSteps: facts.committedSteps,
      goodput: goodput(facts.ledger),
      violations: facts.violations.length,
      falseEvictions: facts.falseEvictions.length,
      leaks: facts.leaks.length,
      finalHash: finalHash ?? null,
      referenceHash: referenceHash ?? null,
      ok: failures.length === 0,
    },
  };
}

const ms = (value: number | null): string => (value === null ? '-' : String(Math.round(value)));

/** The short report at the end of a soak, for a person. */
export function soakLines({ result, failures }: SoakVerdict): readonly string[] {
  const head = ['fault', 'times', 'detect p50', 'p99', 'recover p50', 'p99', 'lost'];
  const rows = result.faults.map((row) => [
    row.kind,
    String(row.count),
    ms(row.detectP50),
    ms(row.detectP99),
    ms(row.recoverP50),
    ms(row.recoverP99),
    String(row.lostSteps),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`;
  return [
    '',
    ...(rows.length === 0 ? ['  No fault struck.'] : [head, ...rows].map(line)),
    '',
    `  ${count(result.minutes, 'minute')}, ${count(result.committedSteps, 'committed step')}, goodput ${(result.goodput * 100).toFixed(1)} %`,
    `  final state ${result.finalHash ?? 'unknown'}`,
    `  one rank    ${result.referenceHash ?? 'unknown'}`,
    '',
    result.ok ? 'OK: every invariant held, nobody was put out without cause, and nothing leaked.' : 'FAILED:',
    ...failures.map((sentence) => `  ${sentence}`),
  ];
}

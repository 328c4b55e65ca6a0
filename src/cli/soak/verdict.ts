// A soak's result as one object, and whether it holds: a list of checks, each with a sentence for when it fails.

import type { StateHash } from '../../ports/ids.ts';
import { goodput } from '../../trace/ledger.ts';
import type { Ledger } from '../../trace/ledger.ts';
import { count } from '../room/tell.ts';
import type { Durations, FaultRow } from './measure.ts';
import { TURN_KINDS } from './turns.ts';
import type { Throughput } from './turns.ts';

/** What `--json` prints. */
export interface SoakResult {
  /** How long the room trained under faults. */
  readonly minutes: number;
  readonly faults: readonly FaultRow[];
  /** From the proposal of a generation without somebody to its being installed on all of its members. */
  readonly regroup: Durations;
  /** From a rank's being behind to its having the state. */
  readonly heal: Durations;
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
  /** With `--compare` alone. */
  readonly throughput?: Throughput;
}

export interface SoakFacts {
  readonly minutes: number;
  readonly faults: readonly FaultRow[];
  readonly regroup: Durations;
  readonly heal: Durations;
  /** Mean time between two faults. */
  readonly everyMs: number;
  /** Undefined: nothing was to be compared. */
  readonly throughput: Throughput | undefined;
  readonly committedSteps: number;
  readonly ledger: Ledger;
  /** One sentence each. */
  readonly violations: readonly string[];
  readonly falseEvictions: readonly string[];
  readonly falseBlame: readonly string[];
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

/** What goes wrong once may show at every step after it: the first few say where it began. */
const TOLD = 8;
const someOf = (sentences: readonly string[]): readonly string[] =>
  sentences.length <= TOLD
    ? sentences
    : [...sentences.slice(0, TOLD), `${sentences.length - TOLD} more of the kind.`];

/** What committed steps per second must come to, of the undisturbed turns', at a death every so often or more seldom. */
const LEAST = { immediate: 0.95, silent: 0.8 } as const;
const LEAST_EVERY_MS = 30_000;

function tooSlow({ throughput, everyMs }: SoakFacts): readonly string[] {
  if (throughput === undefined || everyMs < LEAST_EVERY_MS) return [];
  return (['immediate', 'silent'] as const).flatMap((kind) => {
    const { ratio } = throughput[kind];
    if (ratio !== null && ratio >= LEAST[kind]) return [];
    return [
      `Under ${kind === 'immediate' ? 'deaths with immediate evidence' : 'silent deaths'} the room made ${ratio ?? 'an unknown part'} of the undisturbed steps per second; expected ${LEAST[kind]} or more.`,
    ];
  });
}

export function judgeSoak(facts: SoakFacts): SoakVerdict {
  const { finalHash, referenceHash } = facts;
  const lost = facts.faults.reduce((sum, row) => sum + row.lostSteps, 0);
  const failures = [
    ...(facts.failure === undefined ? [] : [facts.failure]),
    // Before what comes of it.
    ...someOf(facts.falseBlame),
    ...someOf([...new Set(facts.violations)]),
    ...facts.falseEvictions,
    ...facts.leaks,
    ...(lost === 0 ? [] : [`${count(lost, 'committed step')} executed again although a donor was alive.`]),
    ...(facts.failure === undefined ? tooSlow(facts) : []),
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
      regroup: facts.regroup,
      heal: facts.heal,
      committedSteps: facts.committedSteps,
      goodput: goodput(facts.ledger),
      violations: facts.violations.length,
      falseEvictions: facts.falseEvictions.length,
      leaks: facts.leaks.length,
      finalHash: finalHash ?? null,
      referenceHash: referenceHash ?? null,
      ok: failures.length === 0,
      ...(facts.throughput === undefined ? {} : { throughput: facts.throughput }),
    },
  };
}

const ms = (value: number | null): string => (value === null ? '-' : String(Math.round(value)));

const throughputLines = (throughput: Throughput): readonly string[] =>
  TURN_KINDS.map((kind) => {
    const { steps, seconds, perSecond, ratio } = throughput[kind];
    return `  ${kind.padEnd(11)}  ${count(steps, 'step')} in ${seconds} s, ${perSecond} a second${ratio === null ? '' : `, ${ratio} of undisturbed`}`;
  });

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
    ...(result.throughput === undefined ? [] : [...throughputLines(result.throughput), '']),
    `  regroup p50 ${ms(result.regroup.p50)}, p99 ${ms(result.regroup.p99)} (${result.regroup.count}); heal p50 ${ms(result.heal.p50)}, p99 ${ms(result.heal.p99)} (${result.heal.count})`,
    `  ${count(result.minutes, 'minute')}, ${count(result.committedSteps, 'committed step')}, goodput ${(result.goodput * 100).toFixed(1)} %`,
    `  final state ${result.finalHash ?? 'unknown'}`,
    `  one rank    ${result.referenceHash ?? 'unknown'}`,
    '',
    result.ok ? 'OK: every invariant held, nobody was put out without cause, and nothing leaked.' : 'FAILED:',
    ...failures.map((sentence) => `  ${sentence}`),
  ];
}

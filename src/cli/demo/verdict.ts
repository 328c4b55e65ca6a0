// The demo's result as one object, and whether it holds: a list of checks, each with a sentence for when it fails.

import type { Evidence } from '../../ports/network.ts';
import type { SeatId, StateHash } from '../../ports/ids.ts';
import { goodput } from '../../trace/ledger.ts';
import type { Ledger } from '../../trace/ledger.ts';
import type { Parity, Recovery } from '../room/analysis.ts';
import type { Resumption } from './journal.ts';

/** What `--json` prints. Values are null where the run ended before they were known. */
export interface DemoResult {
  readonly ranks: number;
  readonly steps: number;
  readonly engine: string | null;
  readonly adapter: string | null;
  readonly firstLoss: number | null;
  readonly lastLoss: number | null;
  readonly testAccuracy: number | null;
  readonly recoveries: readonly RecoveryResult[];
  /**
   * All ranks held the same state at every step that more than one of them committed, and at the end. Where more than one rank
   * trained, there must be such a step; one rank alone agrees with itself.
   */
  readonly parity: boolean;
  /** The state at the end is that of one rank that trained alone and undisturbed. */
  readonly exact: boolean;
  readonly finalHash: string | null;
  readonly singleRankHash: string | null;
  readonly resumedFromStep: number | null;
  /** Where the time of all ranks went, in rank-milliseconds. */
  readonly ledger: Ledger;
  /** Compute over all of it; 0 to 1. */
  readonly goodput: number;
  /** With `--witness`: its seat, and the number of generations in which it had a vote. */
  readonly witness: { readonly seat: string | null; readonly generations: number } | null;
  readonly ok: boolean;
}

interface RecoveryResult {
  readonly cause: string;
  readonly evidence: Evidence | null;
  readonly detectMs: number | null;
  readonly regroupMs: number | null;
  readonly lostSteps: number;
  readonly redoneMicroBatches: number;
}

/** What the run left behind. */
export interface DemoFacts {
  readonly ranks: number;
  readonly steps: number;
  readonly engine: { readonly kind: string; readonly adapter: string } | undefined;
  readonly firstLoss: number | undefined;
  readonly lastLoss: number | undefined;
  readonly testAccuracy: number | undefined;
  /** Undefined: there was to be none. */
  readonly witness: { readonly seat: SeatId | undefined; readonly generations: number } | undefined;
  readonly recoveries: readonly Recovery[];
  readonly parity: Parity;
  /** Names of tabs that were killed or closed and of which no generation took leave. */
  readonly unmissed: readonly string[];
  /** Names of tabs that joined in mid-run and never contributed. */
  readonly idle: readonly string[];
  /** The step from which a rank no longer promised exactness. */
  readonly unpromisedSince: number | undefined;
  /** Each rank's state at the end, by its tab's name. */
  readonly finalHashes: ReadonlyMap<string, StateHash | undefined>;
  readonly singleRankHash: StateHash | undefined;
  readonly resumed: Resumption | undefined;
  /** Committed steps that were executed again before any rank was lost. */
  readonly unexplainedRepeats: number;
  readonly ledger: Ledger;
  /** What ranks and checkers called wrong. */
  readonly complaints: readonly string[];
  /** Why the run ended before its end, if it did. */
  readonly failure: string | undefined;
}

export interface Verdict {
  readonly result: DemoResult;
  /** One sentence for each check that does not hold. */
  readonly failures: readonly string[];
}

export function judge(facts: DemoFacts): Verdict {
  const { parity, firstLoss, lastLoss, resumed } = facts;
  const finals = [...new Set(facts.finalHashes.values())];
  const finalHash = finals.length === 1 ? finals[0] : undefined;
  const reached = finalHash !== undefined && facts.singleRankHash !== undefined;
  const exact = reached && finalHash === facts.singleRankHash && facts.unpromisedSince === undefined;
  const compared = parity.compared > 0 || facts.ranks === 1;
  const agree = parity.equal && compared && finals.length === 1;
  const again = facts.recoveries.reduce((sum, recovery) => sum + recovery.lostSteps, 0);

  const failures: string[] = [];
  const check = (holds: boolean, sentence: string): void => {
    if (!holds) failures.push(sentence);
  };
  if (facts.failure === undefined) {
    check(
      resumed !== undefined && resumed.fromStep > 0,
      'The reopened room did not resume from a checkpoint.',
    );
    check(reached, `The run did not end with one known state on all ranks: ${listHashes(facts)}.`);
    check(
      !reached || finalHash === facts.singleRankHash,
      `The final state ${finalHash ?? 'unknown'} differs from the single rank's ${facts.singleRankHash ?? 'unknown'}.`,
    );
    check(
      firstLoss !== undefined && lastLoss !== undefined && lastLoss < firstLoss,
      `The loss did not fall: from ${String(firstLoss)} to ${String(lastLoss)}.`,
    );
    check(facts.testAccuracy !== undefined, 'The accuracy on the held-out samples was not measured.');
    if (resumed?.newest !== undefined && resumed.fromStep < resumed.newest && resumed.skipped.length === 0)
      failures.push(
        `The reopened room resumed from step ${resumed.fromStep}, and step ${resumed.newest} had been saved.`,
      );
    check(
      facts.witness === undefined || facts.witness.generations > 0 || facts.ranks % 2 === 1,
      'The witness never had a vote, though the tabs were even in number.',
    );
    check(compared, 'No step was committed by two ranks, so nothing was compared.');
  } else {
    failures.push(facts.failure);
  }
  if (parity.conflict !== undefined) {
    failures.push(
      `Ranks disagree on the state at step ${parity.conflict.step}: ${parity.conflict.hashes.join(', ')}.`,
    );
  }
  check(finals.length <= 1, `Ranks ended with different states: ${listHashes(facts)}.`);
  if (facts.unpromisedSince !== undefined) {
    failures.push(`A rank no longer promises exactness since step ${facts.unpromisedSince}.`);
  }
  if (facts.failure === undefined) {
    for (const tab of facts.unmissed) failures.push(`No generation took leave of ${tab}.`);
    for (const tab of facts.idle) failures.push(`${tab} joined and never contributed.`);
  }
  for (const { cause, evidence } of facts.recoveries) {
    if ((cause === 'kill' || cause === 'close') && (evidence === null || !isProof(evidence)))
      failures.push(
        `A tab of the same browser was lost (${cause}), and the others learned of it by ${evidence ?? 'nothing'} instead of its lock or goodbye.`,
      );
  }
  check(
    facts.unexplainedRepeats === 0,
    `${facts.unexplainedRepeats} committed steps were executed again, and no rank had been lost before.`,
  );
  check(again === 0, `${again} committed steps were executed again although a donor was alive.`);
  failures.push(...facts.complaints);

  return {
    failures,
    result: {
      ranks: facts.ranks,
      steps: facts.steps,
      engine: facts.engine?.kind ?? null,
      adapter: facts.engine?.adapter ?? null,
      firstLoss: firstLoss ?? null,
      lastLoss: lastLoss ?? null,
      testAccuracy: facts.testAccuracy ?? null,
      recoveries: facts.recoveries.map((recovery) => ({
        cause: recovery.cause,
        evidence: recovery.evidence,
        detectMs: rounded(recovery.detectMs),
        regroupMs: rounded(recovery.regroupMs),
        lostSteps: recovery.lostSteps,
        redoneMicroBatches: recovery.redoneMicroBatches,
      })),
      parity: agree,
      exact,
      finalHash: finalHash ?? null,
      singleRankHash: facts.singleRankHash ?? null,
      resumedFromStep: resumed?.fromStep ?? null,
      ledger: facts.ledger,
      goodput: goodput(facts.ledger),
      witness:
        facts.witness === undefined
          ? null
          : { seat: facts.witness.seat ?? null, generations: facts.witness.generations },
      ok: failures.length === 0,
    },
  };
}

/** Evidence that a page of this browser is gone for good. */
const isProof = (evidence: Evidence): boolean => evidence === 'lock-released' || evidence === 'goodbye';

const listHashes = (facts: DemoFacts): string =>
  [...facts.finalHashes].map(([tab, hash]) => `${tab} ${hash ?? 'unknown'}`).join(', ') ||
  'no rank reported one';

/** To a tenth of a millisecond; page clocks are no finer. */
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 10) / 10);

/** When a demo is ok, and what it says when it is not. */
import { ledgerOf } from '../../../src/trace/ledger.ts';
import { describe, expect, it } from 'vitest';
import { reportLines } from '../../../src/cli/demo/report.ts';
import { judge } from '../../../src/cli/demo/verdict.ts';
import type { DemoFacts } from '../../../src/cli/demo/verdict.ts';
import type { IncarnationId, MemberId, StateHash } from '../../../src/ports/ids.ts';

const END = 'e'.repeat(32) as StateHash;
const OTHER = 'f'.repeat(32) as StateHash;

const GOOD: DemoFacts = {
  ranks: 4,
  steps: 60,
  witness: undefined,
  engine: { kind: 'cpu', adapter: 'TypeScript on the CPU' },
  firstLoss: 2.3,
  lastLoss: 0.4,
  testAccuracy: 0.9,
  recoveries: [
    {
      cause: 'kill',
      evidence: 'lock-released',
      detectMs: 31.26,
      regroupMs: 48,
      lostSteps: 0,
      redoneMicroBatches: 8,
      generation: { incarnation: `00000000-${'1'.repeat(32)}` as IncarnationId, number: 4 },
      lost: ['c'.repeat(32) as MemberId],
      committed: 20,
      firstInstalledAt: 1,
      installedAt: 1,
    },
  ],
  parity: { equal: true, compared: 60, conflict: undefined },
  unmissed: [],
  idle: [],
  unpromisedSince: undefined,
  finalHashes: new Map([
    ['tab 6', END],
    ['tab 7', END],
  ]),
  singleRankHash: END,
  resumed: { fromStep: 40, newest: 40, skipped: [] },
  unexplainedRepeats: 0,
  ledger: ledgerOf([]),
  complaints: [],
  failure: undefined,
};

describe('the verdict on a demo', () => {
  it('is ok when everything holds, and prints exactly the fields that are promised', () => {
    const { result, failures } = judge(GOOD);
    expect(failures).toEqual([]);
    expect(result).toEqual({
      ranks: 4,
      steps: 60,
      engine: 'cpu',
      adapter: 'TypeScript on the CPU',
      firstLoss: 2.3,
      lastLoss: 0.4,
      testAccuracy: 0.9,
      recoveries: [
        {
          cause: 'kill',
          evidence: 'lock-released',
          detectMs: 31.3,
          regroupMs: 48,
          lostSteps: 0,
          redoneMicroBatches: 8,
        },
      ],
      parity: true,
      exact: true,
      finalHash: END,
      singleRankHash: END,
      resumedFromStep: 40,
      ledger: ledgerOf([]),
      goodput: 0,
      witness: null,
      ok: true,
    });
  });

  const [recovery] = GOOD.recoveries;
  const bad: readonly (readonly [what: string, changes: Partial<DemoFacts>, sentence: RegExp])[] = [
    ['the single rank ends elsewhere', { singleRankHash: OTHER }, /differs from the single rank's/],
    [
      'ranks end with different states',
      {
        finalHashes: new Map([
          ['tab 6', END],
          ['tab 7', OTHER],
        ]),
      },
      /ended with different states: tab 6/,
    ],
    [
      'a step has two states',
      { parity: { equal: false, compared: 60, conflict: { step: 7, hashes: [END, OTHER] } } },
      /disagree on the state at step 7/,
    ],
    [
      'nothing could be compared',
      { parity: { equal: true, compared: 0, conflict: undefined } },
      /nothing was compared/,
    ],
    [
      'a rank stops promising exactness',
      { unpromisedSince: 12 },
      /no longer promises exactness since step 12/,
    ],
    ['the room did not resume', { resumed: undefined }, /did not resume/],
    [
      'an older checkpoint was taken',
      { resumed: { fromStep: 20, newest: 40, skipped: [] } },
      /resumed from step 20, and step 40 had been saved/,
    ],
    [
      'steps were repeated out of the blue',
      { unexplainedRepeats: 3 },
      /3 committed steps .* no rank had been lost/,
    ],
    [
      'a lost tab was known by its silence alone',
      { recoveries: recovery ? [{ ...recovery, evidence: 'heartbeat' }] : [] },
      /learned of it by heartbeat/,
    ],
    ['a victim was not missed', { unmissed: ['tab 2'] }, /No generation took leave of tab 2/],
    ['a newcomer never helped', { idle: ['tab 5'] }, /tab 5 joined and never contributed/],
    [
      'committed steps were lost',
      { recoveries: recovery ? [{ ...recovery, lostSteps: 2 }] : [] },
      /2 committed steps were executed again/,
    ],
    ['the witness had no vote', { witness: { seat: undefined, generations: 0 } }, /witness never had a vote/],
    ['the loss rose', { lastLoss: 2.4 }, /did not fall: from 2\.3 to 2\.4/],
    ['the accuracy is unknown', { testAccuracy: undefined }, /was not measured/],
    ['a rank complained', { complaints: ['Invariant 3 was violated: twice.'] }, /Invariant 3/],
    ['the run broke off', { failure: 'Waited 60 s for step 21 to be committed, in vain.' }, /^Waited 60 s/],
  ];

  it.each(bad)('is not ok when %s', (_what, changes, sentence) => {
    const { result, failures } = judge({ ...GOOD, ...changes });
    expect(result.ok).toBe(false);
    expect(failures.join('\n')).toMatch(sentence);
  });

  it('does not call a run exact that ended before it could be compared', () => {
    const { result } = judge({
      ...GOOD,
      failure: 'broken off',
      singleRankHash: undefined,
      finalHashes: new Map(),
    });
    expect(result).toMatchObject({ exact: false, finalHash: null, singleRankHash: null, ok: false });
  });

  it('is told to a person with the reasons last', () => {
    const lines = reportLines(judge({ ...GOOD, resumed: undefined }));
    expect(lines.at(-2)).toBe('FAILED:');
    expect(lines.at(-1)).toBe('  The reopened room did not resume from a checkpoint.');
    expect(reportLines(judge(GOOD)).at(-1)).toBe('OK: everything that was checked holds.');
  });
});

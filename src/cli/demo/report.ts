// The short report at the end of a demo, for a person.

import type { DemoResult, Verdict } from './verdict.ts';
import { count } from '../room/tell.ts';

const number = (value: number | null, digits: number): string =>
  value === null ? 'unknown' : value.toFixed(digits);
const percent = (value: number | null): string =>
  value === null ? 'unknown' : `${(value * 100).toFixed(1)} %`;
const ms = (value: number | null): string => (value === null ? '?' : `${Math.round(value)} ms`);

export function reportLines({ result, failures }: Verdict): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    [
      'run',
      `${count(result.ranks, 'rank')}, ${count(result.steps, 'step')}, ${result.engine ?? 'unknown'} engine`,
    ],
    ['adapter', result.adapter ?? 'unknown'],
    ['loss', `${number(result.firstLoss, 3)} → ${number(result.lastLoss, 3)}`],
    ['accuracy', `${percent(result.testAccuracy)} of the held-out samples`],
    ...result.recoveries.map(recoveryRow),
    ['parity', result.parity ? 'all ranks held the same state at every step' : 'NOT SHOWN'],
    [
      'resumed',
      result.resumedFromStep === null ? 'no' : `from the checkpoint at step ${result.resumedFromStep}`,
    ],
    ...(result.witness === null
      ? []
      : [['witness', `had a vote in ${count(result.witness.generations, 'generation')}`] as const]),
    ['goodput', `${percent(result.goodput)} of all ranks' time went into steps that counted`],
    ['final state', result.finalHash ?? 'unknown'],
    ['one rank', `${result.singleRankHash ?? 'unknown'}${result.exact ? '  (the same, bit for bit)' : ''}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    '',
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    '',
    result.ok ? 'OK: everything that was checked holds.' : 'FAILED:',
    ...failures.map((sentence) => `  ${sentence}`),
  ];
}

function recoveryRow(recovery: DemoResult['recoveries'][number]): readonly [string, string] {
  return [
    'recovery',
    `${recovery.cause}: found in ${ms(recovery.detectMs)} (${recovery.evidence ?? 'no evidence'}), ` +
      `regrouped in ${ms(recovery.regroupMs)}, ${count(recovery.lostSteps, 'step')} lost, ` +
      `${count(recovery.redoneMicroBatches, 'micro-batch', 'micro-batches')} again`,
  ];
}

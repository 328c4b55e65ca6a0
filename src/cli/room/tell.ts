// Sentences about what happened to a room: one place for the words, so that a person reads the same ones everywhere.

import type { Evidence } from '../../ports/network.ts';
import type { Admission, Recovery } from './analysis.ts';

const BY_EVIDENCE: Readonly<Record<Evidence, string>> = {
  goodbye: 'its goodbye',
  'lock-released': 'its released lock',
  heartbeat: 'its missing heartbeats',
  ice: 'the state of its connection',
  'channel-closed': 'its closed channel',
  progress: 'a missed deadline',
  misbehaved: 'its misbehaviour',
  leave: 'its leaving',
};

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** "1, 2 and 3" */
export function list(items: readonly string[]): string {
  const last = items.at(-1) ?? 'nobody';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

export const milliseconds = (ms: number | null): string =>
  ms === null ? 'an unknown time' : `${Math.round(ms)} ms`;

export function tellRecovery(recovery: Recovery): string {
  const by = recovery.evidence === null ? '' : ` by ${BY_EVIDENCE[recovery.evidence]}`;
  const detected =
    recovery.detectMs === null ? `noticed${by}` : `detected in ${milliseconds(recovery.detectMs)}${by}`;
  return (
    `${detected}, regrouped in ${milliseconds(recovery.regroupMs)}, ` +
    `${count(recovery.lostSteps, 'committed step')} lost, ` +
    `${count(recovery.redoneMicroBatches, 'micro-batch', 'micro-batches')} done again`
  );
}

export function tellAdmission(admission: Admission, donor: string): string {
  const healed =
    admission.healed === undefined
      ? ''
      : `healed from ${donor} at step ${admission.healed.step} (${admission.healed.by === 'state' ? 'whole state' : 'last gradient'}), `;
  return `${healed}${
    admission.firstContribution === undefined
      ? 'not yet helping'
      : `helping since step ${admission.firstContribution}`
  }`;
}

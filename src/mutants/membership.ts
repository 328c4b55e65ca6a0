// Planted bugs in membership: fencing, evidence, readmission, leaving, and what carries over.

import type { IncarnationId } from '../ports/ids.ts';
import type { Mutant } from './mutant.ts';

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'witness-counted-among-the-ranks',
    breaks:
      'The witness gets a place in the ring, and every step waits for the micro-batches that it never computes.',
    seen: 'MongoDB replica sets with an arbiter: it counted to the majority that a write waits for, and holds no data.',
    invariant: [5, 8],
    mutate: (rules) => ({
      ...rules,
      ranksOf: (members, witness) => (witness === undefined ? members : [...members, witness]),
    }),
  },
  {
    name: 'no-generation-check',
    breaks: 'A message of a former generation acts on this one.',
    seen: 'Collectives without an epoch; torchft gives every quorum a store prefix of its own for this reason.',
    invariant: [1, 3, 4, 5, 6],
    mutate: (rules) => ({
      ...rules,
      inForce: (message, own) => message.incarnation === own.incarnation && message.number <= own.number,
    }),
  },
  {
    name: 'goodbye-lost',
    breaks: 'A peer says goodbye, and the others wait for it until their patience ends.',
    seen: 'Pages that close their channel: the peer’s onclose never comes, so the goodbye is all there is.',
    invariant: [7, 8],
    mutate: (rules) => ({
      ...rules,
      countsAsEvidence: (evidence) => evidence !== 'goodbye' && rules.countsAsEvidence(evidence),
    }),
  },
  {
    name: 'released-lock-ignored',
    breaks: 'The lock of a dead page is released, and the others wait until its heartbeats are missed.',
    seen: 'Lock services whose session events nobody subscribes to: the failure is known, and not acted on.',
    invariant: [7],
    mutate: (rules) => ({
      ...rules,
      countsAsEvidence: (evidence) => evidence !== 'lock-released' && rules.countsAsEvidence(evidence),
    }),
  },
  {
    name: 'pytorch-111646-missed-heartbeat-ignored',
    breaks: 'A peer falls silent, which is noticed, and nothing is done about it.',
    seen: 'pytorch#111646: torchrun did not restart when keep-alive heartbeats were missing.',
    invariant: [7, 8],
    mutate: (rules) => ({
      ...rules,
      countsAsEvidence: (evidence) => evidence !== 'heartbeat' && rules.countsAsEvidence(evidence),
    }),
  },
  {
    name: 'donor-dies-in-mid-heal',
    breaks:
      'No regroup begins while a state is on its way, so a donor that dies then is waited for for ever.',
    seen: 'Recovery that blocks the detection of the next failure.',
    invariant: [7, 8],
    mutate: (rules) => ({ ...rules, regroupsWhileHealing: () => false }),
  },
  {
    name: 'torchft-75-deadline-shorter-than-recovery',
    breaks:
      'A newcomer gives up before the room has recovered enough to take it in, and founds one of its own.',
    seen: 'torchft#75: a join deadline shorter than the recovery that it waits for.',
    invariant: [5],
    mutate: (rules) => ({ ...rules, givesUpJoining: (askedForMs) => askedForMs >= 1000 }),
  },
  {
    name: 'leaves-without-its-vote',
    breaks:
      'A rank that leaves is gone before its successor generation is chosen, and takes its vote with it.',
    seen: 'Rolling shutdowns that lose their quorum half-way.',
    invariant: [8],
    mutate: (rules) => ({ ...rules, leavesAtOnce: () => true }),
  },
  {
    name: 'reused-incarnation',
    breaks: 'Two lines of generations go by one name, and take each other’s generations for their own.',
    seen: 'etcd clusters that were bootstrapped with one initial-cluster-token.',
    invariant: [5, 1, 6],
    mutate: (rules) => ({
      ...rules,
      nameIncarnation: (depth) => `${depth.toString(16).padStart(8, '0')}-${'0'.repeat(32)}` as IncarnationId,
    }),
  },
  {
    name: 'floor-forgotten',
    breaks: 'A generation goes on from a state older than one that was committed: steps are taken back.',
    seen: 'Unclean leader election: an out-of-date replica is made the leader when the others are gone.',
    invariant: [1],
    mutate: (rules) => ({ ...rules, floorAfter: (base) => base.floor }),
  },
];

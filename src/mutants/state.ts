// Planted bugs in the state: which one is gone on from, how it is healed, and what is saved of it.

import type { Mutant } from './mutant.ts';

export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'double-apply',
    breaks:
      'A rank tells its state and is healed while an update is still being applied: the update comes twice.',
    seen: 'Retries of a step after a failure that came between the optimizer and the bookkeeping.',
    invariant: [1, 2, 3],
    mutate: (rules) => ({ ...rules, isSettled: () => true }),
  },
  {
    name: 'horovod-3494-leave-skips-the-sync',
    breaks:
      'After an orderly leave the survivors go on without comparing states, while joiners wait to be synced.',
    seen: 'horovod#3494: survivors of a graceful removal skip the state sync that the new workers block in.',
    invariant: [1, 3, 7, 8],
    mutate: (rules) => ({
      ...rules,
      comparedMembers: (self, base, next) => {
        const stays = (member: string): boolean => next.members.some((m) => m.member === member);
        const isRemoval = base?.members.some((m) => !stays(m.member)) === true;
        const survived = base?.members.some((m) => m.member === self) === true;
        return isRemoval && survived ? [self] : rules.comparedMembers(self, base, next);
      },
    }),
  },
  {
    name: 'heal-compared-by-step',
    breaks: 'States that have as many updates are taken for equal, though one of them saw another sum.',
    seen: 'Recovery that compares step numbers, as torchft’s max_step does, where updates are not bit-exact.',
    invariant: [1],
    mutate: (rules) => ({
      ...rules,
      target: (standings, incarnation) => {
        const target = rules.target(standings, incarnation);
        if (target === undefined) return undefined;
        const donors = standings.flatMap(([member, s]) => (s?.step === target.step ? [member] : []));
        return { ...target, donors };
      },
      hasTarget: (training, target) => training.step === target.step,
    }),
  },
  {
    name: 'standing-ordered-by-step-alone',
    breaks: 'The state with the most steps wins, although a later generation went on from another one.',
    seen: 'Checkpoints ordered by step alone: an abandoned branch that got further is taken for the newest.',
    invariant: [1, 5, 8],
    mutate: (rules) => ({
      ...rules,
      orderSaved: (a, b) => a.step - b.step,
      target: (standings, incarnation) => {
        const flat = standings.map(([member, s]) => [member, s && { ...s, lineage: undefined }] as const);
        const target = rules.target(flat, incarnation);
        if (target === undefined) return undefined;
        const lineage = standings.map(([, s]) =>
          s?.hash === target.hash && s.lineage?.incarnation === incarnation ? s.lineage.number : 0,
        );
        return { ...target, lineage: Math.max(0, ...lineage) };
      },
    }),
  },
  {
    name: 'pieces-of-two-states-mixed',
    breaks:
      'A rank that lost its donor in mid-heal fills up what it has with the pieces of the next one, whose state has moved on.',
    seen: 'Resumed downloads that check the length and not the entity tag: half of the old file, half of the new.',
    invariant: [1],
    mutate: (rules) => ({
      ...rules,
      keepsPiece: () => true,
      hasTarget: (training, target) => training.step === target.step,
    }),
  },
  {
    name: 'lost-state-not-missed',
    breaks:
      'That every state at hand is older than one which was committed goes unnoticed, and steps are taken back.',
    seen: 'Kafka with min.insync.replicas of 1: the last replica in sync dies, an older one takes over.',
    invariant: [1],
    mutate: (rules) => ({ ...rules, isLost: () => false }),
  },
  {
    name: 'standing-says-what-was-committed',
    breaks: 'A rank tells the last step that it saw committed, and goes on from the one that it has applied.',
    seen: 'State machines whose applied index and commit index are mixed up on recovery.',
    invariant: [1, 3],
    mutate: (rules) => ({
      ...rules,
      standingOf: (training) => ({
        ...rules.standingOf(training),
        step: training.committed,
        hash: training.committedHash ?? training.hash,
      }),
    }),
  },
  {
    name: 'stale-checkpoint-preferred',
    breaks: 'A room is forced on from the saved state, although a newer one is in memory.',
    seen: 'Restart scripts that always resume from the newest file.',
    invariant: [6],
    mutate: (rules) => ({ ...rules, preferred: () => 'saved' }),
  },
  {
    name: 'checkpoint-of-an-uncommitted-state',
    breaks: 'A state is saved as soon as it is applied, and may be taken back afterwards.',
    seen: 'Checkpoint callbacks at the end of the local step, before the others have it.',
    invariant: [6],
    mutate: (rules) => ({ ...rules, savesWhen: (moment) => moment === 'applied' }),
  },
  {
    name: 'ack-before-durable',
    breaks: 'A checkpoint is acknowledged when its writing begins, and then fails.',
    seen: 'Asynchronous checkpoints reported as saved when they were only staged.',
    invariant: [6],
    mutate: (rules) => ({
      ...rules,
      saveState: (place) => [
        { kind: 'report', event: { kind: 'checkpointed', ...place } },
        ...rules.saveState(place),
      ],
    }),
  },
];

// Slips in the state: which one is gone on from, how it is healed, and what is saved of it.

import { membersOf } from '../../protocol/generation.ts';
import type { StateRules } from '../../protocol/rules/state.ts';
import type { WrongVersions } from './slip.ts';

export const STATE_SLIPS: WrongVersions<keyof StateRules> = {
  isSettled: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['while applying too', () => (changing) => changing === undefined || changing === 'apply'],
    ['while importing too', () => (changing) => changing === undefined || changing === 'import'],
    ['while restoring too', () => (changing) => changing === undefined || changing === 'restore'],
  ],
  standingOf: [
    [
      'what was committed',
      () => (training) => ({
        lineage: training.lineage,
        step: training.committed,
        hash: training.committedHash ?? training.hash,
      }),
    ],
    [
      'without its lineage',
      () =>
        ({ step, hash }) => ({ lineage: undefined, step, hash }),
    ],
    [
      'one step less',
      () =>
        ({ lineage, step, hash }) => ({ lineage, step: Math.max(0, step - 1), hash }),
    ],
    [
      'one step more',
      () =>
        ({ lineage, step, hash }) => ({ lineage, step: step + 1, hash }),
    ],
    [
      'with the hash before',
      () =>
        ({ lineage, step, hash, previousHash }) => ({ lineage, step, hash: previousHash ?? hash }),
    ],
    [
      'with what was committed, and the step applied',
      () =>
        ({ lineage, step, hash, committedHash }) => ({ lineage, step, hash: committedHash ?? hash }),
    ],
  ],
  comparedMembers: [
    ['itself', () => (self) => [self]],
    ['those before', () => (_self, base, next) => membersOf(base ?? next)],
    [
      'those before that are still there',
      () => (_self, base, next) =>
        base === undefined ? membersOf(next) : membersOf(next).filter((m) => membersOf(base).includes(m)),
    ],
    [
      'newcomers and itself',
      () => (self, base, next) =>
        membersOf(next).filter((m) => m === self || base === undefined || !membersOf(base).includes(m)),
    ],
    ['the others', () => (self, _base, next) => membersOf(next).filter((m) => m !== self)],
    [
      'all but the last',
      () => (self, _base, next) =>
        membersOf(next).filter((m, rank) => m === self || rank + 1 < next.members.length),
    ],
    [
      'all but the first',
      () => (self, _base, next) => membersOf(next).filter((m, rank) => m === self || rank > 0),
    ],
    ['the first', () => (self, _base, next) => membersOf(next).filter((m, rank) => m === self || rank === 0)],
    [
      'its neighbour',
      () => (self, _base, next) => {
        const members = membersOf(next);
        const rank = members.indexOf(self);
        return members.filter((_, other) => other === rank || other === (rank + 1) % members.length);
      },
    ],
    ['nobody', () => () => []],
  ],
  believed: [
    ['all', () => (standings) => standings],
    ['none', () => (standings) => standings.map(([m]) => [m, undefined])],
    ['the first', () => (standings) => standings.map(([m, s], i) => [m, i === 0 ? s : undefined])],
    [
      'those of the most steps',
      () => (standings) => {
        const most = Math.max(0, ...standings.map(([, s]) => s?.step ?? 0));
        return standings.map(([m, s]) => [m, s?.step === most ? s : undefined]);
      },
    ],
    [
      'those that two hold',
      () => (standings) =>
        standings.map(([m, s]) => [
          m,
          standings.filter(([, other]) => other?.hash === s?.hash).length > 1 ? s : undefined,
        ]),
    ],
    [
      'of any line alike',
      (right) => (standings, incarnation) =>
        right(
          standings.map(([m, s]) => [m, s?.lineage && { ...s, lineage: { ...s.lineage, incarnation } }]),
          incarnation,
        ),
    ],
    [
      'all, in a room of two',
      (right) => (standings, incarnation) =>
        standings.length > 2 ? right(standings, incarnation) : standings,
    ],
  ],
  target: [
    [
      'by step alone',
      (right) => (standings, incarnation) =>
        right(
          standings.map(([m, s]) => [m, s && { ...s, lineage: undefined }]),
          incarnation,
        ),
    ],
    [
      'of the first',
      (right) => (standings, incarnation) => {
        const first = standings.find(([, s]) => s !== undefined)?.[1];
        return right(
          standings.map(([m, s]) => [m, s?.hash === first?.hash ? s : undefined]),
          incarnation,
        );
      },
    ],
    [
      'the fewest steps',
      (right) => (standings, incarnation) => {
        const least = Math.min(...standings.flatMap(([, s]) => (s === undefined ? [] : [s.step])));
        return right(
          standings.map(([m, s]) => [m, s?.step === least ? s : undefined]),
          incarnation,
        );
      },
    ],
    [
      'of any line alike',
      (right) => (standings, incarnation) =>
        right(
          standings.map(([m, s]) => [m, s?.lineage && { ...s, lineage: { ...s.lineage, incarnation } }]),
          incarnation,
        ),
    ],
    [
      'one donor',
      (right) =>
        (...given) => {
          const found = right(...given);
          return found && { ...found, donors: found.donors.slice(0, 1) };
        },
      'the others are asked in turn only where the first is gone, which brings a new generation',
    ],
    [
      'donors by step',
      (right) => (standings, incarnation) => {
        const found = right(standings, incarnation);
        return (
          found && { ...found, donors: standings.flatMap(([m, s]) => (s?.step === found.step ? [m] : [])) }
        );
      },
    ],
    [
      'no lineage',
      (right) =>
        (...given) => {
          const found = right(...given);
          return found && { ...found, lineage: 0 };
        },
    ],
    [
      'the newest lineage',
      (right) => (standings, incarnation) => {
        const found = right(standings, incarnation);
        return (
          found && {
            ...found,
            lineage: Math.max(
              0,
              ...standings.map(([, s]) => (s?.lineage?.incarnation === incarnation ? s.lineage.number : 0)),
            ),
          }
        );
      },
      'the newest lineage is what decides first',
    ],
    [
      'the last of equals',
      (right) => (standings, incarnation) => {
        const found = right([...standings].reverse(), incarnation);
        return found && { ...found, donors: [...found.donors].reverse() };
      },
      'which of two states that as many have is gone on from does not matter, as long as all take the same',
    ],
    [
      'heads are not counted',
      (right) => (standings, incarnation) => {
        const seen = new Set<string>();
        const once = standings.map(([m, s]) => {
          if (s === undefined || seen.has(s.hash)) return [m, undefined] as const;
          seen.add(s.hash);
          return [m, s] as const;
        });
        const found = right(once, incarnation);
        return (
          found && {
            ...found,
            donors: standings.flatMap(([m, s]) =>
              s?.step === found.step && s.hash === found.hash ? [m] : [],
            ),
          }
        );
      },
    ],
    ['none', () => () => undefined],
    [
      'steps first',
      (right) => (standings, incarnation) => {
        const most = Math.max(0, ...standings.map(([, standing]) => standing?.step ?? 0));
        return right(
          standings.map(([member, standing]) => [member, standing?.step === most ? standing : undefined]),
          incarnation,
        );
      },
    ],
  ],
  isLost: [
    ['never', () => () => false],
    ['always', () => () => true],
    ['at the floor too', () => (target, floor) => target.lineage <= floor],
    ['two below the floor', () => (target, floor) => target.lineage < floor - 1],
    ['where nothing vouches', () => (target) => target.lineage === 0],
  ],
  gradientHeals: [
    ['always', () => (donor) => donor.retained !== undefined],
    ['never', () => () => false, 'the whole state heals as well, in more bytes'],
    ['by step alone', () => (donor, have) => have !== undefined && donor.retained?.step === have.step],
    [
      'by hash alone',
      () => (donor, have) =>
        have !== undefined && donor.retained !== undefined && have.hash === donor.previousHash,
      'a state’s hash also holds its step',
    ],
    [
      'a step before',
      () => (donor, have) => have !== undefined && donor.retained !== undefined && have.step < donor.step,
    ],
  ],
  keepsPiece: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['another one', () => (held, listed) => held !== listed],
    ['by its first digit', () => (held, listed) => held.slice(0, 1) === listed.slice(0, 1)],
  ],
  mostPieces: [
    ['one', () => () => 1],
    ['none', () => () => 0],
    ['any', () => () => Infinity],
    ['of the parameters alone', (right) => (parameters) => right(parameters / 3)],
  ],
  hasTarget: [
    [
      'by step alone',
      () => (training, target) => training.step === target.step,
      'it is asked after a heal, and a donor gives no other state',
    ],
    [
      'by hash alone',
      () => (training, target) => training.hash === target.hash,
      'a state’s hash also holds its step',
    ],
    ['always', () => () => true, 'it is asked after a heal, and a donor gives no other state'],
    ['never', () => () => false],
    [
      'a later one too',
      () => (training, target) => training.step > target.step || training.hash === target.hash,
      'it is asked after a heal, and a donor gives no other state',
    ],
    [
      'the one before too',
      () => (training, target) => training.hash === target.hash || training.previousHash === target.hash,
      'it is asked after a heal, and a donor gives no other state',
    ],
  ],
  orderSaved: [
    ['by step alone', () => (a, b) => a.step - b.step],
    ['by generation alone', () => (a, b) => a.lineage.number - b.lineage.number],
    ['the older first', (right) => (a, b) => right(b, a)],
    ['all alike', () => () => 0],
    ['without the incarnation', () => (a, b) => a.lineage.number - b.lineage.number || a.step - b.step],
  ],
  founder: [
    ['the first', () => (best) => best.find(([, s]) => s !== undefined)?.[0]],
    ['the last', () => (best) => best.filter(([, s]) => s !== undefined).at(-1)?.[0]],
    [
      'by step alone',
      () => (best) => [...best].sort(([, a], [, b]) => (b?.step ?? -1) - (a?.step ?? -1))[0]?.[0],
    ],
    [
      'the least',
      () => (best) =>
        [...best]
          .filter(([, s]) => s !== undefined)
          .sort(([, a], [, b]) => (a?.step ?? 0) - (b?.step ?? 0))[0]?.[0],
    ],
    ['nobody', () => () => undefined],
    ['the first of all', () => (best) => best[0]?.[0]],
    ['the last of equals', (right) => (best) => right([...best].reverse()), 'they have the same state'],
  ],
  preferred: [
    ['always the saved one', () => () => 'saved'],
    ['always the one in memory', () => () => 'memory'],
    ['by step', () => (inMemory, saved) => (saved.step > inMemory.step ? 'saved' : 'memory')],
    [
      'the older one',
      (right) => (inMemory, saved) => (right(inMemory, saved) === 'saved' ? 'memory' : 'saved'),
    ],
    [
      'the saved one of equals',
      () => (inMemory, saved) =>
        saved.step >= inMemory.step && saved.lineage.number >= inMemory.lineage.number ? 'saved' : 'memory',
    ],
  ],
  savesWhen: [
    ['when it is applied', () => (moment) => moment === 'applied'],
    ['never', () => () => false],
    ['at both times', () => () => true],
  ],
  saveState: [
    [
      'said before it is durable',
      (right) => (place) => [{ kind: 'report', event: { kind: 'checkpointed', ...place } }, ...right(place)],
    ],
    ['said and not done', () => (place) => [{ kind: 'report', event: { kind: 'checkpointed', ...place } }]],
    ['not done', () => () => []],
    ['a step less', (right) => (place) => right({ ...place, step: Math.max(0, place.step - 1) })],
    [
      'the generation before',
      (right) => (place) =>
        right({
          ...place,
          generation: { ...place.generation, number: Math.max(0, place.generation.number - 1) },
        }),
    ],
    [
      'another generation',
      (right) => (place) =>
        right({ ...place, generation: { ...place.generation, number: place.generation.number + 1 } }),
    ],
  ],
};

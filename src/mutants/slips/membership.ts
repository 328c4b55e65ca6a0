// Slips in membership: fencing, evidence, readmission, leaving, and which room goes on.

import type { Evidence } from '../../ports/network.ts';
import type { MembershipRules } from '../../protocol/rules/membership.ts';
import type { WrongVersions } from './slip.ts';

const without =
  (...ignored: readonly Evidence[]) =>
  (right: MembershipRules['countsAsEvidence']): MembershipRules['countsAsEvidence'] =>
  (evidence) =>
    !ignored.includes(evidence) && right(evidence);

const halfOf = (width: number | undefined): number | undefined =>
  width === undefined ? undefined : Math.max(2, Math.floor(width / 2));

export const MEMBERSHIP_SLIPS: WrongVersions<keyof MembershipRules> = {
  inForce: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['by number alone', () => (message, own) => message.number === own.number],
    ['by incarnation alone', () => (message, own) => message.incarnation === own.incarnation],
    [
      'former ones too',
      () => (message, own) => message.incarnation === own.incarnation && message.number <= own.number,
    ],
    [
      'later ones too',
      () => (message, own) => message.incarnation === own.incarnation && message.number >= own.number,
    ],
    [
      'the one before too',
      () => (message, own) => message.incarnation === own.incarnation && own.number - message.number <= 1,
    ],
  ],
  keepsEarly: [
    ['nothing', () => () => false],
    ['no parts', () => (kind) => kind !== 'part'],
    ['parts alone', () => (kind) => kind === 'part'],
    ['no standings', () => (kind) => kind !== 'standing'],
    ['no starts', () => (kind) => kind !== 'start'],
    [
      'no requests to heal',
      () => (kind) => kind !== 'heal',
      'whoever is asked has said where its state stands, and so has that generation installed',
    ],
    ['no votes', () => (kind) => kind !== 'prepare' && kind !== 'accept'],
  ],
  countsAsEvidence: [
    ['nothing', () => () => false],
    ['no goodbye', without('goodbye')],
    ['no released lock', without('lock-released')],
    ['no silence', without('heartbeat')],
    [
      'no failed connection',
      without('ice'),
      'a peer is silent for longer before its connection fails than it takes to be suspected',
    ],
    ['no closed channel', without('channel-closed')],
    ['no missed deadline', without('progress')],
    ['no misbehaviour', without('misbehaved'), 'a link that was dropped is silent, too'],
    ['no broken link of any kind', without('ice', 'channel-closed', 'misbehaved')],
    ['proof alone', () => (evidence) => evidence === 'goodbye' || evidence === 'lock-released'],
  ],
  regroupsWhileHealing: [['never', () => () => false]],
  givesUpJoining: [
    ['after two seconds', () => (askedForMs) => askedForMs > 2000],
    ['at once', () => () => true],
    ['after ten seconds', () => (askedForMs) => askedForMs > 10_000],
  ],
  linkWorks: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['if either says so', () => (one, other) => one || other],
    ['if the one says so', () => (one) => one, 'each pair is asked both ways round'],
    ['if the other says so', () => (_one, other) => other, 'each pair is asked both ways round'],
    ['if both agree', () => (one, other) => one === other],
  ],
  readmissionMs: [
    ['at once', () => () => 0],
    ['the same each time', () => () => 200],
    ['never', () => () => 1e9],
    ['without a longest', () => (evictions) => 100 * 2 ** evictions],
    [
      'from the second time on',
      (right) => (evictions) => right(evictions - 1),
      'it waits half as long, and still longer each time',
    ],
    ['the longest at once', () => (evictions) => Math.max(30_000, 100 * 2 ** evictions)],
    ['a little longer each time', () => (evictions) => 100 * evictions],
  ],
  leavesAtOnce: [
    ['always', () => () => true],
    ['never', () => () => false, 'one that is alone chooses by itself that nobody is left'],
    ['of two', () => (members) => members <= 2],
  ],
  nameIncarnation: [
    ['without the depth', (right) => (_depth, founder) => right(0, founder)],
    [
      'without the founder',
      (right) => (depth) => right(depth, '0'.repeat(32) as Parameters<typeof right>[1]),
    ],
    ['one deep', (right) => (_depth, founder) => right(1, founder)],
    ['a child above its parent', (right) => (depth, founder) => right(0xffffffff - depth, founder)],
    [
      'not padded',
      () => (depth, founder) =>
        `${depth.toString(16)}-${founder}` as ReturnType<MembershipRules['nameIncarnation']>,
    ],
    ['depths come round', (right) => (depth, founder) => right(depth % 4, founder)],
  ],
  floorAfter: [
    ['as before', () => (base) => base.floor],
    ['of the first voter', () => (base, vouched) => vouched[0] ?? base.floor],
    ['of the last voter', () => (base, vouched) => vouched.at(-1) ?? base.floor],
    ['the least', () => (base, vouched) => Math.min(base.floor, ...vouched)],
    [
      'the least of the voters',
      () => (base, vouched) => (vouched.length === 0 ? base.floor : Math.min(...vouched)),
    ],
    ['without the one before', () => (_base, vouched) => Math.max(0, ...vouched)],
    ['none', () => () => 0],
    ['one less', (right) => (base, vouched) => Math.max(0, right(base, vouched) - 1)],
    ['the base itself', () => (base) => base.id.number],
    ['one more', (right) => (base, vouched) => right(base, vouched) + 1],
  ],
  takesWitness: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['where it is odd', () => (members) => members % 2 === 1],
    ['in two alone', () => (members) => members === 2],
  ],
  ranksOf: [
    [
      'the witness too',
      () => (members, witness) => (witness === undefined ? members : [...members, witness]),
    ],
    ['without the last', () => (members) => (members.length > 1 ? members.slice(0, -1) : members)],
    [
      'without the first, where there is a witness',
      () => (members, witness) =>
        witness === undefined || members.length === 1 ? members : members.slice(1),
    ],
    ['the last twice', () => (members) => [...members, ...members.slice(-1)]],
  ],
  rowWidth: [
    ['never', () => () => undefined],
    ['half as wide', (right) => (members) => halfOf(right(members))],
    ['by one fewer', (right) => (members) => right(members + 1)],
  ],
  outlives: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['true for both at a tie', () => (a, b) => a.committed >= b.committed],
    ['false for both at a tie', () => (a, b) => a.committed > b.committed],
    [
      'the one with fewer steps',
      () => (a, b) =>
        a.committed !== b.committed
          ? a.committed < b.committed
          : a.generation.incarnation > b.generation.incarnation,
    ],
    ['by incarnation alone', () => (a, b) => a.generation.incarnation > b.generation.incarnation],
    [
      'by number at a tie',
      () => (a, b) =>
        a.committed !== b.committed ? a.committed > b.committed : a.generation.number > b.generation.number,
    ],
    ['by number', () => (a, b) => a.generation.number > b.generation.number],
    [
      'whatever was agreed',
      () => (a, b) =>
        a.committed !== b.committed
          ? a.committed > b.committed
          : a.generation.incarnation > b.generation.incarnation,
    ],
    [
      'the lesser id at a tie',
      () => (a, b) =>
        a.committed !== b.committed
          ? a.committed > b.committed
          : a.generation.incarnation < b.generation.incarnation,
    ],
    [
      'whatever was agreed before the last time',
      () => (a, b) =>
        a.insteadOf?.[0] === b.generation.incarnation ||
        (b.insteadOf?.[0] !== a.generation.incarnation &&
          (a.committed !== b.committed
            ? a.committed > b.committed
            : a.generation.incarnation > b.generation.incarnation)),
    ],
  ],
};

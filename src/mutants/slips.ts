// Slips: for each rule of the protocol a few wrong versions that somebody might write, without a name or an incident. They say how
// good the search is at mistakes that nobody has thought of: `npm run slips` hunts each of them.

import type { Evidence } from '../ports/network.ts';
import { membersOf } from '../protocol/generation.ts';
import type { Rules } from '../protocol/rules.ts';
import { compareBallots, emptyRecord, type Accepted } from '../protocol/votes.ts';

export interface Slip {
  readonly rule: keyof Rules;
  readonly slip: string;
  /** Why nothing can break; undefined: the search must find it. */
  readonly harmless: string | undefined;
  change(rules: Rules): Partial<Rules>;
}

/** By rule and slip: why nothing can break. */
const HARMLESS: Readonly<Record<string, string>> = {
  'nextBallot: two rounds at once': 'a ballot need only be above all that were heard of',
  'stepsOn: never': 'it is asked after a vote, which always holds a promise',
  'share: from the back': 'every micro-batch still has one rank',
  'share: equal whatever was agreed': 'all ranks still agree on who computes what',
  'redoExponents: the larger of both': 'what was agreed is the largest of all',
  'retain: a copy': 'it holds the same',
  'founder: the last of equals': 'they have the same state',
  'target: one donor':
    'the others are asked in turn only where the first is gone, which brings a new generation',
  'target: the last of equals':
    'which of two states that as many have is gone on from does not matter, as long as all take the same',
  'gradientHeals: never': 'the whole state heals as well, in more bytes',
  'gradientHeals: by hash alone': 'a state’s hash also holds its step',
  'hasTarget: by hash alone': 'a state’s hash also holds its step',
  'mayAccept: only after a promise':
    'a proposal goes to those who have promised; a seat that has not is not needed',
  'countsAsEvidence: no failed connection':
    'a peer is silent for longer before its connection fails than it takes to be suspected',
  'countsAsEvidence: no misbehaviour': 'a link that was dropped is silent, too',
  'keepsEarly: no requests to heal':
    'whoever is asked has said where its state stands, and so has that generation installed',
  'linkWorks: if the one says so': 'each pair is asked both ways round',
  'linkWorks: if the other says so': 'each pair is asked both ways round',
  'readmissionMs: from the second time on': 'it waits half as long, and still longer each time',
  'leavesAtOnce: never': 'one that is alone chooses by itself that nobody is left',
  'shareOut: always anew': 'only slower, which tests of the shares measure',
  'contributor: the first where there is none': 'a part of no member is refused before it is asked for',
  'retain: without its last lane': 'it names a bad sample, and a step that is applied has none',
  'keepsRound: steps alone': 'a barrier that is not through is done again by the next generation',
  'target: the newest lineage': 'the newest lineage is what decides first',
  'hasTarget: always': 'it is asked after a heal, and a donor gives no other state',
  'hasTarget: by step alone': 'it is asked after a heal, and a donor gives no other state',
  'hasTarget: a later one too': 'it is asked after a heal, and a donor gives no other state',
  'hasTarget: the one before too': 'it is asked after a heal, and a donor gives no other state',
};

const slips = <Name extends keyof Rules>(
  rule: Name,
  versions: readonly (readonly [slip: string, version: (right: Rules[Name]) => Rules[Name]])[],
): readonly Slip[] =>
  versions.map(([slip, version]) => ({
    rule,
    slip,
    harmless: HARMLESS[`${rule}: ${slip}`],
    change: (rules) => ({ [rule]: version(rules[rule]) }),
  }));

export const withSlip = (rules: Rules, slip: Slip): Rules => ({ ...rules, ...slip.change(rules) });

const isThere = (item: Accepted | undefined): item is Accepted => item !== undefined;

const VOTING: readonly Slip[] = [
  ...slips('isQuorum', [
    ['any vote is a quorum', () => (seats) => seats.size > 0],
    ['all seats are needed', () => (seats, electorate) => electorate.every((seat) => seats.has(seat))],
    [
      'of two halves none decides',
      () => (seats, electorate) =>
        electorate.filter((seat) => seats.has(seat)).length * 2 > electorate.length,
    ],
    [
      'one vote less than half',
      () => (seats, electorate) =>
        electorate.filter((seat) => seats.has(seat)).length * 2 >= electorate.length - 1,
    ],
    [
      'the lowest seat alone',
      () => (seats, electorate) => electorate.slice(0, 1).some((seat) => seats.has(seat)),
    ],
    ['seats of others count', () => (seats, electorate) => seats.size * 2 > electorate.length],
    [
      'the half with the highest seat',
      () => (seats, electorate) => {
        const voters = electorate.filter((seat) => seats.has(seat)).length;
        const last = electorate.at(-1);
        return voters * 2 === electorate.length
          ? last !== undefined && seats.has(last)
          : voters * 2 > electorate.length;
      },
    ],
    [
      'a member less in the electorate',
      (right) => (seats, electorate) => right(seats, electorate.slice(0, Math.max(1, electorate.length - 1))),
    ],
    [
      'three are enough',
      (right) => (seats, electorate) =>
        right(seats, electorate) || electorate.filter((seat) => seats.has(seat)).length >= 3,
    ],
  ]),
  ...slips('votesOf', [
    ['the gone count', () => (answered, gone) => new Set([...answered, ...gone])],
    [
      'votes of heirs do not count',
      () => (answered, gone) => new Set([...answered].filter((s) => !gone.has(s))),
    ],
    ['nobody has voted', () => () => new Set()],
  ]),
  ...slips('waitsFor', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['without an end', () => (suspected) => !suspected],
    ['for the suspected too', () => (_suspected, patience) => patience === 'patient'],
    ['only for the suspected', () => (suspected) => suspected],
  ]),
  ...slips('nextBallot', [
    ['the same round again', () => (highestRound, proposer) => ({ round: highestRound, proposer })],
    ['round 1 for ever', () => (_highestRound, proposer) => ({ round: 1, proposer })],
    ['two rounds at once', () => (highestRound, proposer) => ({ round: highestRound + 2, proposer })],
    ['round before', () => (highestRound, proposer) => ({ round: Math.max(0, highestRound - 1), proposer })],
    ['rounds come round', () => (highestRound, proposer) => ({ round: (highestRound + 1) % 16, proposer })],
  ]),
  ...slips('mayPromise', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['once', () => (record) => record.promised === undefined],
    [
      'only to a higher one',
      () => (record, ballot) => record.promised === undefined || compareBallots(ballot, record.promised) > 0,
    ],
    [
      'by round alone',
      () => (record, ballot) => record.promised === undefined || ballot.round >= record.promised.round,
    ],
    [
      'to a higher round alone',
      () => (record, ballot) => record.promised === undefined || ballot.round > record.promised.round,
    ],
    [
      'to a lower one',
      () => (record, ballot) => record.promised === undefined || compareBallots(ballot, record.promised) <= 0,
    ],
    [
      'compared with what was accepted',
      () => (record, ballot) =>
        record.accepted === undefined || compareBallots(ballot, record.accepted.ballot) >= 0,
    ],
  ]),
  ...slips('mayAccept', [
    ['always', () => () => true],
    ['never', () => () => false],
    [
      'only a higher one',
      () => (record, ballot) => record.promised === undefined || compareBallots(ballot, record.promised) > 0,
    ],
    [
      'by round alone',
      () => (record, ballot) => record.promised === undefined || ballot.round >= record.promised.round,
    ],
    [
      'only the very one',
      () => (record, ballot) =>
        record.promised === undefined || compareBallots(ballot, record.promised) === 0,
    ],
    ['once', () => (record) => record.accepted === undefined],
    [
      'only after a promise',
      () => (record, ballot) => record.promised !== undefined && compareBallots(ballot, record.promised) >= 0,
    ],
    [
      'compared with what was accepted',
      () => (record, ballot) =>
        record.accepted === undefined || compareBallots(ballot, record.accepted.ballot) >= 0,
    ],
  ]),
  ...slips('boundTo', [
    ['nothing', () => () => undefined],
    ['the first', () => (accepted) => accepted.find(isThere)],
    ['the last', () => (accepted) => accepted.filter(isThere).at(-1)],
    [
      'the lowest',
      () => (accepted) => accepted.filter(isThere).sort((a, b) => compareBallots(a.ballot, b.ballot))[0],
    ],
    [
      'by round alone',
      () => (accepted) => accepted.filter(isThere).sort((a, b) => b.ballot.round - a.ballot.round)[0],
    ],
    [
      'by round alone, the last of equals',
      () => (accepted) =>
        accepted
          .filter(isThere)
          .sort((a, b) => a.ballot.round - b.ballot.round)
          .at(-1),
    ],
    [
      'by proposer alone',
      () => (accepted) =>
        accepted.filter(isThere).sort((a, b) => (a.ballot.proposer < b.ballot.proposer ? 1 : -1))[0],
    ],
    [
      'only what most have accepted',
      () => (accepted) => {
        const known = accepted.filter(isThere);
        return known.find(
          ({ value }) => known.filter((other) => other.value === value).length * 2 > accepted.length,
        );
      },
    ],
    [
      'the one with the most members',
      () => (accepted) =>
        accepted.filter(isThere).sort((a, b) => b.value.members.length - a.value.members.length)[0],
    ],
  ]),
  ...slips('castVote', [
    [
      'sent before it is stored',
      (right) => (record, sends, report) => [
        ...sends.map((send) => ({ kind: 'send', ...send }) as const),
        ...right(record, [], report),
      ],
    ],
    [
      'not stored',
      () => (_record, sends, event) => [
        ...sends.map((send) => ({ kind: 'send', ...send }) as const),
        { kind: 'report', event },
      ],
    ],
    ['not sent', (right) => (record, _sends, report) => right(record, [], report)],
    [
      'stored without what was accepted',
      (right) => (record, sends, report) => right({ ...record, accepted: undefined }, sends, report),
    ],
    [
      'stored without the promise',
      (right) => (record, sends, report) => right({ ...record, promised: undefined }, sends, report),
    ],
    [
      'a promise stored in the place of what was accepted',
      (right) => (record, sends, report) => {
        const { promised, accepted } = record;
        const isVote = promised && accepted && compareBallots(accepted.ballot, promised) === 0;
        return right(isVote === true ? record : { ...record, accepted: undefined }, sends, report);
      },
    ],
  ]),
  ...slips('stepsOn', [
    ['always', () => () => true],
    ['until it has accepted', () => (vote) => vote.accepted === undefined],
    ['while others may propose', () => (vote) => vote.promised !== undefined],
    ['after the first ballot', () => (vote) => (vote.promised?.round ?? 1) <= 1],
    ['never', () => () => false],
  ]),
  ...slips('heirBallots', [
    ['empty', () => (seat, _stored, base) => emptyRecord(seat, base)],
    ['without a base', () => (seat) => emptyRecord(seat, undefined)],
    [
      'without what was accepted',
      (right) => (seat, stored, base) => ({ ...right(seat, stored, base), accepted: undefined }),
    ],
    [
      'without the promise',
      (right) => (seat, stored, base) => ({ ...right(seat, stored, base), promised: undefined }),
    ],
    [
      'with no promise but that of the last vote',
      (right) => (seat, stored, base) => {
        const ballots = right(seat, stored, base);
        return { ...ballots, promised: ballots.accepted?.ballot };
      },
    ],
    [
      'of this generation whatever they are of',
      (right) => (seat, stored, base) => ({ ...right(seat, stored, base), base }),
    ],
    [
      'of this generation’s number alone',
      () => (seat, stored, base) =>
        stored?.base?.id.number === base.id.number ? stored : emptyRecord(seat, base),
    ],
    [
      'accepted in the ballot that was promised',
      (right) => (seat, stored, base) => {
        const ballots = right(seat, stored, base);
        const { promised, accepted } = ballots;
        return { ...ballots, accepted: accepted && { ...accepted, ballot: promised ?? accepted.ballot } };
      },
    ],
  ]),
  ...slips('keptBallots', [
    ['none', () => () => undefined],
    [
      'of the newest line alone',
      () => (stored) => stored && { ...stored, records: stored.records.slice(-1) },
    ],
    [
      'of the oldest line alone',
      () => (stored) => stored && { ...stored, records: stored.records.slice(0, 1) },
    ],
    [
      'without what was accepted',
      () => (stored) =>
        stored && {
          ...stored,
          records: stored.records.map((record) => ({ ...record, accepted: undefined })),
        },
    ],
    [
      'without the promises',
      () => (stored) =>
        stored && {
          ...stored,
          records: stored.records.map((record) => ({ ...record, promised: undefined })),
        },
    ],
    ['without what was closed', () => (stored) => stored && { ...stored, closed: undefined }],
  ]),
];

const without =
  (...ignored: readonly Evidence[]) =>
  (right: Rules['countsAsEvidence']): Rules['countsAsEvidence'] =>
  (evidence) =>
    !ignored.includes(evidence) && right(evidence);

const halfOf = (width: number | undefined): number | undefined =>
  width === undefined ? undefined : Math.max(2, Math.floor(width / 2));

const MEMBERSHIP: readonly Slip[] = [
  ...slips('inForce', [
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
  ]),
  ...slips('keepsEarly', [
    ['nothing', () => () => false],
    ['no parts', () => (kind) => kind !== 'part'],
    ['parts alone', () => (kind) => kind === 'part'],
    ['no standings', () => (kind) => kind !== 'standing'],
    ['no starts', () => (kind) => kind !== 'start'],
    ['no requests to heal', () => (kind) => kind !== 'heal'],
    ['no votes', () => (kind) => kind !== 'prepare' && kind !== 'accept'],
  ]),
  ...slips('countsAsEvidence', [
    ['nothing', () => () => false],
    ['no goodbye', without('goodbye')],
    ['no released lock', without('lock-released')],
    ['no silence', without('heartbeat')],
    ['no failed connection', without('ice')],
    ['no closed channel', without('channel-closed')],
    ['no missed deadline', without('progress')],
    ['no misbehaviour', without('misbehaved')],
    ['no broken link of any kind', without('ice', 'channel-closed', 'misbehaved')],
    ['proof alone', () => (evidence) => evidence === 'goodbye' || evidence === 'lock-released'],
  ]),
  ...slips('regroupsWhileHealing', [['never', () => () => false]]),
  ...slips('givesUpJoining', [
    ['after two seconds', () => (askedForMs) => askedForMs > 2000],
    ['at once', () => () => true],
    ['after ten seconds', () => (askedForMs) => askedForMs > 10_000],
  ]),
  ...slips('linkWorks', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['if either says so', () => (one, other) => one || other],
    ['if the one says so', () => (one) => one],
    ['if the other says so', () => (_one, other) => other],
    ['if both agree', () => (one, other) => one === other],
  ]),
  ...slips('readmissionMs', [
    ['at once', () => () => 0],
    ['the same each time', () => () => 200],
    ['never', () => () => 1e9],
    ['without a longest', () => (evictions) => 100 * 2 ** evictions],
    ['from the second time on', (right) => (evictions) => right(evictions - 1)],
    ['the longest at once', () => (evictions) => Math.max(30_000, 100 * 2 ** evictions)],
    ['a little longer each time', () => (evictions) => 100 * evictions],
  ]),
  ...slips('leavesAtOnce', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['of two', () => (members) => members <= 2],
  ]),
  ...slips('nameIncarnation', [
    ['without the depth', (right) => (_depth, founder) => right(0, founder)],
    [
      'without the founder',
      (right) => (depth) => right(depth, '0'.repeat(32) as Parameters<typeof right>[1]),
    ],
    ['one deep', (right) => (_depth, founder) => right(1, founder)],
    ['a child above its parent', (right) => (depth, founder) => right(0xffffffff - depth, founder)],
    [
      'not padded',
      () => (depth, founder) => `${depth.toString(16)}-${founder}` as ReturnType<Rules['nameIncarnation']>,
    ],
    ['depths come round', (right) => (depth, founder) => right(depth % 4, founder)],
  ]),
  ...slips('floorAfter', [
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
  ]),
  ...slips('takesWitness', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['where it is odd', () => (members) => members % 2 === 1],
    ['in two alone', () => (members) => members === 2],
  ]),
  ...slips('ranksOf', [
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
  ]),
  ...slips('rowWidth', [
    ['never', () => () => undefined],
    ['half as wide', (right) => (members) => halfOf(right(members))],
    ['by one fewer', (right) => (members) => right(members + 1)],
  ]),
  ...slips('outlives', [
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
  ]),
];

const TRAINING: readonly Slip[] = [
  ...slips('share', [
    [
      'the remainder is dropped',
      () => (rank, world, microBatches) => {
        const each = Math.floor(microBatches / world);
        return Array.from({ length: each }, (_, i) => rank * each + i);
      },
    ],
    [
      'everybody computes everything',
      () => (_rank, _world, microBatches) => Array.from({ length: microBatches }, (_, i) => i),
    ],
    [
      'one more',
      (right) =>
        (...given) => [...right(...given), Math.max(0, (right(...given).at(-1) ?? -1) + 1) % given[2]],
    ],
    [
      'without the first',
      (right) =>
        (...given) =>
          right(...given).slice(1),
    ],
    [
      'from the back',
      (right) => (rank, world, microBatches, counts) =>
        right(world - 1 - rank, world, microBatches, counts && [...counts].reverse()),
    ],
    [
      'equal whatever was agreed',
      (right) => (rank, world, microBatches) => right(rank, world, microBatches, undefined),
    ],
    [
      'of one rank less',
      (right) => (rank, world, microBatches, counts) =>
        right(rank, Math.max(1, world - 1), microBatches, counts),
    ],
  ]),
  ...slips('shareOut', [
    ['never', () => () => undefined],
    [
      'one too few',
      (right) =>
        (...given) =>
          right(...given)?.map((count, rank) => (rank === 0 ? Math.max(0, count - 1) : count)),
    ],
    [
      'one too many',
      (right) =>
        (...given) =>
          right(...given)?.map((count, rank) => (rank === 0 ? count + 1 : count)),
    ],
    [
      'the slow get the most',
      (right) =>
        (paces, ...rest) =>
          right(
            paces.map((pace) => (pace === undefined || pace === 0 ? pace : 1 / pace)),
            ...rest,
          ),
    ],
    [
      'the first gets all',
      () => (paces, microBatches) => paces.map((_, rank) => (rank === 0 ? microBatches : 0)),
    ],
    [
      'always anew',
      (right) => (paces, microBatches, _before, steps) => right(paces, microBatches, undefined, steps),
    ],
    ['never probed', (right) => (paces, microBatches, before) => right(paces, microBatches, before, 2)],
    [
      'the remainder is dropped where each gets one',
      (right) => (paces, microBatches, before, steps) =>
        steps % 32 === 0 && paces.some((pace) => pace !== undefined)
          ? paces.map(() => 1)
          : right(paces, microBatches, before, steps),
    ],
    [
      'one more for each that has none',
      (right) => (paces, microBatches, before, steps) => {
        const counts = right(paces, microBatches, before, steps + 1) ?? before;
        return steps % 32 === 0
          ? counts?.map((count) => Math.max(1, count))
          : right(paces, microBatches, before, steps);
      },
    ],
  ]),
  ...slips('mayContribute', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['once the target is known', () => (membership) => membership.target !== undefined],
  ]),
  ...slips('batchOf', [
    ['one behind', () => (training) => Math.max(0, training.step - 1)],
    ['one ahead', () => (training) => training.step + 1],
    ['of what was committed', () => (training) => training.committed],
    ['the first', () => () => 0],
    ['batches come round', () => (training) => training.step % 32],
  ]),
  ...slips('contributor', [
    ['the one that the part names', () => (_generation, _sender, part) => part],
    [
      'the next one',
      (right) => (generation, sender, part) =>
        (right(generation, sender, part) + 1) % generation.members.length,
    ],
    [
      'the first where there is none',
      (right) => (generation, sender, part) => Math.max(0, right(generation, sender, part)),
    ],
    ['nobody', () => () => -1],
  ]),
  ...slips('readyToApply', [
    [
      'when the first bucket is in',
      () =>
        ({ buckets }) =>
          buckets[0]?.complete === true,
    ],
    [
      'when the last bucket is in',
      () =>
        ({ buckets }) =>
          buckets.at(-1)?.complete === true,
    ],
    [
      'when those are in that were begun',
      () =>
        ({ buckets }) =>
          buckets.every(({ complete }) => complete),
    ],
    [
      'when one is in',
      () =>
        ({ buckets }) =>
          buckets.some(({ complete }) => complete),
    ],
    [
      'when all were begun',
      () =>
        ({ layout, buckets }) =>
          buckets.length === layout.buckets.length,
    ],
    ['never', () => () => false],
  ]),
  ...slips('redoExponents', [
    ['its own', () => (_agreed, own) => own],
    [
      'the larger of both',
      () => (agreed, own) => agreed.map((exponent, i) => Math.max(exponent, own[i] ?? exponent)),
    ],
    ['one less', () => (agreed) => agreed.map((exponent) => exponent - 1)],
    ['one more', () => (agreed) => agreed.map((exponent) => exponent + 1)],
    [
      'the smaller of both',
      () => (agreed, own) => agreed.map((exponent, i) => Math.min(exponent, own[i] ?? exponent)),
    ],
    ['of the first tensor', () => (agreed) => agreed.map(() => agreed[0] ?? 0)],
  ]),
  ...slips('leftOut', [
    ['the last one alone', () => (_before, agreed) => [agreed]],
    ['those before', () => (before) => before],
    ['none', () => () => []],
    ['its own', () => (before, _agreed, own) => (own === undefined ? before : [...before, own])],
    ['the next one', () => (before, agreed) => [...before, agreed + 1]],
    [
      'the agreed one and its own',
      () => (before, agreed, own) => [
        ...before,
        agreed,
        ...(own === undefined || own === agreed ? [] : [own]),
      ],
    ],
    ['in another order', () => (before, agreed) => [agreed, ...before]],
    ['the last three', () => (before, agreed) => [...before.slice(-2), agreed]],
  ]),
  ...slips('retain', [
    ['nothing', () => (reduced) => new Int32Array(reduced.length)],
    ['a copy', () => (reduced) => reduced.slice()],
    ['the first half', () => (reduced) => reduced.map((lane, i) => (i * 2 < reduced.length ? lane : 0))],
    [
      'without its last lane',
      () => (reduced) => reduced.map((lane, i) => (i + 1 < reduced.length ? lane : 0)),
    ],
    ['shorter', () => (reduced) => reduced.slice(0, -1)],
  ]),
  ...slips('keepsRound', [
    ['never', () => () => false],
    ['barriers alone', () => (round) => round.id.attempt < 0],
    ['steps alone', () => (round) => round.id.attempt >= 0],
  ]),
];

const STATE: readonly Slip[] = [
  ...slips('isSettled', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['while applying too', () => (changing) => changing === undefined || changing === 'apply'],
    ['while importing too', () => (changing) => changing === undefined || changing === 'import'],
    ['while restoring too', () => (changing) => changing === undefined || changing === 'restore'],
  ]),
  ...slips('standingOf', [
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
  ]),
  ...slips('comparedMembers', [
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
  ]),
  ...slips('believed', [
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
  ]),
  ...slips('target', [
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
    ],
    [
      'the last of equals',
      (right) => (standings, incarnation) => {
        const found = right([...standings].reverse(), incarnation);
        return found && { ...found, donors: [...found.donors].reverse() };
      },
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
  ]),
  ...slips('isLost', [
    ['never', () => () => false],
    ['always', () => () => true],
    ['at the floor too', () => (target, floor) => target.lineage <= floor],
    ['two below the floor', () => (target, floor) => target.lineage < floor - 1],
    ['where nothing vouches', () => (target) => target.lineage === 0],
  ]),
  ...slips('gradientHeals', [
    ['always', () => (donor) => donor.retained !== undefined],
    ['never', () => () => false],
    ['by step alone', () => (donor, have) => have !== undefined && donor.retained?.step === have.step],
    [
      'by hash alone',
      () => (donor, have) =>
        have !== undefined && donor.retained !== undefined && have.hash === donor.previousHash,
    ],
    [
      'a step before',
      () => (donor, have) => have !== undefined && donor.retained !== undefined && have.step < donor.step,
    ],
  ]),
  ...slips('keepsPiece', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['another one', () => (held, listed) => held !== listed],
    ['by its first digit', () => (held, listed) => held.slice(0, 1) === listed.slice(0, 1)],
  ]),
  ...slips('mostPieces', [
    ['one', () => () => 1],
    ['none', () => () => 0],
    ['any', () => () => Infinity],
    ['of the parameters alone', (right) => (parameters) => right(parameters / 3)],
  ]),
  ...slips('hasTarget', [
    ['by step alone', () => (training, target) => training.step === target.step],
    ['by hash alone', () => (training, target) => training.hash === target.hash],
    ['always', () => () => true],
    ['never', () => () => false],
    [
      'a later one too',
      () => (training, target) => training.step > target.step || training.hash === target.hash,
    ],
    [
      'the one before too',
      () => (training, target) => training.hash === target.hash || training.previousHash === target.hash,
    ],
  ]),
  ...slips('orderSaved', [
    ['by step alone', () => (a, b) => a.step - b.step],
    ['by generation alone', () => (a, b) => a.lineage.number - b.lineage.number],
    ['the older first', (right) => (a, b) => right(b, a)],
    ['all alike', () => () => 0],
    ['without the incarnation', () => (a, b) => a.lineage.number - b.lineage.number || a.step - b.step],
  ]),
  ...slips('founder', [
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
    ['the last of equals', (right) => (best) => right([...best].reverse())],
  ]),
  ...slips('preferred', [
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
  ]),
  ...slips('savesWhen', [
    ['when it is applied', () => (moment) => moment === 'applied'],
    ['never', () => () => false],
    ['at both times', () => () => true],
  ]),
  ...slips('saveState', [
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
  ]),
];

const LEARNING: readonly Slip[] = [
  ...slips('learnsFirst', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['whatever it lacks', (right) => (parameters) => right(parameters, Infinity)],
    ['whatever its size', (right) => (_parameters, lacks) => right(Infinity, lacks)],
  ]),
  ...slips('stopsLearning', [
    ['at once', () => () => true],
    ['never', () => () => false],
  ]),
  ...slips('hasCaughtUp', [
    ['always', () => () => true],
    ['never', () => () => false],
    ['with no step to go', () => (step, committed) => step >= committed],
    ['far behind', () => (step, committed) => step + 4 >= committed],
  ]),
  ...slips('staysBehind', [
    ['at once', () => () => true],
    ['never', () => () => false],
    [
      'sooner than the deadline',
      () =>
        (followedMs, { joinMs }) =>
          followedMs < joinMs,
    ],
  ]),
  ...slips('vouchesForLearned', [['the generation of its teacher', () => (generation) => generation]]),
  ...slips('passesOnWhen', [
    ['when it is applied', () => (moment) => moment === 'applied'],
    ['never', () => () => false],
    ['at both times', () => () => true],
  ]),
  ...slips('keepsForLearners', [
    ['none', () => () => false],
    ['all', () => () => true],
    ['one', () => (gradients) => gradients <= 1],
  ]),
];

export const SLIPS: readonly Slip[] = [...VOTING, ...MEMBERSHIP, ...TRAINING, ...STATE, ...LEARNING];

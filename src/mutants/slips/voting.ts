// Slips in the vote on a generation's successor.

import type { VotingRules } from '../../protocol/rules/voting.ts';
import { compareBallots, emptyRecord, type Accepted } from '../../protocol/votes.ts';
import type { WrongVersions } from './slip.ts';

const isThere = (item: Accepted | undefined): item is Accepted => item !== undefined;

export const VOTING_SLIPS: WrongVersions<keyof VotingRules> = {
  isQuorum: [
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
  ],
  votesOf: [
    ['the gone count', () => (answered, gone) => new Set([...answered, ...gone])],
    [
      'votes of heirs do not count',
      () => (answered, gone) => new Set([...answered].filter((s) => !gone.has(s))),
    ],
    ['nobody has voted', () => () => new Set()],
  ],
  waitsFor: [
    ['always', () => () => true],
    ['never', () => () => false],
    ['without an end', () => (suspected) => !suspected],
    ['for the suspected too', () => (_suspected, patience) => patience === 'patient'],
    ['only for the suspected', () => (suspected) => suspected],
  ],
  nextBallot: [
    ['the same round again', () => (highestRound, proposer) => ({ round: highestRound, proposer })],
    ['round 1 for ever', () => (_highestRound, proposer) => ({ round: 1, proposer })],
    [
      'two rounds at once',
      () => (highestRound, proposer) => ({ round: highestRound + 2, proposer }),
      'a ballot need only be above all that were heard of',
    ],
    ['round before', () => (highestRound, proposer) => ({ round: Math.max(0, highestRound - 1), proposer })],
    ['rounds come round', () => (highestRound, proposer) => ({ round: (highestRound + 1) % 16, proposer })],
  ],
  mayPromise: [
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
  ],
  mayAccept: [
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
      'a proposal goes to those who have promised; a seat that has not is not needed',
    ],
    [
      'compared with what was accepted',
      () => (record, ballot) =>
        record.accepted === undefined || compareBallots(ballot, record.accepted.ballot) >= 0,
    ],
  ],
  boundTo: [
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
  ],
  castVote: [
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
  ],
  stepsOn: [
    ['always', () => () => true],
    ['until it has accepted', () => (vote) => vote.accepted === undefined],
    ['while others may propose', () => (vote) => vote.promised !== undefined],
    ['after the first ballot', () => (vote) => (vote.promised?.round ?? 1) <= 1],
    ['never', () => () => false, 'it is asked after a vote, which always holds a promise'],
  ],
  heirBallots: [
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
  ],
  keptBallots: [
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
  ],
};

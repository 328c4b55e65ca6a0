// Planted bugs in the vote on a generation's successor.

import type { MemberId } from '../ports/ids.ts';
import { compareBallots, emptyRecord } from '../protocol/votes.ts';
import type { Mutant } from './mutant.ts';

export const VOTING_MUTANTS: readonly Mutant[] = [
  {
    name: 'vote-sent-before-stored',
    breaks: 'A vote leaves before it is durable: its page dies, and the heir of the seat votes otherwise.',
    seen: 'Databases that acknowledge before fsync; the rule is in "Paxos Made Simple", section 2.5.',
    invariant: [6, 5],
    mutate: (rules) => ({
      ...rules,
      castVote: (record, sends, report) => [
        ...sends.map((send) => ({ kind: 'send', ...send }) as const),
        ...rules.castVote(record, [], report),
      ],
    }),
  },
  {
    name: 'torchft-63-dead-member-blocks-quorum',
    breaks: 'A proposer waits for the answer of a member that is gone, and no successor is ever chosen.',
    seen: 'torchft#63: the lighthouse kept dead members indefinitely when it formed a quorum.',
    invariant: [8],
    mutate: (rules) => ({ ...rules, waitsFor: () => true }),
  },
  {
    name: 'torchft-70-two-rooms',
    breaks: 'A fixed number of voters is enough, so two parts of a room each go on.',
    seen: 'torchft#70 and #71: two rooms flip-flopped, since min_replicas may be less than half of the replicas.',
    invariant: [5, 1],
    mutate: (rules) => ({
      ...rules,
      isQuorum: (seats, electorate) =>
        electorate.filter((seat) => seats.has(seat)).length >= Math.min(2, electorate.length),
    }),
  },
  {
    name: 'half-is-a-quorum',
    breaks: 'Exactly half of the electorate decides, whichever half it is.',
    seen: 'Two-node clusters that both stay up when the link between them fails.',
    invariant: [5, 1],
    mutate: (rules) => ({
      ...rules,
      isQuorum: (seats, electorate) =>
        electorate.filter((seat) => seats.has(seat)).length * 2 >= electorate.length,
    }),
  },
  {
    name: 'proof-of-departure-is-a-vote',
    breaks: 'The seat of a page that is known to be gone counts as if it had agreed.',
    seen: 'Failure detectors that shrink the electorate: each side of a split counts its own departures.',
    invariant: [5, 1],
    mutate: (rules) => ({ ...rules, votesOf: (answered, gone) => new Set([...answered, ...gone]) }),
  },
  {
    name: 'accepted-proposal-not-reproposed',
    breaks: 'A new proposer forgets what was accepted, and a second successor is chosen after the first.',
    seen: 'The step most often left out of Paxos: phase 2a of "Paxos Made Simple", section 2.2.',
    invariant: [5, 1],
    mutate: (rules) => ({ ...rules, boundTo: () => undefined }),
  },
  {
    name: 'lowest-accepted-reproposed',
    breaks: 'Of several accepted proposals a new proposer takes the oldest, which a later one has replaced.',
    seen: 'Paxos written from memory: the value of the highest ballot binds, not the first that is heard of.',
    invariant: [5, 1],
    mutate: (rules) => ({
      ...rules,
      boundTo: (accepted) => {
        const known = accepted.filter((item) => item !== undefined);
        return known.sort((a, b) => compareBallots(a.ballot, b.ballot))[0];
      },
    }),
  },
  {
    name: 'heir-never-votes',
    breaks: 'Who inherits a dead page’s seat does not vote for it, and the survivors have no majority.',
    seen: 'Replicas that are replaced by non-voting members which nobody ever promotes.',
    invariant: [8],
    mutate: (rules) => ({
      ...rules,
      heirBallots: (seat, _stored, base) =>
        emptyRecord(seat, { ...base, id: { ...base.id, number: base.id.number + 1_000 } }),
    }),
  },
  {
    name: 'seat-without-its-ballots',
    breaks:
      'The heir of a dead page’s seat starts with empty ballots, and takes back what the seat has promised.',
    seen: 'Members restored under their old identity with an empty disk, which Raft forbids.',
    invariant: [6, 5],
    mutate: (rules) => ({ ...rules, heirBallots: (seat, _stored, base) => emptyRecord(seat, base) }),
  },
  {
    name: 'promise-to-a-lower-ballot',
    breaks: 'A seat promises whatever ballot it is asked for last.',
    seen: 'Acceptors that remember the last ballot instead of the highest.',
    invariant: [6],
    mutate: (rules) => ({ ...rules, mayPromise: () => true }),
  },
  {
    name: 'accept-below-the-promise',
    breaks: 'A seat accepts a proposal although it has promised a higher ballot.',
    seen: 'Acceptors that check the promise in phase 1 and not in phase 2.',
    invariant: [6, 5],
    mutate: (rules) => ({ ...rules, mayAccept: () => true }),
  },
  {
    name: 'reused-member-id',
    breaks: 'Two proposers go by one name, so that one ballot carries two values.',
    seen: 'Replicas restarted under an id that another still uses; torchft makes replica ids unique with a suffix.',
    invariant: [6, 5],
    mutate: (rules) => ({
      ...rules,
      nextBallot: (highestRound) => ({ round: highestRound + 1, proposer: '0'.repeat(32) as MemberId }),
    }),
  },
  {
    name: 'witness-forgets-its-ballots',
    breaks: 'A witness that comes back has forgotten what it said, and votes anew on the same generation.',
    seen: 'Arbiters that keep their votes in memory: "Paxos Made Simple", section 2.5, asks for stable storage of every acceptor.',
    invariant: [6, 5],
    mutate: (rules) => ({ ...rules, keptBallots: () => undefined }),
  },
  {
    name: 'steps-after-the-promise',
    breaks:
      'A seat that has promised goes on training: a step is committed in a generation that is being replaced.',
    seen: 'Elastic training that re-forms its ring while a collective of the old one is still in flight.',
    invariant: [1, 3, 4],
    mutate: (rules) => ({ ...rules, stepsOn: () => true }),
  },
];

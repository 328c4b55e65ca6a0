// What the protocol's rules promise whatever they are asked, held against drawn arguments. Some promises are broken only in a room of many
// votes, after many lines or many steps, where a short run does not come: a ballot above all others, a name above its parent's, shares that
// make up the batch. The swarm holds the rules to them in some seeds, after a run in which nothing else was found.

import { PIECE_BYTES } from '../collective/state-transfer.ts';
import type { Violation } from '../invariants/check.ts';
import { DEFAULT_JOB } from '../job/job.ts';
import {
  isIncarnationId,
  type GenerationId,
  type IncarnationId,
  type MemberId,
  type PieceDigest,
  type SeatId,
  type StateHash,
} from '../ports/ids.ts';
import { compareCheckpoints } from '../ports/store.ts';
import type { Generation, Member } from '../protocol/generation.ts';
import type { Standing } from '../protocol/messages.ts';
import type { Rules } from '../protocol/rules.ts';
import type { RoomAge } from '../protocol/rules/membership.ts';
import type { Saved } from '../protocol/saved.ts';
import type { Training } from '../protocol/state.ts';
import { compareBallots, emptyRecord, type Accepted, type SeatRecord } from '../protocol/votes.ts';
import type { WitnessBook } from '../protocol/witness-book.ts';
import type { Ballot } from '../trace/events.ts';
import { createEntropy } from './random.ts';

type Draw = (low: number, high: number) => number;

interface Law {
  readonly rule: keyof Rules;
  readonly invariant: Violation['invariant'];
  readonly promise: string;
  readonly holds: (rules: Rules, draw: Draw) => boolean;
}

/** Arguments that each law is held against. */
const TRIALS = 24;
const MOST_SEATS = 9;
/** As in jobs that train. */
const MICRO_BATCHES = [8, 12, 16, 64] as const;
/** Up to so many members have links with all others. */
const FULL_MESH = 64;

const id = (number: number): string => number.toString(16).padStart(32, '0');
const member = (number: number): MemberId => id(number) as MemberId;
const seat = (number: number): SeatId => id(number) as SeatId;
const incarnation = (number: number): IncarnationId =>
  `${number.toString(16).padStart(8, '0')}-${id(0)}` as IncarnationId;
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const isYes = (draw: Draw): boolean => draw(0, 1) === 1;

const drawBallot = (draw: Draw): Ballot => ({ round: draw(0, 40), proposer: member(draw(0, 5)) });

const recordOf = (promised: Ballot | undefined): SeatRecord => ({
  ...emptyRecord(seat(1), undefined),
  promised,
});

const memberOf = (number: number): Member => ({
  member: member(number),
  seat: seat(number),
  fingerprint: '',
});

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const generationOf = (
  number: number,
  floor: number,
  members: readonly Member[],
  line = incarnation(0),
): Generation => ({
  id: { incarnation: line, number },
  members,
  updateMode: 'portable',
  exactness: { kind: 'exact' },
  floor,
  running: true,
});

/** What a seat has said on the successor of some generation: a promise, and perhaps something accepted before it. */
function votedIn(draw: Draw): SeatRecord {
  const base = generationOf(draw(1, 4), 0, many(3, memberOf), incarnation(draw(0, 1)));
  const ballot = drawBallot(draw);
  const accepted = isYes(draw) ? undefined : { ballot, value: generationOf(5, 0, base.members) };
  return {
    ...emptyRecord(seat(1), base),
    promised: { ...ballot, round: ballot.round + draw(0, 2) },
    accepted,
  };
}

const drawId = (draw: Draw): GenerationId => ({ incarnation: incarnation(draw(0, 3)), number: draw(0, 20) });

const drawStanding = (draw: Draw): Standing => {
  const [lineage, step] = [drawId(draw), draw(0, 4)];
  return { lineage, step, hash: id(step * 4 + draw(0, 2)) as StateHash };
};

/** Few generations, steps and hashes: they are disputed. */
const drawDisputed = (draw: Draw): Standing => {
  const [lineage, step] = [{ incarnation: incarnation(1), number: draw(1, 2) }, draw(0, 1)];
  return { lineage, step, hash: id(step * 4 + draw(0, 1)) as StateHash };
};

type Standings = readonly (readonly [MemberId, Standing | undefined])[];

const drawStandings = (draw: Draw): Standings => {
  const standing = isYes(draw) ? drawStanding : drawDisputed;
  return many(draw(1, 5), (i) => [member(i), draw(0, 5) === 0 ? undefined : standing(draw)] as const);
};

const told = (standings: Standings): readonly Standing[] =>
  standings.flatMap(([, standing]) => (standing === undefined ? [] : [standing]));

/** The generation of this line that has vouched for it; 0 for none. */
const vouched = ({ lineage }: Standing, line: IncarnationId): number =>
  lineage?.incarnation === line ? lineage.number : 0;

const holders = (standings: readonly Standing[], { hash }: Standing): number =>
  standings.filter((other) => other.hash === hash).length;

/** The standings of the greatest (generation, step). */
function newestOf(standings: readonly Standing[], line: IncarnationId): readonly Standing[] {
  const number = Math.max(...standings.map((standing) => vouched(standing, line)));
  const newest = standings.filter((standing) => vouched(standing, line) === number);
  const step = Math.max(...newest.map((standing) => standing.step));
  return newest.filter((standing) => standing.step === step);
}

function isTied(standings: readonly Standing[]): boolean {
  const counts = [...new Set(standings.map(({ hash }) => hash))]
    .map((hash) => standings.filter((standing) => standing.hash === hash).length)
    .sort((a, b) => b - a);
  return counts.length > 1 && counts[0] === counts[1];
}

const drawSaved = (draw: Draw): Saved => ({ lineage: drawId(draw), step: draw(0, 4) });

const orderOf = (a: Saved, b: Saved): number =>
  compareCheckpoints(
    { room: '', generation: a.lineage, step: a.step },
    { room: '', generation: b.lineage, step: b.step },
  );

const sameNumbers = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((value, i) => value === b[i]);

/** All micro-batches of a step, each once. */
const isWhole = (shares: readonly number[], microBatches: number): boolean =>
  sameNumbers(
    [...shares].sort((a, b) => a - b),
    many(microBatches, (i) => i),
  );

const drawCounts = (draw: Draw, world: number, microBatches: number): readonly number[] => {
  const counts = many(world, () => 0).slice();
  for (let dealt = 0; dealt < microBatches; dealt++) {
    const rank = draw(0, world - 1);
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  return counts;
};

const lastsFor = (counts: readonly number[], paces: readonly number[]): number =>
  Math.max(...counts.map((count, rank) => count * (paces[rank] ?? 0)));

/** How soon the slowest rank can be done, whoever computes how many. */
function soonest(paces: readonly number[], microBatches: number): number {
  const times = paces.flatMap((pace) => many(microBatches, (i) => (i + 1) * pace)).sort((a, b) => a - b);
  const reach = (ms: number): number => paces.reduce((sum, pace) => sum + Math.floor(ms / pace), 0);
  return times.find((ms) => reach(ms) >= microBatches) ?? Infinity;
}

/** Steps of a generation, all at the same paces, in which the shares are looked at: each rank is to be seen in that time. */
const SHARED_STEPS = 70;
const PROBED_EVERY = 32;
const SEEN_IN = PROBED_EVERY + 1;
/** Shares stay as they are where others would be little better. */
const WORTH = 10 / 9;

function sharesHold(rules: Rules, draw: Draw): boolean {
  const world = draw(2, 6);
  const microBatches = MICRO_BATCHES[draw(0, MICRO_BATCHES.length - 1)] ?? 8;
  const paces = many(world, () => draw(1, 40) * (isYes(draw) ? 1 : 20));
  let counts: readonly number[] | undefined;
  const seen = paces.map(() => 0);
  const worthMs = soonest(paces, microBatches) * WORTH + 1e-9;
  for (let step = 1; step <= SHARED_STEPS; step++) {
    const shared = rules.shareOut(paces, microBatches, counts, step);
    counts = shared;
    const now = shared ?? paces.map((_, rank) => rules.share(rank, world, microBatches, undefined).length);
    const sum = now.reduce((total, count) => total + count, 0);
    if (now.length !== world || sum !== microBatches || now.some((count) => count < 0)) return false;
    now.forEach((count, rank) => {
      if (count > 0) seen[rank] = step;
    });
    if (step % PROBED_EVERY !== 0 && lastsFor(now, paces) > worthMs) return false;
    if (world <= microBatches && seen.some((last) => step - last > SEEN_IN)) return false;
  }
  return true;
}

function drawRoom(draw: Draw, number: number): RoomAge {
  const age = {
    committed: draw(0, 3),
    generation: { incarnation: incarnation(number), number: draw(0, 9) },
  };
  return isYes(draw)
    ? age
    : { ...age, insteadOf: many(draw(1, 3), () => incarnation(draw(0, number === 0 ? 0 : number - 1))) };
}

const replaces = (a: RoomAge, b: RoomAge): boolean =>
  a.insteadOf?.includes(b.generation.incarnation) === true;

/** Of these nobody asks for another copy before a deadline has passed. */
const SAID_ONCE = ['part', 'standing', 'target', 'start', 'prepare', 'accept', 'seatHeld', 'news'] as const;

const POLICIES = DEFAULT_JOB.policies;
const LONGEST_WAIT_MS = 60_000;
const LONG_WAIT_MS = 10_000;
const FIRST_WAIT_MS = 1000;
/** What a teacher keeps at most. */
const MOST_KEPT = 128;
const MOST_KEPT_BYTES = 64 * 1024 * 1024;
/** A parameter and its two moments. */
const STATE_BYTES = 12;

const VOTING: readonly Law[] = [
  {
    rule: 'isQuorum',
    invariant: 5,
    promise: 'of two parts that the seats may fall into exactly one is a quorum, whoever else votes with it',
    holds: (rules, draw) => {
      const electorate = many(draw(1, MOST_SEATS), seat);
      const one = new Set(electorate.filter(() => isYes(draw)));
      const other = new Set(electorate.filter((voter) => !one.has(voter)));
      const strangers = many(draw(0, 3), (i) => seat(100 + i));
      const isOne = rules.isQuorum(new Set([...strangers, ...one]), electorate);
      return isOne !== rules.isQuorum(other, electorate);
    },
  },
  {
    rule: 'votesOf',
    invariant: 5,
    promise: 'those count that answered, and no others',
    holds: (rules, draw) => {
      const seats = many(MOST_SEATS, seat);
      const answered = new Set(seats.filter(() => isYes(draw)));
      const votes = rules.votesOf(answered, new Set(seats.filter(() => isYes(draw))));
      return votes.size === answered.size && seats.every((voter) => votes.has(voter) === answered.has(voter));
    },
  },
  {
    rule: 'waitsFor',
    invariant: 7,
    promise: 'a proposer waits for whoever is not suspected, and not for ever',
    holds: (rules, draw) => {
      const [suspected, patience] = [isYes(draw), isYes(draw) ? 'patient' : 'impatient'] as const;
      return rules.waitsFor(suspected, patience) === (!suspected && patience === 'patient');
    },
  },
  {
    rule: 'nextBallot',
    invariant: 5,
    promise: 'a ballot is above all that were heard of, and no other proposer has the same',
    holds: (rules, draw) => {
      const round = draw(0, isYes(draw) ? 10 : 100_000);
      const [first, second] = [rules.nextBallot(round, member(1)), rules.nextBallot(round, member(2))];
      return first.round > round && compareBallots(first, second) !== 0;
    },
  },
  {
    rule: 'mayPromise',
    invariant: 6,
    promise: 'a seat promises to ballots from the one on that it has promised',
    holds: (rules, draw) => {
      const [promised, ballot] = [drawBallot(draw), drawBallot(draw)];
      if (!rules.mayPromise(recordOf(undefined), ballot)) return false;
      return rules.mayPromise(recordOf(promised), ballot) === compareBallots(ballot, promised) >= 0;
    },
  },
  {
    rule: 'mayAccept',
    invariant: 6,
    promise: 'a seat accepts what it has promised to, and nothing below that',
    holds: (rules, draw) => {
      const [promised, ballot] = [drawBallot(draw), drawBallot(draw)];
      if (!rules.mayAccept(recordOf(promised), promised)) return false;
      return compareBallots(ballot, promised) >= 0 || !rules.mayAccept(recordOf(promised), ballot);
    },
  },
  {
    rule: 'boundTo',
    invariant: 5,
    promise: 'the accepted proposal of the highest ballot binds',
    holds: (rules, draw) => {
      const accepted = many(draw(1, MOST_SEATS), (): Accepted | undefined =>
        isYes(draw)
          ? undefined
          : { ballot: drawBallot(draw), value: generationOf(2, 0, many(draw(1, 4), memberOf)) },
      );
      const bound = rules.boundTo(accepted);
      return accepted.every(
        (item) =>
          item === undefined || (bound !== undefined && compareBallots(item.ballot, bound.ballot) <= 0),
      );
    },
  },
  {
    rule: 'heirBallots',
    invariant: 6,
    promise: 'the heir of a seat is bound by all that it finds stored',
    holds: (rules, draw) => {
      const stored = votedIn(draw);
      const base = generationOf(draw(1, 4), 0, many(3, memberOf), incarnation(draw(0, 1)));
      return isSame(rules.heirBallots(stored.seat, stored, base), stored);
    },
  },
  {
    rule: 'keptBallots',
    invariant: 6,
    promise: 'a witness that starts again is bound by all that it finds stored',
    holds: (rules, draw) => {
      const closed = isYes(draw) ? undefined : incarnation(0);
      const records = many(draw(0, 3), () => votedIn(draw));
      const stored: WitnessBook = { format: 1, seat: seat(1), closed, records };
      return isSame(rules.keptBallots(stored), stored);
    },
  },
  {
    rule: 'stepsOn',
    invariant: 4,
    promise: 'a seat that has promised takes no further step',
    holds: (rules, draw) => !rules.stepsOn(recordOf(drawBallot(draw))),
  },
];

const MEMBERSHIP: readonly Law[] = [
  {
    rule: 'inForce',
    invariant: 4,
    promise: 'only what names the generation in force acts',
    holds: (rules, draw) => {
      const [theirs, own] = [drawId(draw), drawId(draw)];
      const same = theirs.incarnation === own.incarnation && theirs.number === own.number;
      return rules.inForce(own, own) && rules.inForce(theirs, own) === same;
    },
  },
  {
    rule: 'keepsEarly',
    invariant: 8,
    promise: 'what is said once, and comes before its receiver can use it, is kept',
    holds: (rules) => SAID_ONCE.every((kind) => rules.keepsEarly(kind)),
  },
  {
    rule: 'givesUpJoining',
    invariant: 8,
    promise: 'a newcomer that knows of a room goes on asking',
    holds: (rules, draw) => !rules.givesUpJoining(draw(0, 3_600_000)),
  },
  {
    rule: 'readmissionMs',
    invariant: 7,
    promise: 'the first wait is short, each is twice the one before until it is long, and none is longer',
    holds: (rules, draw) => {
      const evictions = draw(1, 64);
      const [first, before, after] = [1, evictions, evictions + 1].map((times) => rules.readmissionMs(times));
      if (first === undefined || before === undefined || after === undefined) return false;
      const grows = after >= 2 * before || after >= LONG_WAIT_MS;
      return first > 0 && first <= FIRST_WAIT_MS && grows && after <= LONGEST_WAIT_MS;
    },
  },
  {
    rule: 'leavesAtOnce',
    invariant: 5,
    promise: 'whoever leaves others behind votes first',
    holds: (rules, draw) => !rules.leavesAtOnce(draw(2, 100)),
  },
  {
    rule: 'nameIncarnation',
    invariant: 5,
    promise: 'a child’s name is above its parent’s, and no two founders give the same',
    holds: (rules, draw) => {
      const depth = draw(0, isYes(draw) ? 20 : 100_000);
      const [one, other] = [member(draw(0, 9)), member(draw(10, 19))];
      const [parent, child] = [rules.nameIncarnation(depth, other), rules.nameIncarnation(depth + 1, one)];
      return isIncarnationId(child) && child > parent && rules.nameIncarnation(depth, one) !== parent;
    },
  },
  {
    rule: 'floorAfter',
    invariant: 1,
    promise: 'it is the newest generation that a voter vouches for, or the one before',
    holds: (rules, draw) => {
      const base = generationOf(draw(9, 30), draw(0, 9), many(2, memberOf));
      const all = many(draw(1, 6), () => draw(0, 30));
      return rules.floorAfter(base, all) === Math.max(base.floor, ...all);
    },
  },
  {
    rule: 'rowWidth',
    invariant: 7,
    promise: 'a room has links between all up to 64 members, and beyond, rows of two or more',
    holds: (rules, draw) => {
      const members = [draw(1, FULL_MESH), FULL_MESH, FULL_MESH + 1, draw(FULL_MESH + 1, 1024)];
      return members.every((count) => {
        const width = rules.rowWidth(count);
        return count <= FULL_MESH
          ? width === undefined
          : width !== undefined && width >= 2 && width < count && Number.isInteger(width);
      });
    },
  },
  {
    rule: 'takesWitness',
    invariant: 5,
    promise: 'with a witness that has a vote, the electorate is odd',
    holds: (rules, draw) => {
      const members = draw(1, FULL_MESH);
      return rules.takesWitness(members) === (members % 2 === 0);
    },
  },
  {
    rule: 'ranksOf',
    invariant: 3,
    promise: 'every member is a rank, once, and the witness is none',
    holds: (rules, draw) => {
      const members = many(draw(1, 6), memberOf);
      const ranks = rules.ranksOf(members, isYes(draw) ? memberOf(9) : undefined);
      return ranks.length === members.length && members.every((one) => ranks.includes(one));
    },
  },
  {
    rule: 'outlives',
    invariant: 5,
    promise:
      'of two rooms that meet one dissolves: the one that the other takes the place of, else the one with fewer steps',
    holds: (rules, draw) => {
      const [older, younger] = [drawRoom(draw, 0), drawRoom(draw, draw(1, 3))];
      const [a, b] = isYes(draw) ? [older, younger] : [younger, older];
      if (rules.outlives(a, b) === rules.outlives(b, a)) return false;
      if (replaces(younger, older)) return rules.outlives(younger, older);
      return a.committed <= b.committed || rules.outlives(a, b) || replaces(b, a);
    },
  },
];

const TRAINING: readonly Law[] = [
  {
    rule: 'share',
    invariant: 3,
    promise: 'the shares of all ranks make up the batch, each micro-batch once',
    holds: (rules, draw) => {
      const [world, microBatches] = [draw(1, 9), draw(1, 24)];
      const counts = isYes(draw) ? undefined : drawCounts(draw, world, microBatches);
      return isWhole(
        many(world, (rank) => rules.share(rank, world, microBatches, counts)).flat(),
        microBatches,
      );
    },
  },
  {
    rule: 'shareOut',
    invariant: 3,
    promise:
      'shares make up the batch, are soon done with, and leave no rank without a micro-batch for more than 32 steps',
    holds: sharesHold,
  },
  {
    rule: 'contributor',
    invariant: 3,
    promise: 'a part is its sender’s',
    holds: (rules, draw) => {
      const world = draw(1, 6);
      const generation = generationOf(1, 0, many(world, memberOf));
      const rank = draw(0, world - 1);
      return rules.contributor(generation, member(rank), draw(0, 9)) === rank;
    },
  },
  {
    rule: 'redoExponents',
    invariant: 1,
    promise: 'all ranks redo a step by the same exponents, those that were agreed on',
    holds: (rules, draw) => {
      const agreed = Int32Array.from(many(3, () => draw(90, 110)));
      // Of all ranks' own, the largest were agreed on.
      const own = agreed.map((exponent) => exponent - draw(0, 9));
      return sameNumbers(rules.redoExponents(agreed.slice(), own), agreed);
    },
  },
  {
    rule: 'leftOut',
    invariant: 1,
    promise: 'all ranks leave out the same samples: those before and the one that was agreed on',
    holds: (rules, draw) => {
      const before = many(draw(0, 6), (i) => i * 10 + draw(0, 9));
      const agreed = 100 + draw(0, 9);
      const own = isYes(draw) ? undefined : 100 + draw(0, 9);
      return sameNumbers(
        [...rules.leftOut(before, agreed, own)].sort((a, b) => a - b),
        [...before, agreed],
      );
    },
  },
  {
    rule: 'retain',
    invariant: 1,
    promise: 'what is retained is what was applied',
    holds: (rules, draw) => {
      const reduced = Int32Array.from(many(draw(8, 12), (i) => (i + 1) * draw(1, 9)));
      return sameNumbers(rules.retain(reduced.slice()).slice(0, -1), reduced.slice(0, -1));
    },
  },
];

const STATE: readonly Law[] = [
  {
    rule: 'comparedMembers',
    invariant: 1,
    promise: 'the states of all members are compared',
    holds: (rules, draw) => {
      const next = generationOf(2, 0, many(draw(1, 6), memberOf));
      const base = isYes(draw) ? undefined : generationOf(1, 0, many(draw(1, 6), memberOf));
      const compared = rules.comparedMembers(member(0), base, next);
      return next.members.every((one) => compared.includes(one.member));
    },
  },
  {
    rule: 'standingOf',
    invariant: 1,
    promise: 'a rank says of its state what it has applied, and who vouches for that',
    holds: (rules, draw) => {
      const standing = drawStanding(draw);
      const committed = { committed: Math.max(0, standing.step - draw(0, 1)), committedHash: id(99) };
      const training = { ...standing, ...committed, previousHash: id(98) } as Training;
      return isSame(rules.standingOf(training), standing);
    },
  },
  {
    rule: 'believed',
    invariant: 1,
    promise:
      'the newest that are believed have more holders than any other, and only what is disputed is not',
    holds: (rules, draw) => {
      const line = incarnation(1);
      const standings = drawStandings(draw);
      const left = told(rules.believed(standings, line));
      let rest = told(standings);
      while (rest.length > 0 && isTied(newestOf(rest, line))) {
        const disputed = newestOf(rest, line);
        rest = rest.filter((standing) => !disputed.includes(standing));
      }
      return left.length === rest.length && rest.every((standing) => left.includes(standing));
    },
  },
  {
    rule: 'target',
    invariant: 1,
    promise: 'it is the newest state, of those the one with the most holders, and they are its donors',
    holds: (rules, draw) => {
      const line = incarnation(1);
      const standings = drawStandings(draw);
      const known = told(standings);
      const found = rules.target(standings, line);
      if (found === undefined || known.length === 0) return known.length === 0 && found === undefined;
      const newest = newestOf(known, line);
      const most = Math.max(...newest.map((standing) => holders(known, standing)));
      const isIt = newest.some(
        (standing) =>
          standing.hash === found.hash &&
          standing.step === found.step &&
          vouched(standing, line) === found.lineage &&
          holders(known, standing) === most,
      );
      const donors = standings.filter(([donor]) => found.donors.includes(donor));
      return isIt && donors.length > 0 && donors.every(([, standing]) => standing?.hash === found.hash);
    },
  },
  {
    rule: 'isLost',
    invariant: 1,
    promise: 'a state is lost where none is at hand that is as new as the floor',
    holds: (rules, draw) => {
      const [lineage, floor] = [draw(0, 20), draw(0, 20)];
      const at = { step: draw(0, 9), hash: id(1) as StateHash, lineage, donors: [] };
      return rules.isLost(at, floor) === lineage < floor;
    },
  },
  {
    rule: 'keepsPiece',
    invariant: 1,
    promise: 'a piece is kept that has the bytes of the one listed',
    holds: (rules, draw) => {
      const [held, listed] = [id(draw(0, 3)), id(draw(0, 3))] as [PieceDigest, PieceDigest];
      return rules.keepsPiece(held, listed) === (held === listed);
    },
  },
  {
    rule: 'mostPieces',
    invariant: 7,
    promise: 'a list of pieces has room for a state and what goes with it, and for little more',
    holds: (rules, draw) => {
      const parameters = draw(1, isYes(draw) ? 1000 : 80_000_000);
      const pieces = Math.ceil((parameters * STATE_BYTES) / PIECE_BYTES);
      const most = rules.mostPieces(parameters);
      return most > pieces && most <= pieces + 64;
    },
  },
  {
    rule: 'orderSaved',
    invariant: 6,
    promise: 'of two checkpoints the one of the later line, generation and step is the newer',
    holds: (rules, draw) => {
      const [a, b] = [drawSaved(draw), drawSaved(draw)];
      return Math.sign(rules.orderSaved(a, b)) === Math.sign(orderOf(a, b));
    },
  },
  {
    rule: 'founder',
    invariant: 6,
    promise: 'nobody has a newer state than the one that founds',
    holds: (rules, draw) => {
      const best = drawStandings(draw);
      const chosen = best.find(([one]) => one === rules.founder(best))?.[1];
      const newest = told(best);
      if (chosen?.lineage === undefined) return newest.length === 0;
      const { lineage, step } = chosen;
      return newest.every(
        (other) =>
          other.lineage === undefined ||
          orderOf({ lineage: other.lineage, step: other.step }, { lineage, step }) <= 0,
      );
    },
  },
  {
    rule: 'preferred',
    invariant: 6,
    promise: 'a line is founded from the newer of two states',
    holds: (rules, draw) => {
      const [inMemory, saved] = [drawSaved(draw), drawSaved(draw)];
      const order = orderOf(saved, inMemory);
      return order === 0 || rules.preferred(inMemory, saved) === (order > 0 ? 'saved' : 'memory');
    },
  },
  {
    rule: 'savesWhen',
    invariant: 6,
    promise: 'a state is saved once it is committed, and not before',
    holds: (rules) => rules.savesWhen('committed') && !rules.savesWhen('applied'),
  },
];

const LEARNING: readonly Law[] = [
  {
    rule: 'learnsFirst',
    invariant: 8,
    promise: 'a newcomer that lacks more than one step learns a state of more than one piece, and no other',
    holds: (rules, draw) => {
      const lacks = draw(0, 6);
      const inOnePiece = draw(1, PIECE_BYTES / STATE_BYTES / 2);
      return rules.learnsFirst(2_000_000, lacks) === lacks > 1 && !rules.learnsFirst(inOnePiece, lacks);
    },
  },
  {
    rule: 'stopsLearning',
    invariant: 8,
    promise: 'a newcomer tries to learn, and after a few lessons that came to nothing asks as it is',
    holds: (rules) => !rules.stopsLearning(0) && rules.stopsLearning(16),
  },
  {
    rule: 'hasCaughtUp',
    invariant: 8,
    promise: 'a learner has caught up when it lacks the one step that all retain',
    holds: (rules, draw) => {
      const [step, lacks] = [draw(0, 50), draw(0, 4)];
      return rules.hasCaughtUp(step, step + lacks) === lacks <= 1;
    },
  },
  {
    rule: 'staysBehind',
    invariant: 8,
    promise: 'a learner that gets no nearer comes in as it is after the join deadline',
    holds: (rules) =>
      !rules.staysBehind(POLICIES.joinMs / 2, POLICIES) && rules.staysBehind(POLICIES.joinMs * 2, POLICIES),
  },
  {
    rule: 'vouchesForLearned',
    invariant: 1,
    promise: 'no generation vouches for a state that none has compared',
    holds: (rules, draw) => rules.vouchesForLearned(drawId(draw)) === undefined,
  },
  {
    rule: 'passesOnWhen',
    invariant: 1,
    promise: 'a gradient is passed on once all have applied it, and not before',
    holds: (rules) => rules.passesOnWhen('committed') && !rules.passesOnWhen('applied'),
  },
  {
    rule: 'keepsForLearners',
    invariant: 7,
    promise: 'a teacher keeps some gradients, and no more than it has room for',
    holds: (rules) =>
      rules.keepsForLearners(MOST_KEPT / 2, MOST_KEPT_BYTES / 2) &&
      !rules.keepsForLearners(MOST_KEPT + 1, 1) &&
      !rules.keepsForLearners(1, MOST_KEPT_BYTES + 1),
  },
];

const LAWS: readonly Law[] = [...VOTING, ...MEMBERSHIP, ...TRAINING, ...STATE, ...LEARNING];

/** What the rules promise and do not keep. The same seed draws the same arguments. */
export function brokenLaw(rules: Rules, seed: number): Pick<Violation, 'invariant' | 'sentence'> | undefined {
  const entropy = createEntropy(seed ^ 0x1a35);
  for (const { rule, invariant, promise, holds } of LAWS) {
    const draw: Draw = (low, high) => entropy.between('workload', rule, low, high);
    try {
      for (let trial = 0; trial < TRIALS; trial++)
        if (!holds(rules, draw))
          return { invariant, sentence: `The rule ${rule} does not keep what it promises: ${promise}.` };
    } catch (error) {
      return { invariant, sentence: `The rule ${rule} threw, and promises: ${promise}. ${String(error)}` };
    }
  }
  return undefined;
}

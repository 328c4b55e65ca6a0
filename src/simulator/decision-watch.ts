// Watches decisions that are wrong although nothing may come of them for a long time: each is compared with what the design says, from
// what its rank knew when it decided.

import type { Violation } from '../invariants/check.ts';
import { sameGeneration, type GenerationId, type MemberId, type SeatId } from '../ports/ids.ts';
import { compareCheckpoints, type CheckpointKey } from '../ports/store.ts';
import { electorate, isApart, isIn, membersOf, type Generation } from '../protocol/generation.ts';
import type { Effect, Event } from '../protocol/effects.ts';
import { isHeard } from '../protocol/hearing.ts';
import type { Message, SelfReport, Standing } from '../protocol/messages.ts';
import type { Rules } from '../protocol/rules.ts';
import type { Peer } from '../protocol/peer.ts';
import type { Membership, Proposal, RankState } from '../protocol/state.ts';
import { compareBallots, type Accepted } from '../protocol/votes.ts';
import type { TraceEvent } from '../trace/events.ts';
import { shortId } from '../trace/short-names.ts';

type Lapse = Pick<Violation, 'invariant' | 'sentence'> | undefined;

/** Of two lines that meet, the one with fewer committed steps dissolves, then the one with the lower id. */
function dissolved(core: RankState, own: GenerationId, before: Before): Lapse {
  const other = core.heardOf?.id;
  if (other === undefined || other.incarnation === own.incarnation) return undefined;
  if (before.membership?.generation.insteadOf?.includes(other.incarnation) === true)
    return {
      invariant: 5,
      sentence: `${shortId(core.self.member)} gave up the line that its room has agreed to go back to for the one that it had left behind.`,
    };
  // Its members have agreed to go back.
  if (core.heardOf?.insteadOf?.includes(own.incarnation) === true) return undefined;
  const told = [...core.peers.values()].flatMap(({ room }) =>
    room?.generation.id.incarnation === other.incarnation ? [room.committed] : [],
  );
  if (told.length === 0) return undefined;
  const known = core.roomCommitted;
  const mine =
    core.lost === own.incarnation
      ? 0
      : Math.max(known?.incarnation === own.incarnation ? known.committed : 0, core.training?.committed ?? 0);
  const theirs = Math.max(...told);
  if (theirs > mine || (theirs === mine && other.incarnation > own.incarnation)) return undefined;
  return {
    invariant: 5,
    sentence: `A line with ${mine} committed steps dissolved on ${shortId(core.self.member)} into one with ${theirs}, which should have given way to it.`,
  };
}

/** More than half of the seats, or the half with the lowest one. */
function isMajority(promises: Proposal['promises'], seats: readonly SeatId[]): boolean {
  const votes = seats.filter((seat) => promises.has(seat)).length;
  const [lowest] = seats;
  const isHalf = lowest !== undefined && votes * 2 === seats.length;
  return votes * 2 > seats.length || (isHalf && promises.has(lowest));
}

/** A state is saved as one of the generation that its rank is in: checkpoints are ordered by it, and a zombie's is refused by it. */
function saved(
  { self, membership }: RankState,
  before: Before,
  { generation, step }: Extract<Effect, { kind: 'checkpoint' }>,
): Lapse {
  const isOwn = [membership, before.membership].some(
    (own) => own !== undefined && sameGeneration(own.generation.id, generation),
  );
  if (isOwn) return undefined;
  return {
    invariant: 6,
    sentence: `${shortId(self.member)} saves step ${step} as one of generation ${generation.number}, which it is not in.`,
  };
}

/** Whoever is in a line that another has taken the place of, by agreement, gives it up when it hears of that one. */
function stayed(
  { membership, stopped, self }: RankState,
  before: Membership | undefined,
  event: Event,
): Lapse {
  if (event.kind !== 'message' || event.message.kind !== 'room' || stopped !== undefined) return undefined;
  const own = membership?.generation.id.incarnation;
  if (own === undefined || membership !== before) return undefined;
  if (event.message.generation.insteadOf?.includes(own) !== true) return undefined;
  return {
    invariant: 5,
    sentence: `${shortId(self.member)} stayed in a line though it heard of the one that has taken its place.`,
  };
}

/** What a proposer proposes, by the promises that it has. */
function proposed(core: RankState, value: Generation, now: number, rowWidth: Rules['rowWidth']): Lapse {
  const { self, membership } = core;
  const proposal = membership?.proposal;
  if (membership === undefined || proposal === undefined || proposal.value !== value) return undefined;
  const promises = [...proposal.promises.values()];
  const who = shortId(self.member);
  if (!isMajority(proposal.promises, electorate(membership.generation)))
    return {
      invariant: 5,
      sentence: `${who} proposed generation ${value.id.number} with ${promises.length} of ${electorate(membership.generation).length} votes, which are no majority.`,
    };
  const binding = promises.reduce<Accepted | undefined>((highest, { accepted }) => {
    if (accepted === undefined) return highest;
    return highest === undefined || compareBallots(accepted.ballot, highest.ballot) > 0 ? accepted : highest;
  }, undefined);
  if (binding !== undefined)
    return binding.value === value
      ? undefined
      : {
          invariant: 5,
          sentence: `${who} knew of a proposal that was accepted in round ${binding.ballot.round}, and proposed another generation ${value.id.number}.`,
        };
  const floor = Math.max(membership.generation.floor, ...promises.map(({ vouched }) => vouched));
  if (value.floor !== floor)
    return {
      invariant: 1,
      sentence: `${who} proposed generation ${value.id.number} with a floor of ${value.floor}, and its voters vouch for ${floor}.`,
    };
  const newcomers = new Set(promises.flatMap(({ joiners }) => joiners.map(({ member }) => member)));
  const candidates = membership.generation.members.length + newcomers.size;
  const isMesh = membership.overlay === undefined && rowWidth(candidates) === undefined;
  return isMesh ? linked(core, membership, value, now) : undefined;
}

/**
 * In a mesh: who promised and does not leave stays, unless it is out of reach; two that stay have a link that both report, or are named
 * as apart and have a member between them; and neighbours in the ring are apart only where no ring has fewer such neighbours.
 */
function linked(
  state: RankState,
  { generation, proposal }: Membership,
  value: Generation,
  now: number,
): Lapse {
  const { self, peers } = state;
  const who = shortId(self.member);
  const reports = generation.members.flatMap(({ member, seat }) => {
    const promise = proposal?.promises.get(seat);
    // One that leaves comes back as a newcomer, if at all.
    if (promise?.by !== member || promise.leaving) return [];
    // Of its own links, a proposer knows what has become of them since it promised.
    const has = (other: MemberId): boolean =>
      member === self.member ? peers.get(other)?.linked === true : promise.links.includes(other);
    return [{ member, has, stays: isIn(value, member) }];
  });
  const staying = reports.filter(({ stays }) => stays);
  for (const { member, has } of staying)
    for (const { member: other } of staying)
      if (member !== other && !has(other) && !isApart(value, member, other))
        return {
          invariant: 8,
          sentence: `${who} proposed a generation of ${shortId(member)} and ${shortId(other)}, though ${shortId(member)} has no working link with ${shortId(other)}.`,
        };
  const members = membersOf(value);
  const unreached = members.flatMap((one) =>
    members.filter((other) => one < other && isApart(value, one, other) && !isBetween(value, one, other)),
  );
  if (unreached.length > 0)
    return {
      invariant: 8,
      sentence: `${who} proposed a generation in which nobody has links with ${shortId(unreached[0] ?? self.member)} and with one that is apart from it.`,
    };
  for (const { member, has, stays } of reports) {
    // A link over which the proposer hears nothing any more is no link to it, whatever its other end says; nor is one that was bad when the
    // generation in force was chosen, before it has proved itself.
    const isSilent = (one: MemberId, other: MemberId): boolean => {
      const peer = peers.get(other);
      if (one !== self.member || peer === undefined) return false;
      // It may be silent for too long already, and the heartbeat at which that is noticed is yet to come.
      const isUnheard = peer.suspected === 'heartbeat' || !isHeard({ state, now }, peer);
      return isUnheard || isApart(generation, one, other);
    };
    const works = (other: MemberId): boolean =>
      has(other) &&
      !isSilent(member, other) &&
      !isSilent(other, member) &&
      staying.some((report) => report.member === other && report.has(member));
    const links = staying.filter(({ member: other }) => works(other));
    const isReached = staying.every(
      ({ member: other }) =>
        works(other) || links.some(({ member: between }) => !isApart(value, between, other)),
    );
    // One that leaves after its vote counts as gone by now.
    if (!stays && isReached && staying.length === members.length && staying.length > 0)
      return {
        invariant: 8,
        sentence: `${who} left ${shortId(member)} out, which had promised and is in reach of all that stay.`,
      };
  }
  return goesRound(value, who);
}

const isBetween = (value: Generation, one: MemberId, other: MemberId): boolean =>
  membersOf(value).some(
    (between) =>
      between !== one &&
      between !== other &&
      !isApart(value, between, one) &&
      !isApart(value, between, other),
  );

/** Rings of more members are not tried out. */
const MOST_TRIED = 7;

/** No order of the members has fewer neighbours that are apart, where there are few enough to try all. */
function goesRound(value: Generation, who: string): Lapse {
  const members = membersOf(value);
  if (value.apart === undefined || members.length > MOST_TRIED || members.length < 3) return undefined;
  const isGap = (one: MemberId, other: MemberId): boolean => isApart(value, one, other);
  const [first, ...rest] = members;
  if (first === undefined) return undefined;
  const has = members.filter((member, i) => isGap(member, members[(i + 1) % members.length] ?? first)).length;
  if (has === 0 || !closes(first, first, rest, isGap)) return undefined;
  return {
    invariant: 8,
    sentence: `${who} proposed a ring with ${has} neighbours that are apart, and there is one without any.`,
  };
}

/** Whether a path without a gap goes from `at` through all the others back to `start`. */
const closes = (
  start: MemberId,
  at: MemberId,
  others: readonly MemberId[],
  isGap: (one: MemberId, other: MemberId) => boolean,
): boolean =>
  others.length === 0
    ? !isGap(at, start)
    : others.some(
        (next) =>
          !isGap(at, next) &&
          closes(
            start,
            next,
            others.filter((other) => other !== next),
            isGap,
          ),
      );

/** A seat has no reason to reject the ballot that it has promised, or a higher one. */
const rejected = ({ self }: RankState, { ballot, promised }: Extract<Message, { kind: 'reject' }>): Lapse =>
  compareBallots(ballot, promised) < 0
    ? undefined
    : {
        invariant: 8,
        sentence: `${shortId(self.member)} rejected ballot ${ballot.round}, having promised none that is higher.`,
      };

/** A member goes on when the states of all were compared, with the one that came of it, and until it votes on the next generation. */
function contributed({ self, membership, training, seats }: RankState, event: TraceEvent): Lapse {
  if (membership?.target === undefined || event.kind !== 'contributed') return undefined;
  const { generation, overlay, selfReports, target } = membership;
  if (!sameGeneration(generation.id, event.generation)) return undefined;
  const who = shortId(self.member);
  const vote = seats.get(self.seat);
  if (vote?.promised !== undefined && vote.base !== undefined && sameGeneration(vote.base.id, generation.id))
    return {
      invariant: 4,
      sentence: `${who} contributed to step ${event.step} of generation ${generation.id.number}, on whose successor its seat has promised.`,
    };
  if (overlay === undefined || overlay.coordinator === self.member) {
    const unheard = membersOf(generation).find((member) => !selfReports.has(member));
    if (unheard !== undefined)
      return {
        invariant: 1,
        sentence: `${who} went on in generation ${generation.id.number} without having compared its state with that of ${shortId(unheard)}.`,
      };
  }
  if (target.lineage < generation.floor)
    return {
      invariant: 1,
      sentence: `${who} went on from a state of generation ${target.lineage}, and one of generation ${generation.floor} may have committed steps since.`,
    };
  if (training?.step === target.step && training.hash !== target.hash)
    return {
      invariant: 1,
      sentence: `${who} went on from another state of step ${target.step} than the one that its generation goes on from.`,
    };
  return undefined;
}

/** A rank that has got the generation's state goes on, and one that has not does not. */
function healed(core: RankState, membership: Membership | undefined, event: Event): Lapse {
  if (event.kind !== 'imported' && event.kind !== 'applied') return undefined;
  const { training } = core;
  if (membership === undefined || membership !== core.membership || membership.frozen) return undefined;
  const { target, synced, verdict } = membership;
  // Where the state is lost, nobody goes on in this generation.
  if (verdict?.lost !== undefined) return undefined;
  if (target === undefined || training === undefined || training.step > target.step) return undefined;
  const has = training.hash === target.hash;
  if (has === synced || core.changing !== undefined || core.foundWanted) return undefined;
  return {
    invariant: has ? 8 : 1,
    sentence: has
      ? `${shortId(core.self.member)} was healed to the state of its generation, and does not go on.`
      : `${shortId(core.self.member)} goes on with another state than that of its generation.`,
  };
}

/** A gradient that heals is the very sum that its donor applied. */
function gave(
  core: RankState,
  { step, reduced }: Extract<Message, { kind: 'gradient' }>,
  applied: Applied | undefined,
): Lapse {
  if (applied?.step !== step || reduced.every((lane, i) => lane === applied.reduced[i])) return undefined;
  return {
    invariant: 1,
    sentence: `${shortId(core.self.member)} heals with another gradient of step ${step} than it applied.`,
  };
}

type Applied = Pick<Extract<Effect, { kind: 'apply' }>, 'step' | 'reduced'>;

/** Where a state stands in history; undefined where no generation has vouched for it. */
const placeOf = (standing: Pick<Standing, 'lineage' | 'step'> | undefined): CheckpointKey | undefined =>
  standing?.lineage === undefined
    ? undefined
    : { room: '', generation: standing.lineage, step: standing.step };

const isNewer = (a: CheckpointKey, b: CheckpointKey | undefined): boolean =>
  b === undefined || compareCheckpoints(a, b) > 0;

const newestOf = (places: readonly (CheckpointKey | undefined)[]): CheckpointKey | undefined =>
  places
    .filter((place) => place !== undefined)
    .sort(compareCheckpoints)
    .at(-1);

/** What a rank tells as the best state that it has at hand is no older than what it knows to have saved. */
function toldOf({ self, saved }: RankState, best: Standing | undefined): Lapse {
  const kept = placeOf(saved);
  if (kept === undefined || !isNewer(kept, placeOf(best))) return undefined;
  return {
    invariant: 6,
    sentence: `${shortId(self.member)} told of its state of step ${best?.step ?? '-'}, and had saved a newer one, of step ${kept.step}.`,
  };
}

/**
 * Whoever founds a line has the newest state of all that it has heard of, and has looked in its browser. `found`: what was intact there when
 * it looked; undefined: it has not looked.
 */
function founded(
  core: RankState,
  before: Before,
  event: Extract<TraceEvent, { kind: 'founded' }>,
  now: number,
  found: readonly CheckpointKey[] | undefined,
): Lapse {
  const { self, saved, peers, job } = core;
  const { membership } = before;
  const who = shortId(self.member);
  if (membership !== undefined && event.generation.incarnation <= membership.generation.id.incarnation)
    return {
      invariant: 5,
      sentence: `${who} founded a line whose name is not above that of the line it comes from.`,
    };
  // What its members have agreed to go back to is older.
  if (event.why === 'rolled-back') return undefined;
  const inMemory = placeOf(before);
  // Who comes from a line goes on with that, whatever its browser holds of others.
  const ofLine = found?.filter(
    ({ generation }) =>
      inMemory === undefined ||
      membership === undefined ||
      generation.incarnation === inMemory.generation.incarnation,
  );
  const newest = newestOf([inMemory, ...(ofLine ?? [placeOf(saved)])]);
  const isOfAnother = found?.some((place) => place.step === event.step && isNewer(place, newest)) === true;
  if (newest !== undefined && newest.step !== event.step && !isOfAnother)
    return {
      invariant: 6,
      sentence: `${who} founded a line from step ${event.step}, and had a newer state, of step ${newest.step}.`,
    };
  if (event.why === 'forced') return undefined;
  const told = membership?.selfReports ?? new Map<MemberId, SelfReport>();
  const others =
    membership === undefined
      ? [...peers].flatMap(([member, { linked, join, lastHeard }]) =>
          linked && join?.member !== undefined && now - lastHeard <= (job?.policies.joinMs ?? 0)
            ? [[member, placeOf(join.standing)] as const]
            : [],
        )
      : [...(membership.verdict?.lost === undefined ? [] : told)].map(
          ([member, { best }]) => [member, placeOf(best)] as const,
        );
  // Others wait for the one that was to found by what it had told, whatever it finds in its storage.
  const best = newestOf([newest, placeOf(told.get(self.member)?.best)]);
  for (const [member, place] of others)
    if (member !== self.member && place !== undefined && isNewer(place, best) && place.step !== event.step)
      return {
        invariant: 6,
        sentence: `${who} founded a line from step ${event.step}, and ${shortId(member)} has a newer state, of step ${place.step}.`,
      };
  return undefined;
}

/** In a hierarchy only its coordinator hears what each member has at hand: whom it names to found has the newest of that. */
function named(
  { self, membership }: RankState,
  { generation, verdict }: Extract<Message, { kind: 'target' }>,
): Lapse {
  if (membership === undefined || verdict.lost === undefined) return undefined;
  // What its members have agreed to go back to is older.
  if (membership.generation.back !== undefined) return undefined;
  if (!sameGeneration(membership.generation.id, generation)) return undefined;
  const { founder } = verdict.lost;
  const chosen = founder === undefined ? undefined : placeOf(membership.selfReports.get(founder)?.best);
  for (const [member, { best }] of membership.selfReports) {
    const place = placeOf(best);
    if (place !== undefined && isNewer(place, chosen))
      return {
        invariant: 6,
        sentence: `${shortId(self.member)} named another to found than ${shortId(member)}, which has the newest state, of step ${place.step}.`,
      };
  }
  return undefined;
}

/** Readmission waits: for a while, for longer each time, and not for ever. */
const LONGEST_WAIT_MS = 60_000;
const LONG_WAIT_MS = 10_000;

function putOff(
  core: RankState,
  peer: Peer,
  before: { readonly evictions: number; readonly waitMs: number },
  waitMs: number,
): Lapse {
  const grows = peer.evictions <= 1 || waitMs > before.waitMs || waitMs >= LONG_WAIT_MS;
  if (waitMs > 0 && grows && waitMs <= LONGEST_WAIT_MS) return undefined;
  return {
    invariant: 7,
    sentence: `${shortId(core.self.member)} waits ${Math.round(waitMs)} ms before it takes one in again that was left out ${peer.evictions} times, and waited ${Math.round(before.waitMs)} ms the time before.`,
  };
}

export interface DecisionWatch {
  /** Of what a rank has told in its log. */
  recorded(core: RankState, before: Before, event: TraceEvent, now: number): Lapse;
  said(core: RankState, message: Message, now: number): Lapse;
  /** Of what it asks of its engine. */
  asked(core: RankState, before: Before, effect: Effect): Lapse;
  /** Of a step that has been taken, with all that it asked for. */
  stepped(core: RankState, before: Before, event: Event): Lapse;
}

/** What a rank was a member of, and had, before it took a step. */
export interface Before {
  readonly membership: Membership | undefined;
  readonly lineage: GenerationId | undefined;
  readonly step: number;
}

export const beforeDecision = ({ membership, training }: RankState): Before => ({
  membership,
  lineage: training?.lineage,
  step: training?.step ?? 0,
});

/**
 * `rowWidth`: from how many members on a generation is a hierarchy, whose members have links with few others. `intact`: the checkpoints in
 * a rank's browser that verify.
 */
export function createDecisionWatch(
  rowWidth: Rules['rowWidth'],
  intact: (member: MemberId) => readonly Standing[],
): DecisionWatch {
  const checked = new WeakSet<Proposal>();
  /** Of ranks that are about to found: what their browser held when they looked. */
  const found = new WeakMap<RankState, readonly CheckpointKey[]>();
  /** A rank that has seen the job's last state committed, and has not saved it yet. */
  let hasToSave: RankState | undefined;
  const applied = new WeakMap<RankState, Applied>();
  const waits = new WeakMap<Peer, { readonly evictions: number; readonly waitMs: number }>();

  function readmissions(core: RankState, now: number): Lapse {
    for (const peer of core.peers.values()) {
      if (peer.evictions === 0) continue;
      const before = waits.get(peer) ?? { evictions: 0, waitMs: 0 };
      if (peer.evictions === before.evictions) continue;
      const waitMs = peer.readmitAt - now;
      waits.set(peer, { evictions: peer.evictions, waitMs });
      const lapse = peer.evictions === before.evictions + 1 ? putOff(core, peer, before, waitMs) : undefined;
      if (lapse !== undefined) return lapse;
    }
    return undefined;
  }

  return {
    recorded(core, before, event, now) {
      if (event.kind === 'contributed') return contributed(core, event);
      if (event.kind === 'left' && event.why === 'dissolved')
        return dissolved(core, event.generation, before);
      if (event.kind === 'installed') {
        const own = core.membership?.selfReports.get(core.self.member);
        return readmissions(core, now) ?? (own && toldOf(core, own.best));
      }
      if (event.kind === 'founded') {
        const read = found.get(core);
        found.delete(core);
        return founded(core, before, event, now, read);
      }
      const isLast = event.kind === 'committed' && event.step > 0 && event.step === core.job?.steps;
      if (isLast && core.membership?.barrierDone === event.step) hasToSave = core;
      return undefined;
    },
    said(core, message, now) {
      if (message.kind === 'gradient') return gave(core, message, applied.get(core));
      if (message.kind === 'reject') return rejected(core, message);
      if (message.kind === 'join') return toldOf(core, message.standing);
      if (message.kind === 'target') return named(core, message);
      const proposal = core.membership?.proposal;
      // Once for each ballot: what is proposed may have been proposed before.
      if (message.kind !== 'accept' || proposal === undefined || checked.has(proposal)) return undefined;
      checked.add(proposal);
      return proposed(core, message.value, now, rowWidth);
    },
    asked(core, before, effect) {
      if (effect.kind === 'apply') applied.set(core, effect);
      if (effect.kind === 'restore')
        found.set(
          core,
          intact(core.self.member).flatMap((standing) => placeOf(standing) ?? []),
        );
      if (effect.kind !== 'checkpoint') return undefined;
      hasToSave = undefined;
      return saved(core, before, effect);
    },
    stepped(core, { membership }, event) {
      if (hasToSave === core) {
        hasToSave = undefined;
        return {
          invariant: 6,
          sentence: `${shortId(core.self.member)} saw the last state of its job committed, and did not save it.`,
        };
      }
      return stayed(core, membership, event) ?? healed(core, membership, event);
    },
  };
}

// The design's invariants as checkers over events. Fed one record at a time, in any interleaving of the members' logs that
// keeps each log's own order: live one log, in the simulator after every event, and on merged logs.

import type { GenerationId, IncarnationId, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { Ballot, TraceRecord } from '../trace/events.ts';
import { shortId } from '../trace/short-names.ts';

export interface Violation {
  /** The number of the invariant in the design. */
  readonly invariant: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly sentence: string;
  readonly record: TraceRecord;
}

export interface CheckOptions {
  /** Records of dead tabs may be missing: what only a whole log shows is not held against anybody. */
  readonly partial?: boolean;
  /** Hash after each number of updates in the fault-free single-rank run: `reference.at(s)`. Absent: exactness is not checked. */
  readonly reference?: Pick<readonly StateHash[], 'at'>;
}

interface MemberHistory {
  generation: GenerationId | undefined;
  members: readonly MemberId[];
  /** Updates applied, as far as its log says. */
  step: number | undefined;
  hash: StateHash | undefined;
  /** Applied a step which others may redo with other bits: must heal before it contributes, if they do. */
  appliedIn: GenerationId | undefined;
  contributed:
    { readonly generation: GenerationId; readonly step: number; readonly attempt: number } | undefined;
  /** Where the state in its memory was last committed; undefined once that may be lost. */
  inMemory: { readonly incarnation: IncarnationId; readonly step: number } | undefined;
  /** Whether it has voted on the successor of the generation in force. */
  voted: boolean;
  /** Peers that are known to be gone for good. */
  gone: ReadonlySet<MemberId>;
  /** A goodbye that has been heard and not acted on yet. */
  unheeded: { readonly peer: MemberId; readonly at: number } | undefined;
}

interface Ballots {
  promised: Ballot | undefined;
  readonly votes: Map<string, string>;
}

/** What the checkers remember, as plain data: it can be cloned with `cloneChecks`, which exploration does at each branch. */
export interface Checks {
  readonly members: Map<MemberId, MemberHistory>;
  /** Hash of each committed state, by incarnation and step. */
  readonly committed: Map<string, { readonly hash: StateHash; readonly by: MemberId }>;
  readonly generations: Map<string, { readonly text: string; readonly by: MemberId }>;
  readonly ballots: Map<string, Ballots>;
  readonly chosen: Map<string, string>;
  readonly saved: Map<string, GenerationId>;
  /** The step that each generation goes on from. */
  readonly firstSteps: Map<string, { readonly step: number; readonly by: MemberId }>;
  /** By incarnation: the newest committed step, and the generation in which it was. */
  readonly newest: Map<IncarnationId, { readonly step: number; readonly number: number }>;
  /** What donors had when they gave: by donor, receiver and step. */
  readonly donated: Map<string, StateHash>;
}

export const newChecks = (): Checks => ({
  members: new Map(),
  committed: new Map(),
  generations: new Map(),
  ballots: new Map(),
  chosen: new Map(),
  saved: new Map(),
  firstSteps: new Map(),
  newest: new Map(),
  donated: new Map(),
});

export const cloneChecks = (checks: Checks): Checks => ({
  members: new Map([...checks.members].map(([member, history]) => [member, { ...history }])),
  committed: new Map(checks.committed),
  generations: new Map(checks.generations),
  ballots: new Map(
    [...checks.ballots].map(([key, b]) => [key, { promised: b.promised, votes: new Map(b.votes) }]),
  ),
  chosen: new Map(checks.chosen),
  saved: new Map(checks.saved),
  firstSteps: new Map(checks.firstSteps),
  newest: new Map(checks.newest),
  donated: new Map(checks.donated),
});

export interface Checker {
  /** Returns the violations that this record shows. */
  observe(record: TraceRecord): readonly Violation[];
  readonly violations: readonly Violation[];
}

const NONE: readonly Violation[] = [];

const nameOf = ({ member }: TraceRecord): string => shortId(member);

const key = (generation: GenerationId): string => `${generation.incarnation}/${generation.number}`;

/** A list that all members of a generation report is joined once. */
const texts = new WeakMap<readonly MemberId[], string>();
function listText(members: readonly MemberId[]): string {
  let text = texts.get(members);
  if (text === undefined) {
    text = members.join(' ');
    texts.set(members, text);
  }
  return text;
}

const ballotOrder = (a: Ballot, b: Ballot): number =>
  a.round - b.round || (a.proposer < b.proposer ? -1 : a.proposer > b.proposer ? 1 : 0);

export function createChecker(options: CheckOptions = {}, checks: Checks = newChecks()): Checker {
  const { members, committed, generations, ballots, chosen, saved, firstSteps, newest, donated } = checks;
  const violations: Violation[] = [];

  const historyOf = (member: MemberId): MemberHistory => {
    let history = members.get(member);
    if (history === undefined) {
      history = {
        generation: undefined,
        members: [],
        step: undefined,
        hash: undefined,
        appliedIn: undefined,
        contributed: undefined,
        inMemory: undefined,
        voted: false,
        gone: new Set(),
        unheeded: undefined,
      };
      members.set(member, history);
    }
    return history;
  };

  /** What is looked at: violations are of it. */
  let observed: TraceRecord | undefined;
  function violate(invariant: Violation['invariant'], sentence: string): void {
    if (observed !== undefined) violations.push({ invariant, sentence, record: observed });
  }

  function reach(history: MemberHistory, step: number, hash: StateHash): void {
    history.step = step;
    history.hash = hash;
  }

  function exact(record: TraceRecord, step: number, hash: StateHash): void {
    const expected = options.reference?.at(step);
    if (expected !== undefined && expected !== hash)
      violate(
        2,
        `The state after ${step} steps on ${nameOf(record)} is not that of the fault-free single-rank run.`,
      );
  }

  /** The incarnation in which this state was committed, if it was. */
  function committedIn(step: number, hash: StateHash): string | undefined {
    for (const [place, state] of committed)
      if (state.hash === hash && place.endsWith(`/${step}`)) return place.slice(0, place.lastIndexOf('/'));
    return undefined;
  }

  function observe(record: TraceRecord): readonly Violation[] {
    const already = violations.length;
    observed = record;
    const history = historyOf(record.member);
    const { event } = record;

    const { unheeded } = history;
    // A live rank reads its clock for every record: what it does about a goodbye may bear the next millisecond.
    const isHeeded = event.kind === 'suspected' && event.peer === unheeded?.peer;
    if (unheeded !== undefined && record.at > unheeded.at && !isHeeded) {
      violate(
        7,
        `${nameOf(record)} heard the goodbye of ${shortId(unheeded.peer)} and did nothing about it.`,
      );
      history.unheeded = undefined;
    }

    switch (event.kind) {
      case 'linkDown':
        // A page that says goodbye is gone for good, and nobody waits for it any longer.
        if (event.evidence !== 'goodbye') break;
        if (!history.gone.has(event.peer) && history.members.includes(event.peer))
          history.unheeded = { peer: event.peer, at: record.at };
        history.gone = new Set([...history.gone, event.peer]);
        break;
      case 'suspected':
        if (history.unheeded?.peer === event.peer) history.unheeded = undefined;
        if (event.evidence === 'lock-released') history.gone = new Set([...history.gone, event.peer]);
        break;
      case 'stopped':
        if (event.reason === 'left' && history.members.length > 1 && !history.voted)
          violate(8, `${nameOf(record)} left without a vote on the generation that goes on without it.`);
        history.members = [];
        break;
      case 'installed': {
        history.generation = event.generation;
        history.members = event.members;
        history.voted = false;
        history.contributed = undefined;
        if (event.witness !== undefined && event.seats.includes(event.witness))
          violate(
            5,
            `Generation ${event.generation.number} has its witness among its members: it has two votes.`,
          );
        // All have agreed to go back: what they have in memory is given up.
        if (event.back !== undefined) history.inMemory = undefined;
        const text = `${listText(event.members)} ${event.witness ?? ''} ${event.back ?? ''}`;
        const before = generations.get(key(event.generation));
        if (before === undefined) generations.set(key(event.generation), { text, by: record.member });
        else if (before.text !== text)
          violate(
            5,
            `Generation ${event.generation.number} has other members on ${nameOf(record)} than on ${shortId(before.by)}.`,
          );
        break;
      }
      case 'left':
        history.generation = undefined;
        history.members = [];
        break;
      case 'chosen': {
        const before = chosen.get(key(event.generation));
        if (before === undefined) chosen.set(key(event.generation), event.value);
        else if (before !== event.value)
          violate(
            5,
            `Generation ${event.generation.number} got two successors: ${before} and ${event.value}.`,
          );
        break;
      }
      case 'promised':
      case 'voted':
        history.voted = true;
        vote(
          event.kind,
          event.generation,
          event.seat,
          event.ballot,
          event.kind === 'voted' ? event.value : '',
          event.stored,
        );
        break;
      case 'contributed':
        if (history.generation === undefined || !sameGeneration(history.generation, event.generation))
          violate(
            4,
            `${nameOf(record)} contributed to generation ${event.generation.number}, which is not in force there.`,
          );
        if (history.step !== undefined && history.step !== event.step)
          violate(
            3,
            `${nameOf(record)} contributed to step ${event.step} with ${history.step} steps applied.`,
          );
        goesOnFrom(event.generation, event.step, record.member, history.contributed === undefined);
        if (history.contributed?.step === event.step && history.contributed.attempt === event.attempt)
          violate(3, `${nameOf(record)} contributed twice to step ${event.step} in one generation.`);
        history.contributed = event;
        break;
      case 'applied': {
        if (history.step !== undefined && history.step !== event.step)
          violate(3, `${nameOf(record)} applied step ${event.step} with ${history.step} steps applied.`);
        const wrong = event.counts.findIndex((count) => count !== 1);
        if (wrong >= 0)
          violate(
            3,
            `The gradient of step ${event.step} holds micro-batch ${wrong} ${event.counts[wrong]} times.`,
          );
        reach(history, event.step + 1, event.hash);
        break;
      }
      case 'committed': {
        if (history.generation === undefined || !sameGeneration(history.generation, event.generation))
          violate(
            4,
            `${nameOf(record)} committed in generation ${event.generation.number}, which is not in force there.`,
          );
        if (
          history.step !== undefined &&
          (history.step !== event.step || (history.hash !== undefined && history.hash !== event.hash))
        )
          violate(
            1,
            `${nameOf(record)} committed ${event.step} steps with another state than it had applied.`,
          );
        const place = `${event.generation.incarnation}/${event.step}`;
        const before = committed.get(place);
        if (before === undefined) committed.set(place, { hash: event.hash, by: record.member });
        else if (before.hash !== event.hash)
          violate(
            1,
            `${nameOf(record)} and ${shortId(before.by)} committed step ${event.step} with different states.`,
          );
        exact(record, event.step, event.hash);
        reach(history, event.step, event.hash);
        history.inMemory = { incarnation: event.generation.incarnation, step: event.step };
        const { incarnation, number } = event.generation;
        if (event.step > (newest.get(incarnation)?.step ?? -1))
          newest.set(incarnation, { step: event.step, number });
        break;
      }
      case 'founded':
        // A founder without its former state (a lost GPU) starts from what it could restore.
        if (history.step !== event.step) {
          history.step = event.step;
          history.hash = undefined;
        }
        newest.set(event.generation.incarnation, { step: event.step, number: event.generation.number });
        break;
      case 'engine':
        // The state went with the device: the rank is before step 0 until it heals or restores.
        if (event.lost === true) {
          history.step = undefined;
          history.hash = undefined;
          history.contributed = undefined;
          history.inMemory = undefined;
        }
        break;
      case 'donated':
        if (history.hash !== undefined && history.step === event.step)
          donated.set(`${record.member}>${event.to}/${event.step}`, history.hash);
        break;
      case 'healed': {
        const given = donated.get(`${event.donor}>${record.member}/${event.step}`);
        if (given !== undefined && given !== event.hash)
          violate(
            1,
            `${nameOf(record)} was healed to another state of step ${event.step} than its donor has.`,
          );
        reach(history, event.step, event.hash);
        history.inMemory = undefined;
        break;
      }
      case 'learned': {
        const truth = committed.get(`${event.generation.incarnation}/${event.step}`);
        if (truth?.hash !== event.hash && (truth !== undefined || options.partial !== true))
          violate(
            1,
            `${nameOf(record)} learned a state of step ${event.step} that the room of ${shortId(event.teacher)} has not committed.`,
          );
        exact(record, event.step, event.hash);
        reach(history, event.step, event.hash);
        history.inMemory = undefined;
        break;
      }
      case 'restored': {
        // A save can have landed before its rank hears of it: then the state is one that was committed.
        const from =
          saved.get(`${event.step}/${event.hash}`)?.incarnation ?? committedIn(event.step, event.hash);
        if (saved.size > 0 && from === undefined)
          violate(
            6,
            `${nameOf(record)} restored a state of step ${event.step} that no rank had saved or committed.`,
          );
        const { inMemory } = history;
        if (inMemory !== undefined && from === inMemory.incarnation && event.step < inMemory.step)
          violate(
            6,
            `${nameOf(record)} went back to a saved state of step ${event.step}, with ${inMemory.step} steps committed in memory.`,
          );
        history.inMemory = undefined;
        exact(record, event.step, event.hash);
        reach(history, event.step, event.hash);
        break;
      }
      case 'checkpointed': {
        saved.set(`${event.step}/${event.hash}`, event.generation);
        const truth = committed.get(`${event.generation.incarnation}/${event.step}`);
        if (truth === undefined)
          violate(6, `${nameOf(record)} saved step ${event.step}, which was not committed.`);
        else if (truth.hash !== event.hash)
          violate(6, `${nameOf(record)} saved step ${event.step} with another state than was committed.`);
        break;
      }
      case 'violated':
        if (event.invariant >= 1 && event.invariant <= 8)
          violate(event.invariant as Violation['invariant'], event.sentence);
        break;
      // What these say, others confirm or deny.
      case 'aborted':
      case 'checkpointFailed':
      case 'checkpointSkipped':
      case 'heldUp':
      case 'sampleRefused':
      case 'quarantined':
      case 'exactness':
      case 'faultHealed':
      case 'faultInjected':
      case 'linkUp':
      case 'linkCarried':
      case 'overflowed':
      case 'coloured':
      case 'learns':
      case 'lessonOver':
      case 'phase':
      case 'prepared':
      case 'refused':
      case 'turnedAway':
      case 'rejected':
      case 'resent':
      case 'stalled':
      case 'seatAcquired':
      case 'waitingForQuorum':
        break;
    }
    return violations.length === already ? NONE : violations.slice(already);
  }

  /** All members of a generation go on from the same step: each one's first contribution is to it. */
  function goesOnFrom(generation: GenerationId, step: number, member: MemberId, isFirst: boolean): void {
    const before = firstSteps.get(key(generation));
    if (before === undefined) {
      firstSteps.set(key(generation), { step, by: member });
      const last = newest.get(generation.incarnation);
      // Whoever has applied a step has seen the one before committed.
      if (options.partial !== true && last !== undefined && step > last.step + 1)
        violate(
          1,
          `Generation ${generation.number} goes on from step ${step}: its line had come to ${last.step} steps, and one more at most.`,
        );
      if (last !== undefined && last.number < generation.number && step < last.step)
        violate(
          1,
          `Generation ${generation.number} goes on from step ${step}: ${last.step} had been committed in generation ${last.number}.`,
        );
    } else if (isFirst && before.step !== step)
      violate(
        3,
        `In generation ${generation.number}, ${shortId(member)} goes on from step ${step} and ${shortId(before.by)} from ${before.step}.`,
      );
  }

  function vote(
    kind: 'promised' | 'voted',
    generation: GenerationId,
    seat: SeatId,
    ballot: Ballot,
    value: string,
    stored: boolean,
  ): void {
    const place = `${key(generation)}/${seat}`;
    let history = ballots.get(place);
    if (history === undefined) {
      history = { promised: undefined, votes: new Map() };
      ballots.set(place, history);
    }
    const name = `Seat ${shortId(seat)}`;
    if (!stored) violate(6, `${name} sent a vote that was not stored.`);
    if (history.promised !== undefined && ballotOrder(ballot, history.promised) < 0)
      violate(6, `${name} went back on a promise in generation ${generation.number}.`);
    history.promised = ballot;
    if (kind === 'promised') return;
    const slot = `${ballot.round}/${ballot.proposer}`;
    const before = history.votes.get(slot);
    if (before !== undefined && before !== value) violate(6, `${name} voted for two values in one ballot.`);
    history.votes.set(slot, value);
  }

  return { observe, violations };
}

/** Checks merged logs of live ranks, in order of time where their clocks allow. A dead tab has taken its newest records along. */
export function checkLogs(records: readonly TraceRecord[], options: CheckOptions = {}): readonly Violation[] {
  const checker = createChecker({ ...options, partial: true });
  for (const record of records) checker.observe(record);
  return checker.violations;
}

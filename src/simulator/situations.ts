// Named situations: places in a run where protocols go wrong. Counting them shows that the search comes to all of them.

import type { GenerationId, MemberId } from '../ports/ids.ts';
import type { Message } from '../protocol/messages.ts';
import type { Phase, TraceRecord } from '../trace/events.ts';
import type { Host } from './host.ts';

export const SITUATIONS = [
  'donor dies in mid-heal',
  'heal goes on with another donor',
  'healing rank dies',
  'heal by gradient',
  'heal by state',
  'zombie rejected',
  'vote pending at a crash',
  'vote not stored',
  'seat taken over',
  'two proposals for one generation',
  'proposer dies in mid-vote',
  'accepted proposal proposed again',
  'commit heard by only one',
  'applied step redone',
  'step aborted',
  'newcomer during a regroup',
  'founder dies',
  'founder leaves in order',
  'two incarnations meet',
  'state lost below the floor',
  'resumed from a checkpoint',
  'checkpoint refused',
  'no quorum',
  'forced on',
  'evicted while alive',
  'part sent again',
  'damaged message',
  'device lost while reducing',
  'leaves its place and comes back',
  'several die at once',
  'exact half goes on',
  'witness decides',
  'goes back as agreed',
  'founder of a roll-back gone before it founds',
  'learns beside the ring',
  'teacher dies in mid-lesson',
  'learns again of another teacher',
  'learner falls back',
  'learner catches up',
] as const;
export type Situation = (typeof SITUATIONS)[number];

export interface SituationWatch {
  record(record: TraceRecord): void;
  /** A message has arrived. */
  message(from: Host, to: Host, message: Message): void;
  /** A vote could not be stored. */
  unstored(): void;
  /** A page is about to die. */
  death(host: Host, pendingVotes: number, at: number): void;
  readonly counts: ReadonlyMap<Situation, number>;
}

const keyOf = (generation: GenerationId): string => `${generation.incarnation}/${generation.number}`;

export function watchSituations(pageOf: (member: MemberId) => Host | undefined): SituationWatch {
  const counts = new Map<Situation, number>();
  const count = (situation: Situation): void => {
    counts.set(situation, (counts.get(situation) ?? 0) + 1);
  };
  const proposers = new Map<string, Set<string>>();
  const values = new Map<string, string>();
  const committedBy = new Map<string, Set<MemberId>>();
  const members = new Map<string, readonly MemberId[]>();
  const witnessed = new Set<string>();
  const appliedSteps = new Map<MemberId, number>();
  const evicted = new Set<MemberId>();
  const founders = new Set<MemberId>();
  const phases = new Map<MemberId, Phase>();
  const lastCommit = new Map<string, { step: number; by: Set<MemberId> }>();
  const teachers = new Map<MemberId, MemberId>();
  let lastDeath = -1;

  function newGeneration(event: Extract<TraceRecord['event'], { kind: 'installed' }>): void {
    const key = keyOf(event.generation);
    if (members.has(key)) return;
    members.set(key, event.members);
    if (event.witness !== undefined) witnessed.add(key);
    if (event.base === undefined || event.base.incarnation !== event.generation.incarnation) return;
    const base = members.get(keyOf(event.base));
    if (base === undefined) return;
    const staying = event.members.filter((member) => base.includes(member)).length;
    if (base.length > 1 && staying * 2 === base.length)
      count(witnessed.has(keyOf(event.base)) ? 'witness decides' : 'exact half goes on');
    const last = lastCommit.get(keyOf(event.base));
    if (last?.by.size === 1 && base.length > 1) count('commit heard by only one');
  }

  return {
    counts,
    record({ member, event }) {
      switch (event.kind) {
        case 'healed':
          count(event.by === 'gradient' ? 'heal by gradient' : 'heal by state');
          appliedSteps.delete(member);
          break;
        case 'learns':
          count(
            (teachers.get(member) ?? event.teacher) === event.teacher
              ? 'learns beside the ring'
              : 'learns again of another teacher',
          );
          teachers.set(member, event.teacher);
          break;
        case 'lessonOver':
          if (event.why === 'teacher-gone') count('teacher dies in mid-lesson');
          if (event.why === 'caught-up') count('learner catches up');
          if (event.why === 'come-in') count('learner falls back');
          break;
        case 'rejected':
          if (event.reason === 'malformed') count('damaged message');
          else if (event.reason === 'fenced' && ['part', 'standing', 'accept'].includes(event.message))
            count('zombie rejected');
          break;
        case 'seatAcquired':
          count('seat taken over');
          break;
        case 'prepared': {
          const key = keyOf(event.generation);
          const known = proposers.get(key) ?? new Set();
          if (known.size === 1 && !known.has(event.ballot.proposer))
            count('two proposals for one generation');
          proposers.set(key, known.add(event.ballot.proposer));
          break;
        }
        case 'voted': {
          const key = `${keyOf(event.generation)}=${event.value}`;
          const before = values.get(key);
          const ballot = `${event.ballot.round}/${event.ballot.proposer}`;
          if (before !== undefined && before !== ballot) count('accepted proposal proposed again');
          values.set(key, ballot);
          break;
        }
        case 'committed': {
          const key = `${keyOf(event.generation)}@${event.step}`;
          const by = committedBy.get(key) ?? new Set();
          by.add(member);
          committedBy.set(key, by);
          lastCommit.set(keyOf(event.generation), { step: event.step, by });
          break;
        }
        case 'applied': {
          const before = appliedSteps.get(member);
          if (before !== undefined && before >= event.step) count('applied step redone');
          appliedSteps.set(member, event.step);
          break;
        }
        case 'aborted':
          count('step aborted');
          break;
        case 'installed':
          newGeneration(event);
          if (evicted.delete(member)) count('leaves its place and comes back');
          break;
        case 'founded':
          founders.add(member);
          if (event.why === 'forced') count('forced on');
          if (event.why === 'rolled-back') count('goes back as agreed');
          if (event.why === 'resumed' && pageOf(member)?.core.membership !== undefined)
            count('state lost below the floor');
          break;
        case 'restored':
          count('resumed from a checkpoint');
          break;
        case 'checkpointFailed':
          count('checkpoint refused');
          break;
        case 'left':
          if (event.why === 'dissolved') count('two incarnations meet');
          if (event.why === 'evicted') {
            count('evicted while alive');
            evicted.add(member);
          }
          break;
        case 'waitingForQuorum':
          count('no quorum');
          break;
        case 'resent':
          count('part sent again');
          break;
        case 'engine':
          if (event.lost === true && phases.get(member) === 'reducing') count('device lost while reducing');
          break;
        case 'stopped':
          if (event.reason === 'left' && founders.has(member)) count('founder leaves in order');
          break;
        case 'phase':
          phases.set(member, event.phase);
          break;
        case 'checkpointed':
        case 'checkpointSkipped':
        case 'heldUp':
        case 'sampleRefused':
        case 'quarantined':
        case 'chosen':
        case 'contributed':
        case 'donated':
        case 'learned':
        case 'exactness':
        case 'faultHealed':
        case 'faultInjected':
        case 'linkDown':
        case 'linkUp':
        case 'linkCarried':
        case 'overflowed':
        case 'promised':
        case 'refused':
        case 'turnedAway':
        case 'coloured':
        case 'stalled':
        case 'suspected':
        case 'violated':
          break;
      }
    },
    message(_from, to, message) {
      // It has pieces of the state already: from a donor that is gone, or too slow.
      if (message.kind === 'heal' && message.piece > 0) count('heal goes on with another donor');
      if (message.kind === 'join' && to.core.membership?.frozen === true) count('newcomer during a regroup');
    },
    unstored() {
      count('vote not stored');
    },
    death(host, pendingVotes, at) {
      const { core } = host;
      if (pendingVotes > 0) count('vote pending at a crash');
      if (founders.has(host.member)) count('founder dies');
      if (core.phase === 'healing') count('healing rank dies');
      if (core.membership?.proposal !== undefined) count('proposer dies in mid-vote');
      if (core.membership?.generation.back?.founder === host.member)
        count('founder of a roll-back gone before it founds');
      if (core.membership !== undefined && core.membership.healRequests.size > 0)
        count('donor dies in mid-heal');
      else if (
        core.membership?.generation.members.some(({ member }) => {
          const other = pageOf(member)?.core;
          return (
            other?.phase === 'healing' && other.membership?.target?.donors.includes(host.member) === true
          );
        }) === true
      )
        count('donor dies in mid-heal');
      if (lastDeath >= 0 && at - lastDeath < 50) count('several die at once');
      lastDeath = at;
    },
  };
}

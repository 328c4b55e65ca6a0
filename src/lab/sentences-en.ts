// Every event of the vocabulary as an English sentence. The rank that reports it is the subject and stands before it as a badge.

import type { Evidence } from '../ports/network.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Exactness, Operation, Phase, Stall, StopReason, TraceEvent } from '../trace/events.ts';
import { bytes, loss, percent, shortHash, shortId, span } from './format.ts';
import { ENGLISH_SETTINGS } from '../faults/setting-words.ts';
import { faultText, list, listPairs, lookUp, say, who } from './sentence.ts';
import type { Sentence } from './sentence.ts';
import { english as words } from './words-en.ts';

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  goodbye: 'it said goodbye',
  'lock-released': 'the browser released its lock',
  heartbeat: 'its heartbeat stopped',
  ice: 'the connection failed',
  'channel-closed': 'its channel closed',
  progress: 'the all-reduce waits for it',
  misbehaved: 'it broke the protocol',
  leave: 'it is leaving',
};

const PHASES: Readonly<Record<Phase, string>> = {
  starting: 'Starting',
  joining: 'Joining',
  regrouping: 'Regrouping',
  healing: 'Healing',
  idle: 'Ready',
  computing: 'Computing',
  reducing: 'All-reducing',
  applying: 'Applying',
  done: 'Done',
  stuck: 'Stuck',
  stopped: 'Stopped',
};

const STOPPED: Readonly<Record<StopReason, string>> = {
  'non-finite': 'a number was not finite',
  data: 'too many samples are bad',
  refused: 'the room refused it',
  'engine-lost': 'its engine was lost',
  left: 'it left the room',
  invariant: 'an invariant did not hold',
};

const seats = (ids: readonly string[]): string => ids.map((id) => `seat ${shortId(id)}`).join(', ');
const ranks = (count: number): string => (count === 1 ? '1 rank' : `${count} ranks`);

function exactnessSentence(promise: Exactness): string {
  switch (promise.kind) {
    case 'exact':
      return 'The state is promised to equal an undisturbed single-rank run.';
    case 'unpromised':
      return `Since step ${promise.since} the ranks agree, but equality with another run is not promised: their engines round differently.`;
  }
}

type Of<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { readonly kind: Kind }>;

function founded(event: Of<'founded'>): Sentence {
  switch (event.why) {
    case 'new':
      return say`opened the room: generation ${event.generation.number}, alone.`;
    case 'resumed':
      return say`took the room up again at step ${event.step}: nobody else was reachable.`;
    case 'forced':
      return say`was told to go on without a majority: a new incarnation from step ${event.step}.`;
    case 'rolled-back':
      return say`took the room back to step ${event.step}, as its members agreed: a new incarnation.`;
  }
}

const apart = ({ apart: pairs = [] }: Of<'installed'>): Sentence =>
  pairs.length === 0
    ? []
    : say` No link works between ${listPairs(pairs, ' and ')}: the ring goes round that, or others carry.`;

function left(event: Of<'left'>): Sentence {
  switch (event.why) {
    case 'evicted':
      return say`is no longer a member: generation ${event.generation.number} is over for it.`;
    case 'dissolved':
      return say`gave up generation ${event.generation.number}: another incarnation of this room has committed more.`;
    case 'leave':
      return say`left generation ${event.generation.number} in order.`;
  }
}

function lessonOver({ teacher, step, why }: Of<'lessonOver'>): Sentence {
  switch (why) {
    case 'caught-up':
      return say`has caught up with ${who(teacher)} at step ${step}, and asks for its place.`;
    case 'stays-behind':
      return say`follows ${who(teacher)} and gets no nearer, at step ${step}: asks for its place as it is.`;
    case 'come-in':
      return say`was told by ${who(teacher)} to ask for its place at once.`;
    case 'ask-another':
      return say`gets no more lessons from ${who(teacher)}, and asks another.`;
    case 'teacher-gone':
      return say`lost ${who(teacher)}, of whom it learned, and asks another.`;
    case 'silent':
      return say`hears nothing more of what it learns from ${who(teacher)}, and asks another.`;
    case 'differs':
      return say`came to another state than ${who(teacher)} had announced, and asks another.`;
  }
}

function rejected(event: Of<'rejected'>): Sentence {
  switch (event.reason) {
    case 'fenced':
      return say`fenced off ${event.message} from ${who(event.from)}: it belongs to another generation.`;
    case 'malformed':
      return say`refused ${event.message} from ${who(event.from)}: it is malformed.`;
    case 'unexpected':
      return say`ignored ${event.message} from ${who(event.from)}: nothing waited for it.`;
  }
}

/** What is waited for of somebody. */
const OWED: Readonly<Record<Operation, (bucket: number | undefined) => string>> = {
  contribution: (bucket) =>
    bucket === undefined ? 'its gradient' : `its gradient, from bucket ${bucket} on,`,
  'all-reduce': (bucket) => (bucket === undefined ? 'its share of the sum' : `its share of bucket ${bucket}`),
  barrier: () => 'its word at the barrier',
  apply: () => 'its update',
  standing: () => 'its word on where its state stands',
  heal: () => 'the state',
  vote: () => 'its vote',
};

/** `time` is how long it has been so. */
function lack({ operation, bucket, cause }: Stall, time: string | undefined): string {
  const owed = OWED[operation](bucket);
  const since = time === undefined ? '' : ` for ${time}`;
  switch (cause) {
    case 'missing':
      return `${owed} is missing${since}`;
    case 'slow':
      return `${owed} takes longer than usual${time === undefined ? '' : `, ${time} so far`}`;
    case 'different-operation':
      return `${owed} does not come${since}: it is at something else`;
    case 'different-size':
      return `${owed} has another size than it should${since}`;
    case 'different-state':
      return 'its state differs from that of the others';
  }
}

/** A stall as it stands, of the rank `by`, which may wait for its own engine. */
function stallSentence(stall: Stall, by: MemberId): Sentence {
  const { step, attempt, peer, said, forMs } = stall;
  const where = attempt > 0 ? `Step ${step}, done again,` : `Step ${step}`;
  if (peer === by) return say`${where} waits for the engine of ${who(by)}: ${lack(stall, span(forMs))}.`;
  const last =
    said === undefined
      ? ''
      : `; it last said, ${span(said.agoMs)} ago: ${PHASES[said.phase].toLowerCase()} at step ${said.step}`;
  return say`${where} waits for ${who(peer)}: ${lack(stall, span(forMs))}${last}.`;
}

/** The event as a sentence without its subject, which is `by`. */
function sentenceOf(event: TraceEvent, by?: MemberId): Sentence {
  switch (event.kind) {
    case 'phase':
      return say`is now ${PHASES[event.phase].toLowerCase()}.`;
    case 'linkUp':
      return say`is linked to ${who(event.peer)}; both proved the room's secret.`;
    case 'linkCarried':
      return event.carrier === 'relay'
        ? say`reaches ${who(event.peer)} through the room's server: no direct connection opened.`
        : say`reaches ${who(event.peer)} inside this browser: no direct connection opened.`;
    case 'linkDown':
      return say`lost the link to ${who(event.peer)}: ${EVIDENCE[event.evidence]}.`;
    case 'suspected':
      return say`thinks that ${who(event.peer)} is gone: ${EVIDENCE[event.evidence]}.`;
    case 'founded':
      return founded(event);
    case 'prepared':
      return say`proposes a successor of generation ${event.generation.number} (round ${event.ballot.round}).`;
    case 'promised':
      return say`promised its vote on generation ${event.generation.number} to ${who(event.ballot.proposer)}${stored(event.stored)}.`;
    case 'voted':
      return say`voted for ${event.value} after generation ${event.generation.number}${stored(event.stored)}.`;
    case 'chosen':
      return say`saw the majority choose ${event.value}.`;
    case 'installed':
      return say`entered generation ${event.generation.number} of ${ranks(event.members.length)}: ${list(event.members)}${event.back === undefined ? '' : `; it has agreed to go back to step ${event.back}`}.${apart(event)}`;
    case 'left':
      return left(event);
    case 'aborted':
      return say`abandoned step ${event.step} half-way; the next generation redoes it.`;
    case 'contributed':
      return say`computed ${microBatches(event.microBatches)} of step ${event.step}${event.attempt > 0 ? `, again (attempt ${event.attempt + 1})` : ''}.`;
    case 'overflowed':
      return say`saw step ${event.step} overflow its fixed-point range: all redo it with a wider one.`;
    case 'applied':
      return say`applied step ${event.step}: loss ${loss(event.loss)}, ${percent(event.samples === 0 ? 0 : event.correct / event.samples)} right, hash ${shortHash(event.hash)}.`;
    case 'committed':
      return say`knows ${event.step === 1 ? '1 step' : `${event.step} steps`} to be applied by all, hash ${shortHash(event.hash)}.`;
    case 'healed':
      return event.by === 'gradient'
        ? say`caught up by one step with the gradient that ${who(event.donor)} had kept (${bytes(event.bytes)}).`
        : say`received the whole state at step ${event.step} from ${who(event.donor)} (${bytes(event.bytes)}).`;
    case 'donated':
      if (event.piece !== undefined)
        return say`went on giving ${who(event.to)} the state at step ${event.step}, from piece ${event.piece} on.`;
      return say`gave ${who(event.to)} ${event.by === 'gradient' ? 'the gradient of' : 'its whole state at'} step ${event.step}.`;
    case 'learns':
      return say`learns the state at step ${event.step} from ${who(event.teacher)} beside the ring: ${event.pieces} of ${event.of} pieces are here.`;
    case 'learned':
      return event.by === 'gradient'
        ? say`followed ${who(event.teacher)} to step ${event.step}, beside the ring (${bytes(event.bytes)}).`
        : say`learned the whole state at step ${event.step} from ${who(event.teacher)}, beside the ring (${bytes(event.bytes)}).`;
    case 'lessonOver':
      return lessonOver(event);
    case 'rejected':
      return rejected(event);
    case 'stalled':
      return event.peer === by
        ? say`waits for its own engine in step ${event.step}: ${lack(event, undefined)}.`
        : say`waits for ${who(event.peer)} in step ${event.step}: ${lack(event, undefined)}.`;
    case 'resent':
      return say`sent a part of step ${event.step} to ${who(event.to)} once more.`;
    case 'checkpointed':
      return say`saved a checkpoint at step ${event.step} and read it back, hash ${shortHash(event.hash)}.`;
    case 'checkpointFailed':
      return say`could not save the checkpoint at step ${event.step}: ${clause(event.reason)}.`;
    case 'checkpointSkipped':
      return say`skipped the checkpoint at step ${event.step}: ${clause(event.reason)}.`;
    case 'sampleRefused':
      return say`does step ${event.step} again without sample ${event.row}, which is bad.`;
    case 'quarantined':
      return say`leaves ${event.rows.length === 1 ? 'sample' : 'samples'} ${event.rows.join(', ')} out from step ${event.step} on, as all have agreed.`;
    case 'heldUp':
      return say`took ${Math.round(event.ms)} ms from the training to copy the state of step ${event.step} for a checkpoint.`;
    case 'restored':
      return say`restored the checkpoint at step ${event.step}, hash ${shortHash(event.hash)}.`;
    case 'seatAcquired':
      return say`took over seat ${shortId(event.seat)} of a page of this browser that is gone, and now votes for it.`;
    case 'waitingForQuorum':
      return event.members.length === 0
        ? say`waits for a majority; missing: ${seats(event.seats)}.`
        : say`waits for a majority; missing: ${list(event.members)}.`;
    case 'exactness':
      return [exactnessSentence(event.promise)];
    case 'faultInjected':
      return say`got a fault: ${faultSentence(event)}.`;
    case 'faultHealed':
      return say`is rid of a fault: ${faultSentence(event)}.`;
    case 'engine':
      return say`${engineText(event.detail)}.`;
    case 'refused':
      return event.by === undefined
        ? say`was refused: ${clause(event.reason)}.`
        : say`was refused by ${who(event.by)}: ${clause(event.reason)}.`;
    case 'coloured':
      return say`wears colour ${event.slot + 1} on all pages of the room.`;
    case 'turnedAway':
      return event.peer === undefined
        ? say`refused a link: ${clause(event.reason)}.`
        : say`refused a link with ${who(event.peer)}: ${clause(event.reason)}.`;
    case 'stopped':
      return say`stopped because ${STOPPED[event.reason]}${event.detail === '' ? '' : `: ${clause(event.detail)}`}.`;
    case 'violated':
      return say`saw invariant ${event.invariant} broken: ${clause(event.sentence)}.`;
  }
}

const stored = (durable: boolean): string => (durable ? '' : ', but could not store it: it abstains');

function microBatches(indices: readonly number[]): string {
  if (indices.length === 0) return 'none of the micro-batches';
  const noun = indices.length === 1 ? 'micro-batch' : 'micro-batches';
  return `${noun} ${indices.join(', ')}`;
}

/** What a fault's detail says of it, in words; empty where it says nothing. */
const faultSettings = (detail: string): string => faultText(detail, ENGLISH_SETTINGS).map(clause).join(', ');

function faultSentence({ fault, detail }: Of<'faultInjected' | 'faultHealed'>): string {
  const settings = faultSettings(detail);
  return `“${lookUp(words.faults, fault)?.name ?? fault}”${settings === '' ? '' : `, ${settings}`}`;
}

/** An engine that was opened names its kind, its adapter and why it and no other; whatever else it says stays as it is. */
function engineText(detail: string): string {
  const [, kind, adapter, reason] = /^(cpu|webgpu) on ([^:]+): (.+)$/u.exec(detail) ?? [];
  if (kind === undefined || adapter === undefined || reason === undefined) return `engine: ${clause(detail)}`;
  return `computes with ${kind === 'cpu' ? adapter : `WebGPU on ${adapter}`}: ${clause(reason)}`;
}

/** Text from elsewhere, to stand before our own full stop. */
const clause = (text: string): string => text.trim().replace(/[.\s]+$/u, '') || 'no reason given';

export const english = { evidence: EVIDENCE, sentenceOf, stallSentence, faultSettings };

/** What a language has to say about events. */
export type Sentences = typeof english;

// Who is to be named for a wait, and why: a pure function of what a rank knows of the others. After the flight recorder of PyTorch's
// NCCL process group, which tells collectives that somebody never entered from those that two entered with another operation or size;
// here each rank says so by itself, from heartbeats that carry phase, step and whom their sender waits for.

import type { GenerationId, MemberId } from '../ports/ids.ts';
import type { Operation, Phase, Stall, StallCause } from '../trace/events.ts';

/** A wait that is long: in what, and who owes the next piece. */
export interface Wait {
  readonly self: MemberId;
  readonly generation: GenerationId;
  readonly operation: Operation;
  readonly step: number;
  readonly attempt: number;
  readonly bucket: number | undefined;
  /** The rank itself, where it waits for its own engine. */
  readonly peer: MemberId;
  readonly forMs: number;
}

/** What is known of another member. */
export interface Word {
  readonly linked: boolean;
  readonly silentMs: number;
  readonly phase: Phase;
  readonly step: number;
  readonly attempt: number;
  readonly waiting: MemberId | undefined;
  /** What it sent for the round in hand had another size than it should. */
  readonly misfit: boolean;
}

/** A peer that said nothing for so many heartbeats is not heard, whatever it said last. */
const UNHEARD_BEATS = 4;
/** Nobody follows a chain of ranks that wait for each other further. */
const MOST_LINKS = 64;

/** `word` is undefined for ranks of which nothing is known; `heartbeatMs` is how often the others speak. */
export function attribute(
  wait: Wait,
  word: (member: MemberId) => Word | undefined,
  heartbeatMs: number,
): Stall {
  const { generation, step, attempt, bucket, forMs, self } = wait;
  const place = { generation, step, attempt, bucket, forMs: Math.round(forMs) };
  if (wait.peer === self)
    return { ...place, operation: wait.operation, peer: self, cause: 'slow', said: undefined };
  const peer = rootOf(wait, word, heartbeatMs);
  const said = word(peer);
  if (said === undefined) return { ...place, operation: wait.operation, peer, cause: 'missing', said };
  const { operation, cause } = judge(wait, said, heartbeatMs);
  const { phase, step: at, silentMs } = said;
  return {
    ...place,
    operation,
    peer,
    cause,
    said: { phase, step: at, agoMs: Math.round(silentMs) },
  };
}

/** Whoever owes may itself wait for another, which keeps both. */
function rootOf(wait: Wait, word: (member: MemberId) => Word | undefined, heartbeatMs: number): MemberId {
  const seen = new Set<MemberId>();
  for (let at = wait.peer; seen.size < MOST_LINKS;) {
    seen.add(at);
    const said = word(at);
    const next = said?.waiting;
    // Who is not heard any more may have stopped waiting long ago; and who waits for this rank lacks what it has sent.
    if (said === undefined || !isHeard(said, heartbeatMs) || next === undefined || next === wait.self)
      return at;
    if (word(next) === undefined) return at;
    // They wait for each other: a part was lost somewhere, and the first link is as good as any.
    if (seen.has(next)) break;
    at = next;
  }
  return wait.peer;
}

const isHeard = ({ linked, silentMs }: Word, heartbeatMs: number): boolean =>
  linked && silentMs <= UNHEARD_BEATS * heartbeatMs;

/** The part of a step that a phase is. */
const PARTS: Readonly<Partial<Record<Phase, Operation>>> = {
  computing: 'contribution',
  applying: 'apply',
  healing: 'heal',
};

function judge(
  { operation, step, attempt }: Wait,
  said: Word,
  heartbeatMs: number,
): { readonly operation: Operation; readonly cause: StallCause } {
  const isSum = operation === 'all-reduce' || operation === 'barrier';
  if (isSum && said.misfit) return { operation, cause: 'different-size' };
  if (!isHeard(said, heartbeatMs)) return { operation, cause: 'missing' };
  const part = PARTS[said.phase];
  // A state that is being applied is of the step before, until it is.
  const isOnItsWay = said.step === step || (said.step === step - 1 && said.phase === 'applying');
  if (isSum && part !== undefined && (isOnItsWay || part === 'heal'))
    return { operation: part, cause: 'slow' };
  if (!isSum) return { operation, cause: 'slow' };
  const isBeside = said.phase === 'reducing' && said.step === step && said.attempt === attempt;
  // One that is a round behind or ahead lacks a part that was lost.
  const isNear = said.phase === 'reducing' && said.step !== step && Math.abs(said.step - step) <= 1;
  return { operation, cause: isBeside || isNear ? 'missing' : 'different-operation' };
}

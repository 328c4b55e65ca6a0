// Watches that nobody waits without end: for the parts of a sum, or through generation after generation that commits nothing.

import type { Violation } from '../invariants/check.ts';
import type { GenerationId, MemberId } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { RankState } from '../protocol/state.ts';
import { shortId } from '../trace/short-names.ts';

/** Deadlines of a whole regroup that a sum may take: the peer that owes a part may itself wait for another. */
const DEADLINES = 4;
/** Generations of one line, all with the same members, that may follow each other without a committed step. */
const FRUITLESS = 8;
/** Not looked at in rooms of more members. */
const LARGE = 64;

interface Line {
  readonly members: string;
  readonly number: number;
  count: number;
}

/** A list that all members of a generation report is sorted once. */
const texts = new WeakMap<readonly MemberId[], string>();
function sortedText(list: readonly MemberId[]): string {
  const text = texts.get(list) ?? [...list].sort().join();
  texts.set(list, text);
  return text;
}

/** In milliseconds, by the world's clock and by the rank's own, which may jump or be slow: a wait is as long as both say. */
interface Time {
  readonly world: number;
  readonly own: number;
}

export interface PatienceWatch {
  /** What is wrong with what a rank has just done. */
  recorded(
    core: RankState,
    event: TraceEvent,
    now: Time,
  ): Pick<Violation, 'invariant' | 'sentence'> | undefined;
  /** A page was frozen: for that time it could do nothing. */
  frozen(member: MemberId): void;
}

export function createPatienceWatch(): PatienceWatch {
  /** Since when each rank waits for parts. */
  const reducing = new Map<MemberId, Time>();
  const lines = new Map<string, Line>();

  function waited(core: RankState, now: Time): ReturnType<PatienceWatch['recorded']> {
    const since = reducing.get(core.self.member);
    reducing.delete(core.self.member);
    const allowed = DEADLINES * (core.job?.policies.regroupMs ?? Infinity);
    if (since === undefined) return undefined;
    const ms = Math.min(now.world - since.world, now.own - since.own);
    if (ms <= allowed) return undefined;
    return {
      invariant: 7,
      sentence: `${shortId(core.self.member)} waited for the parts of a sum for ${Math.round(ms)} ms, of ${allowed} allowed.`,
    };
  }

  function begun(
    { incarnation, number }: GenerationId,
    list: readonly MemberId[],
  ): ReturnType<PatienceWatch['recorded']> {
    // A large room that gathers goes through many generations before it trains.
    if (list.length > LARGE) return undefined;
    const before = lines.get(incarnation);
    if (before !== undefined && before.number >= number) return undefined;
    const members = sortedText(list);
    const count = before?.members === members ? before.count + 1 : 0;
    lines.set(incarnation, { members, number, count });
    if (count <= FRUITLESS) return undefined;
    return {
      invariant: 7,
      sentence: `Generation ${number} has the same members as the ${count} before it, none of which committed a step.`,
    };
  }

  return {
    recorded(core, event, now) {
      const { member } = core.self;
      if (event.kind === 'phase') {
        if (event.phase !== 'reducing') return waited(core, now);
        reducing.set(member, reducing.get(member) ?? now);
      } else if (event.kind === 'installed') return begun(event.generation, event.members);
      else if (event.kind === 'committed') {
        const line = lines.get(event.generation.incarnation);
        if (line !== undefined) line.count = 0;
        const lapse = waited(core, now);
        if (core.phase === 'reducing') reducing.set(member, now);
        return lapse;
      }
      return undefined;
    },
    frozen(member) {
      reducing.delete(member);
    },
  };
}

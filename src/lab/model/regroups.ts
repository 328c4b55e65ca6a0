// The generations that this page has seen, each with what led to it and how long it took: noticing, regrouping, going on.

import type { Evidence } from '../../ports/network.ts';
import type { GenerationId, MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';

export interface Regroup {
  readonly key: string;
  readonly number: number;
  /** Depth of its incarnation: 1 for a room that was never taken up again. */
  readonly depth: number;
  readonly members: readonly MemberId[];
  readonly lost: readonly { readonly member: MemberId; readonly evidence: Evidence | undefined }[];
  readonly joined: readonly MemberId[];
  /** Milliseconds since the epoch, by the first of this page's ranks that saw it; as all times here. */
  readonly installedAt: number;
  /** From the loss itself to the first suspicion; known where this page did it. */
  readonly noticeMs: number | undefined;
  /** From the first suspicion, or else the first proposal, to the new generation. */
  readonly regroupMs: number | undefined;
  /** From the new generation to the first step applied in it, without the time in which the room was told not to train. */
  readonly resumeMs: number | undefined;
  /** The first step applied in it. */
  readonly step: number | undefined;
}

export interface RegroupBook {
  add(records: readonly TraceRecord[]): void;
  /** This page removed a rank itself, so it knows when. */
  removed(member: MemberId, at: number): void;
  /** Newest first. */
  read(): readonly Regroup[];
}

/** A rank of a room that is not started, or is paused; `to` is unknown as long as it is. */
interface Idle {
  readonly from: number;
  to: number | undefined;
}

interface Seen {
  readonly id: GenerationId;
  /** Unknown to those who join with it. */
  base: string | undefined;
  readonly members: readonly MemberId[];
  installedAt: number;
  applied: { at: number; step: number; by: MemberId } | undefined;
}

const MAX_GENERATIONS = 60;
const MAX_SIGNS = 400;

const keyOf = (generation: GenerationId): string => `${generation.incarnation}/${generation.number}`;

export function createRegroupBook(): RegroupBook {
  const seen = new Map<string, Seen>();
  const suspicions: { readonly peer: MemberId; readonly at: number; readonly evidence: Evidence }[] = [];
  const proposals: number[] = [];
  const removals = new Map<MemberId, number>();
  const idles = new Map<MemberId, Idle[]>();

  const install = (
    at: number,
    id: GenerationId,
    base: GenerationId | undefined,
    members: readonly MemberId[],
  ): void => {
    const before = base === undefined ? undefined : keyOf(base);
    const known = seen.get(keyOf(id));
    if (known !== undefined) {
      known.installedAt = Math.min(known.installedAt, at);
      known.base ??= before;
      return;
    }
    seen.set(keyOf(id), { id, base: before, members, installedAt: at, applied: undefined });
    trim(seen);
  };

  /** A room that waits for its start regroups no longer. Between two steps a rank is idle for no time. */
  const turn = (member: MemberId, at: number, isIdle: boolean): void => {
    const mine = idles.get(member) ?? [];
    const last = mine.at(-1);
    if (last !== undefined && last.to === undefined) {
      if (!isIdle) last.to = at;
    } else if (isIdle) {
      mine.push({ from: at, to: undefined });
      if (mine.length > MAX_SIGNS) mine.shift();
      idles.set(member, mine);
      trim(idles);
    }
  };
  const idleMs = (member: MemberId, from: number, to: number): number =>
    (idles.get(member) ?? []).reduce(
      (sum, idle) => sum + Math.max(0, Math.min(idle.to ?? to, to) - Math.max(idle.from, from)),
      0,
    );

  const add = ({ member, at, event }: TraceRecord): void => {
    if (event.kind === 'phase') {
      turn(member, at, event.phase === 'idle');
    } else if (event.kind === 'installed') {
      install(at, event.generation, event.base, event.members);
    } else if (event.kind === 'applied') {
      const generation = seen.get(keyOf(event.generation));
      if (generation === undefined || (generation.applied?.at ?? Infinity) <= at) return;
      generation.applied = { at, step: event.step, by: member };
    } else if (event.kind === 'suspected') {
      suspicions.push({ peer: event.peer, at, evidence: event.evidence });
      if (suspicions.length > MAX_SIGNS) suspicions.shift();
    } else if (event.kind === 'prepared' || event.kind === 'aborted') {
      proposals.push(at);
      if (proposals.length > MAX_SIGNS) proposals.shift();
    }
  };

  const describe = (generation: Seen): Regroup => {
    const base = generation.base === undefined ? undefined : seen.get(generation.base);
    const before = base?.members ?? [];
    const since = base?.installedAt ?? 0;
    const inTime = (at: number): boolean => at >= since && at <= generation.installedAt;
    const lost = before.filter((member) => !generation.members.includes(member));
    const signs = suspicions
      .filter((sign) => lost.includes(sign.peer) && inTime(sign.at))
      .sort((a, b) => a.at - b.at);
    const first = signs[0];
    // Whoever comes back into a room that went on without it has proposed nothing of this one.
    const proposed = base === undefined ? undefined : proposals.filter(inTime).sort((a, b) => a - b)[0];
    const started = first?.at ?? proposed;
    const removedAt = first === undefined ? undefined : removals.get(first.peer);
    return {
      key: keyOf(generation.id),
      number: generation.id.number,
      depth: Number.parseInt(generation.id.incarnation.slice(0, 8), 16),
      members: generation.members,
      lost: lost.map((member) => ({
        member,
        evidence: signs.find((sign) => sign.peer === member)?.evidence,
      })),
      joined: generation.members.filter((member) => !before.includes(member)),
      installedAt: generation.installedAt,
      noticeMs:
        first === undefined || removedAt === undefined ? undefined : Math.max(0, first.at - removedAt),
      regroupMs: started === undefined ? undefined : generation.installedAt - started,
      resumeMs:
        generation.applied === undefined
          ? undefined
          : Math.max(
              0,
              generation.applied.at -
                generation.installedAt -
                idleMs(generation.applied.by, generation.installedAt, generation.applied.at),
            ),
      step: generation.applied?.step,
    };
  };

  return {
    add(records) {
      records.forEach(add);
    },
    removed(member, at) {
      removals.set(member, at);
      trim(removals);
    },
    read: () => [...seen.values()].sort((a, b) => b.installedAt - a.installedAt).map(describe),
  };
}

function trim<Key, Value>(map: Map<Key, Value>): void {
  if (map.size <= MAX_GENERATIONS) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

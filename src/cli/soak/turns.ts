// A soak that compares: one session in turns, undisturbed, under deaths whose evidence is immediate, and under silent ones, so that
// the machine, the browser and the hour are the same for all. Pure: what strikes when, and what the merged logs say of each turn.

import { randomStream, uniformFraction, uniformInteger } from '../../job/random.ts';
import type { DueFault, ScheduleCursor } from '../../faults/schedule.ts';
import type { DrivenFault } from '../../faults/vocabulary.ts';
import type { TraceRecord } from '../../trace/events.ts';

/** Immediate: a goodbye or a released Web Lock. Silent: nothing but heartbeats that do not come. */
export const TURN_KINDS = ['undisturbed', 'immediate', 'silent'] as const;
export type TurnKind = (typeof TURN_KINDS)[number];

export interface Turn {
  readonly kind: TurnKind;
  /** Milliseconds since the soak began. */
  readonly from: number;
  readonly until: number;
}

/** What a turn should have at least, so that one slow restart does not decide it. */
const FAULTS_A_TURN = 2;

/** Rounds of the three kinds, as many as hold two faults a turn: what the machine does meanwhile falls on all three alike. */
export function planTurns(totalMs: number, everyMs: number): readonly Turn[] {
  const kinds = TURN_KINDS.length;
  const rounds = Math.max(1, Math.floor(totalMs / (kinds * FAULTS_A_TURN * everyMs)));
  const length = totalMs / (rounds * kinds);
  return Array.from({ length: rounds * kinds }, (_, i) => ({
    kind: TURN_KINDS[i % kinds] ?? 'undisturbed',
    from: i * length,
    until: (i + 1) * length,
  }));
}

/** Ranks of which one may fall silent for good, and the others are still a majority. */
export const LEAST_FOR_SILENCE = 3;

/** Longer than anybody waits for a rank that is silent: it is put out, ended and opened anew before it could wake. */
const SILENT_MS = 60_000;

/** One death in the middle of every `everyMs` of a disturbed turn, a quarter of that earlier or later by the seed. */
export function followTurns(turns: readonly Turn[], seed: number, everyMs: number): ScheduleCursor {
  const whom = randomStream(seed, 1, turns.length);
  const timing = randomStream(seed, 2, turns.length);
  const deaths: readonly DrivenFault[] = [{ kind: 'kill' }, { kind: 'close' }];
  const due = turns.flatMap(({ kind, from, until }) =>
    kind === 'undisturbed'
      ? []
      : Array.from({ length: Math.floor((until - from) / everyMs) }, (_, i) => ({
          ms: from + (i + 0.25 + uniformFraction(timing) / 2) * everyMs,
          fault:
            kind === 'silent'
              ? ({ kind: 'freeze', forMs: SILENT_MS } as const)
              : (deaths[i % deaths.length] ?? ({ kind: 'kill' } as const)),
        })),
  );
  let index = 0;
  return {
    due({ ms, ranks }) {
      const next = due[index];
      const least = next?.fault.kind === 'freeze' ? LEAST_FOR_SILENCE : 2;
      if (next === undefined || ms < next.ms || ranks < least) return [];
      return [{ index: index++, rank: uniformInteger(whom, ranks), fault: next.fault } satisfies DueFault];
    },
    get pending() {
      return due.length - index;
    },
  };
}

export interface TurnSpeed {
  readonly seconds: number;
  readonly steps: number;
  readonly perSecond: number;
  /** Against the undisturbed turns; null where those made no step. */
  readonly ratio: number | null;
}

export type Throughput = Readonly<Record<TurnKind, TurnSpeed>>;

/** `records` in order of time; `startedAt` is when the first turn began, in milliseconds since the epoch. */
export function compareTurns(
  records: readonly TraceRecord[],
  turns: readonly Turn[],
  startedAt: number,
): Throughput {
  const commits = records.flatMap(({ at, event }) =>
    event.kind === 'committed' ? [{ at: at - startedAt, step: event.step }] : [],
  );
  const newestAt = (ms: number): number =>
    commits.reduce((newest, { at, step }) => (at <= ms ? Math.max(newest, step) : newest), 0);
  const perSecond = ({ steps, seconds }: { readonly steps: number; readonly seconds: number }): number =>
    seconds === 0 ? 0 : steps / seconds;
  const sumOf = (kind: TurnKind): { readonly steps: number; readonly seconds: number } =>
    turns
      .filter((turn) => turn.kind === kind)
      .reduce(
        ({ steps, seconds }, { from, until }) => ({
          steps: steps + newestAt(until) - newestAt(from),
          seconds: seconds + (until - from) / 1000,
        }),
        { steps: 0, seconds: 0 },
      );
  const undisturbed = perSecond(sumOf('undisturbed'));
  const speedOf = (kind: TurnKind): TurnSpeed => {
    const sum = sumOf(kind);
    return {
      seconds: rounded(sum.seconds),
      steps: sum.steps,
      perSecond: rounded(perSecond(sum)),
      ratio: undisturbed === 0 ? null : rounded(perSecond(sum) / undisturbed),
    };
  };
  return {
    undisturbed: speedOf('undisturbed'),
    immediate: speedOf('immediate'),
    silent: speedOf('silent'),
  };
}

/** To three digits after the point. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

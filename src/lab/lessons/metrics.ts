// What a run came to, in the few numbers that a lesson's goal can name. All of it is read from the ranks' own records, by the
// checkers and the ledger that judge every run.

import type { Violation } from '../../invariants/check.ts';
import type { GenerationId, MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { goodput, keepLedger } from '../../trace/ledger.ts';

export const METRICS = [
  /** Compute that counted over all time of all ranks, 0 to 1, until the job is done. */
  'goodput',
  /** Steps that were committed and then done again, in a line that did not know of them. */
  'lostSteps',
  /** The longest time without a newly committed step, from the first fault on, in milliseconds. */
  'recoverMs',
  /** Steps committed. */
  'committed',
  /** When the last step of the job was committed, in milliseconds from the start. Missing: it never was. */
  'doneMs',
  /** Faults that struck, and kills and closes by hand. */
  'faults',
  /** Generations that were agreed on. */
  'generations',
  /** Lines of generations (incarnations) in which steps were committed. */
  'lines',
  /** Members that a generation went on without. */
  'evictions',
  /** Messages of other generations that were refused. */
  'fenced',
  /** Ranks that were brought up to the others' state. */
  'healed',
  /** Checkpoints that were stored. */
  'checkpoints',
  /** The step that the newest restored checkpoint held. Missing: none was restored. */
  'restoredStep',
  /** Violations of an invariant. */
  'violations',
  /** Of a hunt: seeds that were run, and decisions that are left to tell of what was found. */
  'seeds',
  'decisions',
] as const;
export type Metric = (typeof METRICS)[number];

export const VERDICTS = ['held', 'violated', 'unrecoverable'] as const;
export type LessonVerdict = (typeof VERDICTS)[number];

export interface Measures {
  readonly verdict: LessonVerdict;
  /** What a run has no value for is missing. */
  readonly values: Readonly<Partial<Record<Metric, number>>>;
}

export interface MeasureKeeper {
  /** A fault struck at this time. */
  struck(at: number): void;
  /** Records in order of time. */
  observe(record: TraceRecord): void;
  measures(verdict: LessonVerdict, violations: readonly Violation[] | number): Measures;
}

/** Of a job of so many steps, which began to train at that time (in the records' clock). */
export function keepMeasures(steps: number, startedAt: number): MeasureKeeper {
  const ledger = keepLedger();
  const members = new Map<string, readonly MemberId[]>();
  /** By step, the lines in which it was committed. */
  const lines = new Map<number, Set<string>>();
  const counts = { faults: 0, generations: 0, evictions: 0, fenced: 0, healed: 0, checkpoints: 0 };
  let firstFault: number | undefined;
  let newest = { step: 0, at: startedAt };
  let recoverMs = 0;
  let doneAt: number | undefined;
  let lastAt = startedAt;
  let restoredStep: number | undefined;

  /** How long the room has stood still at this time, since the last commit or the first fault. */
  const stoodStill = (at: number): number =>
    firstFault === undefined ? 0 : Math.max(0, at - Math.max(newest.at, firstFault));

  function committed(step: number, at: number, { incarnation }: GenerationId): void {
    // A page that has found nobody yet commits its beginning alone, in a line of its own: no step was done in it.
    if (step === 0) return;
    lines.set(step, (lines.get(step) ?? new Set()).add(incarnation));
    if (step <= newest.step) return;
    recoverMs = Math.max(recoverMs, stoodStill(at));
    newest = { step, at };
    if (step >= steps) doneAt ??= at;
  }

  function installed(
    generation: GenerationId,
    base: GenerationId | undefined,
    now: readonly MemberId[],
  ): void {
    const key = keyOf(generation);
    if (members.has(key)) return;
    members.set(key, now);
    counts.generations += 1;
    const before = base === undefined ? [] : (members.get(keyOf(base)) ?? []);
    counts.evictions += before.filter((member) => !now.includes(member)).length;
  }

  return {
    struck(at) {
      counts.faults += 1;
      firstFault ??= at;
    },
    observe(record) {
      const { at, event } = record;
      lastAt = Math.max(lastAt, at);
      // What the ranks do before they begin and when the job is done is no part of it.
      if (doneAt === undefined && at >= startedAt) ledger.observe(record);
      if (event.kind === 'committed') committed(event.step, at, event.generation);
      else if (event.kind === 'installed') installed(event.generation, event.base, event.members);
      else if (event.kind === 'rejected' && event.reason === 'fenced') counts.fenced += 1;
      else if (event.kind === 'healed') counts.healed += 1;
      else if (event.kind === 'checkpointed') counts.checkpoints += 1;
      else if (event.kind === 'restored') restoredStep = event.step;
    },
    measures(verdict, violations) {
      const times = [...lines.values()];
      return {
        verdict,
        values: {
          ...counts,
          goodput: goodput(ledger.ledger()),
          lostSteps: times.reduce((sum, { size }) => sum + size - 1, 0),
          recoverMs: Math.round(doneAt === undefined ? Math.max(recoverMs, stoodStill(lastAt)) : recoverMs),
          committed: newest.step,
          ...(doneAt === undefined ? {} : { doneMs: Math.round(doneAt - startedAt) }),
          lines: new Set(times.flatMap((set) => [...set])).size,
          ...(restoredStep === undefined ? {} : { restoredStep }),
          violations: typeof violations === 'number' ? violations : violations.length,
        },
      };
    },
  };
}

const keyOf = ({ incarnation, number }: GenerationId): string => `${incarnation}/${number}`;

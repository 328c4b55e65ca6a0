// What a demo will do, and at which step: worked out from the options before anything is started, so that a plan that
// cannot work is refused at once.

import { JOB_PRESETS } from '../../job/presets.ts';
import type { PresetName } from '../../job/presets.ts';
import { randomStream, uniformInteger } from '../../job/random.ts';
import { I32, type Wire } from '../../job/wire-schema.ts';
import type { EngineChoice } from '../../live/api.ts';
import { UsageError } from '../errors.ts';

/** `COUNT@STEP`: that many tabs, when that many updates are committed. */
export interface CountAtStep {
  readonly count: number;
  readonly step: number;
}

export interface DemoOptions {
  readonly ranks: number;
  readonly steps: number;
  /** Empty together with `join`, and without faults: the default acts. */
  readonly kill: readonly CountAtStep[];
  readonly join: readonly CountAtStep[];
  readonly engine: EngineChoice;
  readonly seed: number;
  readonly job?: PresetName;
  readonly wire?: Wire;
  /** The server votes in the room. */
  readonly witness?: boolean;
  /** A schedule of faults is injected too; then there are no default acts. */
  readonly faults: boolean;
}

export type Act =
  /** These many tabs die without a word. */
  | { readonly kind: 'kill'; readonly step: number; readonly count: number }
  /** These many tabs are opened into the running room. */
  | { readonly kind: 'join'; readonly step: number; readonly count: number }
  /** Every tab is closed and the room is opened again. */
  | { readonly kind: 'reopen'; readonly step: number };

export interface DemoPlan {
  readonly ranks: number;
  readonly steps: number;
  readonly engine: EngineChoice;
  readonly seed: number;
  readonly job: PresetName;
  readonly wire: Wire;
  readonly witness: boolean;
  /** In the order in which they happen. */
  readonly acts: readonly Act[];
}

/** The transport is a full mesh up to here. */
export const MAX_RANKS = 8;
/** A kill, a join and a reopening need room between them. */
export const MIN_STEPS = 10;
export const MAX_STEPS = 100_000;
export const MAX_SEED = 0xffff_ffff;

/** Where in the run all tabs are closed: late enough that much has happened, early enough that much is left to resume. */
const REOPEN_AT = 0.8;

/** Acts at the same step happen in this order. */
const ORDER: Readonly<Record<Act['kind'], number>> = { kill: 0, join: 1, reopen: 2 };

/** Throws a `UsageError` when the acts do not fit the run. */
export function planDemo(options: DemoOptions): DemoPlan {
  const { ranks, steps, engine, seed, job = 'digits', wire = I32, witness = false } = options;
  const none = options.kill.length === 0 && options.join.length === 0 && !options.faults;
  const kill = none && ranks > 1 ? [{ count: 1, step: Math.round(steps / 3) }] : options.kill;
  const join = none ? [{ count: 1, step: Math.round((steps * 2) / 3) }] : options.join;
  const acts: Act[] = [
    ...kill.map((item) => ({ kind: 'kill', ...item }) as const),
    ...join.map((item) => ({ kind: 'join', ...item }) as const),
    { kind: 'reopen', step: reopenStep(steps, job) },
  ];
  acts.sort((a, b) => a.step - b.step || ORDER[a.kind] - ORDER[b.kind]);
  let alive = ranks;
  for (const act of acts) {
    if (act.kind === 'reopen') continue;
    const text = `--${act.kind} ${act.count}@${act.step}`;
    if (act.step < 1 || act.step >= steps) {
      throw new UsageError(
        `${text} is outside of the run: its step must be from 1 to ${steps - 1} (--steps ${steps}).`,
      );
    }
    if (act.kind === 'kill' && act.count >= alive) {
      throw new UsageError(
        `${text} would leave no tab alive: ${alive} ${alive === 1 ? 'is' : 'are'} open at that step.`,
      );
    }
    alive += act.kind === 'kill' ? -act.count : act.count;
    if (alive > MAX_RANKS) {
      throw new UsageError(`${text} would make ${alive} ranks; a room holds at most ${MAX_RANKS}.`);
    }
  }
  return { ranks, steps, engine, seed, job, wire, witness, acts };
}

/** Some steps away from any checkpoint, so that there is work to do again, and none is being written as the tabs close. */
function reopenStep(steps: number, job: PresetName): number {
  const wanted = Math.round(steps * REOPEN_AT);
  const every = JOB_PRESETS[job].policies.checkpointEvery;
  const since = wanted % every;
  const between = Math.min(Math.max(since, Math.floor(every / 4)), Math.floor((every * 3) / 4));
  return Math.min(wanted - since + between, steps - 1);
}

/** Which of the tabs die: for the same seed, step and count those at the same places. The founder is as likely as the others. */
export function chooseVictims<T>(
  seed: number,
  step: number,
  count: number,
  alive: readonly T[],
): readonly T[] {
  const next = randomStream(seed, step, count);
  const pool = [...alive];
  const victims: T[] = [];
  while (victims.length < count && pool.length > 0)
    victims.push(...pool.splice(uniformInteger(next, pool.length), 1));
  return victims;
}

// Loading that does not give in at the first failure: what comes is checked, a failed load is tried again with less time after a
// pause, and then the safe loader takes over for a while: nothing read ahead, and one sample at a time, so that a bad one is named.

import { checkSamples } from '../engine/requests.ts';
import type { Recovery } from '../job/recovery-schema.ts';
import type { Clock } from '../ports/clock.ts';
import { inputLength, LEFT_OUT, LoaderError } from '../ports/loader.ts';
import type { Loader, Samples, Split } from '../ports/loader.ts';
import { patience } from '../protocol/patience.ts';
import { noted } from '../protocol/usual.ts';
import type { Usual } from '../protocol/usual.ts';
import { messageOf } from './message-of.ts';

/** Loads after which the usual loader is trusted again. */
const SAFE_LOADS = 32;

export interface GuardedLoaderOptions {
  readonly loader: Loader;
  readonly recovery: Recovery;
  readonly clock: Clock;
  /** Told when the safe loader takes over, when it ends, and of each bad sample. */
  readonly note: (detail: string) => void;
}

interface Ahead {
  readonly split: Split;
  readonly rows: Int32Array;
  readonly samples: Promise<Samples>;
}

export function guardedLoader({ loader, recovery, clock, note }: GuardedLoaderOptions): Loader {
  const { format } = loader;
  const { loadRetries, loadMs, loadBackoffMs, safeLoader } = recovery;
  /** What was read before it was asked for. */
  let ahead: Ahead | undefined;
  let safeLoads = 0;
  /** Of the loads that came, whole batches at a time. */
  let usual: Usual | undefined;
  /** What the first try of a load may take: what it is known to take, and half of what the job says at least, as with an all-reduce. */
  const patienceWithLoads = (): number =>
    usual === undefined ? loadMs : patience({ usual, least: loadMs / 2, most: loadMs, confirmations: 0 });

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  const within = (ms: number, samples: Promise<Samples>): Promise<Samples> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => {
        reject(new LoaderError(`The data did not come within ${ms} ms.`));
      });
      samples.then(resolve, reject).finally(cancel);
    });

  const checked = async (rows: Int32Array, ms: number, loading: Promise<Samples>): Promise<Samples> => {
    const samples = await within(ms, loading);
    checkSamples(format, rows.length, samples);
    return samples;
  };
  const load = (split: Split, rows: Int32Array, ms: number): Promise<Samples> =>
    checked(rows, ms, loader.load(split, rows));

  /** What was read ahead, if it is this. */
  function take(split: Split, rows: Int32Array): Promise<Samples> | undefined {
    const found = ahead;
    ahead = undefined;
    if (found?.split !== split || found.rows.length !== rows.length) return undefined;
    return found.rows.every((row, i) => row === rows[i]) ? found.samples : undefined;
  }

  async function patiently(split: Split, rows: Int32Array): Promise<Samples> {
    let ms = patienceWithLoads();
    let pause = loadBackoffMs;
    for (let left = loadRetries; ; left--) {
      try {
        const began = clock.now();
        const samples = await checked(rows, ms, take(split, rows) ?? loader.load(split, rows));
        usual = noted(usual, clock.now() - began);
        return samples;
      } catch (error) {
        if (left === 0) throw error;
      }
      await sleep(pause);
      pause *= 2;
      ms /= 2;
    }
  }

  /** One sample after the other. One that does not come, where others do, is bad itself, and the first such is named. */
  async function safely(split: Split, rows: Int32Array): Promise<Samples> {
    const until = clock.now() + loadMs;
    const width = inputLength(format);
    const { positions } = format;
    const inputs =
      format.type === 'tokens' ? new Int32Array(rows.length * width) : new Float32Array(rows.length * width);
    const labels = new Int32Array(rows.length * positions).fill(LEFT_OUT);
    let failure: unknown;
    const fill = async (i: number, ms: number): Promise<boolean> => {
      try {
        const one = await load(split, rows.slice(i, i + 1), ms);
        inputs.set(one.inputs, i * width);
        labels.set(one.labels, i * positions);
        return true;
      } catch (error) {
        failure = error;
        return false;
      }
    };
    let missing = Array.from(rows, (_, i) => i);
    // What ails the loader may be over by the time that the others are here.
    for (let round = 0; round <= 1 + loadRetries && missing.length > 0; round++) {
      if (round > 0) await sleep(loadBackoffMs * 2 ** round);
      const still: number[] = [];
      for (const i of missing) {
        if (clock.now() >= until) throw failure;
        if (!(await fill(i, loadMs / 2 ** (loadRetries + 1)))) still.push(i);
      }
      missing = still;
    }
    // The held-out split is nobody's to leave samples out of.
    if (missing.length > 0 && split === 'test') throw failure;
    const other = otherThan(split, rows, missing);
    for (const i of missing) {
      // What failed while the loader did says nothing of the sample: another has to come just before and just after it fails.
      if (!(await comes(split, other))) throw failure;
      if (await fill(i, loadMs / 2)) continue;
      if (!(await comes(split, other))) throw failure;
      const bad = rows[i] ?? 0;
      note(`Sample ${bad} is bad: ${messageOf(failure)}`);
      return { inputs, labels, bad };
    }
    return { inputs, labels };
  }

  /** A row that is not missing: one of these, or else any other of the split, if it has one. */
  function otherThan(split: Split, rows: Int32Array, missing: readonly number[]): number | undefined {
    const absent = new Set(missing);
    const here = rows.find((_, i) => !absent.has(i));
    if (here !== undefined) return here;
    const asked = new Set(rows);
    const size = Math.min(loader.sizes[split], rows.length + 1);
    return Array.from({ length: size }, (_, row) => row).find((row) => !asked.has(row));
  }

  async function comes(split: Split, row: number | undefined): Promise<boolean> {
    if (row === undefined) return false;
    return await load(split, Int32Array.of(row), loadMs / 2).then(
      () => true,
      () => false,
    );
  }

  return {
    format,
    sizes: loader.sizes,
    async load(split, rows) {
      // A slice that is left out as a whole needs no loader.
      if (rows.length === 0) return await loader.load(split, rows);
      if (safeLoads === 0) {
        try {
          return await patiently(split, rows);
        } catch (error) {
          if (!safeLoader) throw error;
          safeLoads = SAFE_LOADS;
          note(`The safe loader takes over, one sample at a time: ${messageOf(error)}`);
        }
      }
      const samples = await safely(split, rows);
      safeLoads -= 1;
      if (safeLoads === 0) note('The usual loader is trusted again.');
      return samples;
    },
    expect(split, rows) {
      if (safeLoads > 0 || rows.length === 0) return;
      const samples = loader.load(split, rows);
      // Whoever takes it hears of its failure.
      samples.catch(() => undefined);
      ahead = { split, rows, samples };
    },
  };
}

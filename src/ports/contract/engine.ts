// What every engine keeps, under the faults of its machine as well: the WebGPU engine on a real device, the CPU engine, and the simulated GPU.

import type { Engine, EngineFault } from '../engine.ts';
import { EngineError } from '../engine.ts';
import type { StateHash } from '../ids.ts';
import { expectEqual, expectThat, rejection, type ContractCase, type Time } from './case.ts';

/** The part of an engine that steps are made of. */
export type SteppingEngine = Pick<Engine, 'contribute' | 'contributeInBuckets' | 'apply' | 'hash' | 'lost'>;

/** Where things are in a contribution (see collective/lanes.ts). */
interface Lanes {
  readonly length: number;
  readonly microBatches: number;
  readonly nonFinite: number;
  readonly firstNonFinite: number;
  readonly counters: number;
  readonly buckets: readonly { readonly start: number; readonly end: number }[];
}

/** An engine in the state before step 0. */
export interface EngineHarness extends Time {
  readonly engine: SteppingEngine;
  readonly lanes: Lanes;
  readonly now: () => number;
  /** From now on results are mapped for reading so many milliseconds late; undefined: no more. */
  readonly mapLate: (ms: number | undefined) => void;
  /** From now on, or no more, kernels do not come back. */
  readonly hang: (hangs: boolean) => void;
  /** The next contribution is not finite. */
  readonly poison: () => void;
  /** The next contribution has one flipped bit in its gradient. */
  readonly flip: () => void;
}

/** What can only be shown of a device. */
export interface DeviceHarness extends EngineHarness {
  /** From now on, or no more, no memory can be had for a pass. */
  readonly refuseMemory: (refuses: boolean) => void;
  readonly loseDevice: () => void;
}

const LATE_MS = 300;

const all = ({ lanes }: EngineHarness): readonly number[] =>
  Array.from({ length: lanes.microBatches }, (_, i) => i);

const contribute = (harness: EngineHarness): Promise<Int32Array> =>
  harness.engine.contribute({ step: 0, microBatches: all(harness) });

/** Lanes in which two contributions differ, and whether by one bit. */
const differences = (a: Int32Array, b: Int32Array): readonly number[] =>
  [...a.keys()].filter((i) => a[i] !== b[i]);

const expectSame = (what: string, found: Int32Array, expected: Int32Array): void =>
  expectEqual(
    `the lanes in which ${what} differs from the contribution before`,
    differences(found, expected),
    [],
  );

/** Whether work has an outcome yet. */
function watch(work: Promise<unknown>): { readonly isOver: () => boolean } {
  let over = false;
  const end = (): void => void (over = true);
  work.then(end, end);
  return { isOver: () => over };
}

const faultOf = async (what: string, work: Promise<unknown>): Promise<EngineFault> => {
  const error = await rejection(what, work);
  expectThat(error instanceof EngineError, `${what} to reject with an EngineError`, error);
  return error.fault;
};

export const ENGINE_CONTRACT: readonly ContractCase<EngineHarness>[] = [
  {
    name: 'a contribution leaves the state as it is and is the same when it is asked for again',
    async run(harness) {
      const before = await harness.engine.hash();
      const first = await contribute(harness);
      expectSame('a second one', await contribute(harness), first);
      expectEqual('the hash of the state', await harness.engine.hash(), before);
      const counters = [...first.subarray(harness.lanes.counters)].slice(0, harness.lanes.microBatches);
      expectEqual('how often each micro-batch is in it', new Set(counters).size === 1 && counters[0], 1);
    },
  },
  {
    name: 'buckets come whole and in their order, and together they are the contribution',
    async run(harness) {
      const { engine, lanes } = harness;
      const joined = new Int32Array(lanes.length);
      const order: number[] = [];
      await engine.contributeInBuckets({ step: 0, microBatches: all(harness) }, (bucket, part) => {
        const { start = 0, end = 0 } = lanes.buckets[bucket] ?? {};
        expectEqual(`the lanes of bucket ${bucket}`, part.length, end - start);
        order.push(bucket);
        joined.set(part, start);
      });
      expectEqual('the order of the buckets', order, [...lanes.buckets.keys()]);
      expectSame('that of all buckets', joined, await contribute(harness));
    },
  },
  {
    name: 'a step that is applied gives a new state, whose hash it answers with',
    async run(harness) {
      const before: StateHash = await harness.engine.hash();
      const reduced = await contribute(harness);
      const after = await harness.engine.apply({ step: 0, reduced, mode: 'portable' });
      expectThat(after !== before, 'another hash than before', after);
      expectEqual('the hash of the state', await harness.engine.hash(), after);
    },
  },
  {
    name: 'results that are mapped late are late, whole and the same',
    async run(harness) {
      const expected = await contribute(harness);
      harness.mapLate(LATE_MS);
      const asked = harness.now();
      const late = await contribute(harness);
      const took = harness.now() - asked;
      // Timers may come a little early as `now` has it.
      expectThat(took >= LATE_MS - 1, `an answer after ${LATE_MS} ms or more`, took);
      expectSame('the late one', late, expected);
      harness.mapLate(undefined);
      expectSame('the next', await contribute(harness), expected);
    },
  },
  {
    name: 'a kernel that hangs answers nothing until it goes on, and then what it would have',
    async run(harness) {
      const expected = await contribute(harness);
      harness.hang(true);
      const work = contribute(harness);
      const { isOver } = watch(work);
      await harness.pass(500);
      expectEqual('whether it has answered', isOver(), false);
      harness.hang(false);
      expectSame('the answer', await work, expected);
    },
  },
  {
    name: 'a number that is not finite is flagged in the contribution, with its place, and the next is clean',
    async run(harness) {
      const expected = await contribute(harness);
      harness.poison();
      const poisoned = await contribute(harness);
      const { nonFinite, firstNonFinite } = harness.lanes;
      expectThat((poisoned[nonFinite] ?? 0) > 0, 'the flag of what is not finite', poisoned[nonFinite]);
      expectThat((poisoned[firstNonFinite] ?? 0) > 0, 'the place of the first', poisoned[firstNonFinite]);
      expectSame('the next', await contribute(harness), expected);
    },
  },
  {
    name: 'a flipped bit of a gradient is one bit of one lane, and nothing flags it',
    async run(harness) {
      const expected = await contribute(harness);
      harness.flip();
      const flipped = await contribute(harness);
      const lanes = differences(flipped, expected);
      expectEqual('how many lanes differ', lanes.length, 1);
      const bits = (flipped[lanes[0] ?? 0] ?? 0) ^ (expected[lanes[0] ?? 0] ?? 0);
      expectThat(bits !== 0 && (bits & (bits - 1)) === 0, 'one bit to differ', bits);
      expectSame('the next', await contribute(harness), expected);
    },
  },
];

export const DEVICE_CONTRACT: readonly ContractCase<DeviceHarness>[] = [
  {
    name: 'where no memory is to be had a contribution fails as out of memory, changes nothing, and comes when there is some',
    async run(harness) {
      const expected = await contribute(harness);
      const before = await harness.engine.hash();
      harness.refuseMemory(true);
      expectEqual('the fault', await faultOf('a contribution', contribute(harness)), 'out-of-memory');
      expectEqual('the hash of the state', await harness.engine.hash(), before);
      harness.refuseMemory(false);
      expectSame('the next', await contribute(harness), expected);
    },
  },
  {
    name: 'a device that is lost in the midst of its work says so once, and nothing ever comes of the work',
    async run(harness) {
      const { engine, pass, until } = harness;
      await contribute(harness);
      let fault: EngineFault | undefined;
      void engine.lost.then((error) => void (fault = error.fault));
      const came: string[] = [];
      contribute(harness).then(
        () => came.push('lanes'),
        () => came.push('an error'),
      );
      harness.loseDevice();
      await until('the loss was told', () => fault !== undefined);
      expectEqual('what was told', fault, 'device-lost');
      await pass(500);
      expectThat(!came.includes('lanes'), 'no lanes of a device that is lost', came);
    },
  },
];

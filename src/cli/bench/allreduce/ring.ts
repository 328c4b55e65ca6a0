// The product's all-reduce as a loop over rounds, over whatever moves its parts. Parts of a later round may come early.

import {
  receivePart,
  startAllReduce,
  type AllReduce,
  type OutgoingPart,
} from '../../../collective/all-reduce.ts';
import { mix32 } from '../../../collective/digest.ts';
import { emptyLanes, laneLayout, type LaneLayout } from '../../../collective/lanes.ts';

const MICRO_BATCHES = 8;

/** A layout of so many bytes in all, or a few more. */
export function layoutOf(bytes: number): LaneLayout {
  const overhead = laneLayout(0, 1, MICRO_BATCHES).length;
  return laneLayout(Math.max(1, Math.round(bytes / 4) - overhead), 1, MICRO_BATCHES);
}

/** What a rank contributes: lanes that need all their bits, also when they are added up, so that no byte is saved on the way. */
export function contributionOf(layout: LaneLayout, rank: number): Int32Array<ArrayBuffer> {
  const lanes = emptyLanes(layout);
  for (let i = 0; i < layout.gradient; i++) lanes[i] = mix32(i) + rank;
  return lanes;
}

export interface RingLoop {
  receive(from: number, round: number, part: number, payload: Int32Array<ArrayBuffer>): void;
  /** Resolves when so many rounds are through. */
  readonly done: Promise<void>;
}

/** @throws {RangeError} when a sum comes out wrong or a part does not fit */
export function createRingLoop(options: {
  readonly rank: number;
  readonly world: number;
  readonly bytes: number;
  readonly rounds: number;
  readonly send: (round: number, part: OutgoingPart) => void;
}): RingLoop {
  const { rank, world, rounds, send } = options;
  const layout = layoutOf(options.bytes);
  const own = contributionOf(layout, rank);
  const sumAt = (lane: number): number => (Math.imul(world, mix32(lane)) + (world * (world - 1)) / 2) | 0;
  const early: {
    readonly from: number;
    readonly round: number;
    readonly part: number;
    readonly payload: Int32Array<ArrayBuffer>;
  }[] = [];
  let round = -1;
  let current: AllReduce | undefined;
  let settle: () => void;
  let fail: (error: Error) => void;
  const done = new Promise<void>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });

  const next = (): void => {
    round += 1;
    if (round === rounds) {
      settle();
      return;
    }
    const { state, out } = startAllReduce(rank, world, layout, own.slice());
    current = state;
    for (const part of out) send(round, part);
    for (const waiting of early.splice(0)) take(waiting.from, waiting.round, waiting.part, waiting.payload);
    finish();
  };

  /** Outside of any part's handling, so that a run of one rank does not recurse. */
  const finish = (): void => {
    if (current?.complete !== true) return;
    const { lanes } = current;
    const wrong = [0, layout.gradient - 1].find((lane) => lanes[lane] !== sumAt(lane));
    if (wrong !== undefined) {
      fail(new RangeError(`Round ${round} sums to ${lanes[wrong]} where ${sumAt(wrong)} was expected.`));
      return;
    }
    current = undefined;
    queueMicrotask(next);
  };

  const take = (from: number, of: number, part: number, payload: Int32Array<ArrayBuffer>): void => {
    if (current === undefined || of !== round) {
      early.push({ from, round: of, part, payload });
      return;
    }
    const outcome = receivePart(current, from, part, payload);
    if (outcome.kind === 'invalid') fail(new RangeError(outcome.detail));
    if (outcome.kind === 'progress') for (const out of outcome.out) send(round, out);
    finish();
  };

  queueMicrotask(next);
  return { receive: take, done };
}

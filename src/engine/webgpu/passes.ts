// The plan in force: as many slices a pass as memory allows, and half as many whenever the device says no.

import { EngineError } from '../../ports/engine.ts';
import type { EngineHooks } from '../hooks.ts';
import { bufferLimit } from './limits.ts';
import { createPassPlan, passMemory, type PassPlan, type PlanInput } from './plan/pass-plan.ts';

export interface Passes {
  /** Runs `work` with a plan; when the device runs out of memory in it, again with half the slices a pass. */
  run<Result>(work: (plan: PassPlan) => Promise<Result>): Promise<Result>;
  /** Frees the plan. The next run plans anew, with as much memory as there is then. */
  readonly replan: () => void;
}

export interface PassesOptions extends PlanInput {
  /** Slices in a whole step: more than that a pass never has. */
  readonly slices: number;
  /** Bytes that one pass may take; one slice is planned whatever it takes. */
  readonly budget: number;
  readonly onReplan: EngineHooks['onReplan'];
}

const isExhausted = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.fault === 'out-of-memory';

/** As many slices, up to `most`, as fit the budget and each buffer's limit; at least one. */
export function roomiest(
  { lowered, samplesPerSlice, device }: Pick<PlanInput, 'lowered' | 'samplesPerSlice' | 'device'>,
  most: number,
  budget: number,
): number {
  const limit = bufferLimit(device.limits);
  const fits = (slices: number): boolean => {
    const { bytes, largest } = passMemory(lowered, slices, samplesPerSlice);
    return bytes <= budget && largest.bytes <= limit;
  };
  let few = 1;
  let many = most;
  while (few < many) {
    const middle = Math.ceil((few + many) / 2);
    if (fits(middle)) few = middle;
    else many = middle - 1;
  }
  return few;
}

export function createPasses(options: PassesOptions): Passes {
  let plan: PassPlan | undefined;

  const replan = (): void => {
    plan?.free();
    plan = undefined;
  };

  /** A plan for at most `wanted` slices a pass, halved until its memory is granted. */
  const ensure = async (wanted: number): Promise<PassPlan> => {
    if (plan !== undefined && plan.capacity <= wanted) return plan;
    replan();
    for (let slices = wanted; ; slices = Math.floor(slices / 2)) {
      try {
        plan = await createPassPlan(options, slices);
        return plan;
      } catch (error) {
        if (!isExhausted(error) || slices === 1) throw error;
        options.onReplan?.({ slicesPerPass: Math.floor(slices / 2), reason: error.message });
      }
    }
  };

  return {
    async run(work) {
      let wanted = roomiest(options, options.slices, options.budget);
      for (;;) {
        const current = await ensure(wanted);
        try {
          return await work(current);
        } catch (error) {
          if (!isExhausted(error) || current.capacity === 1) throw error;
          wanted = Math.floor(current.capacity / 2);
          options.onReplan?.({ slicesPerPass: wanted, reason: error.message });
        }
      }
    },
    replan,
  };
}

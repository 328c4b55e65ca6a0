// One update of the optimizer in portable arithmetic: f64 between, f32 in memory, the same bits in every JavaScript engine.
//
// Definitions are PyTorch's. AdamW (Loshchilov and Hutter 2019; torch.optim.AdamW): the decay is decoupled from the gradient, and ε
// is added to the root of the corrected second moment. SGD with momentum (torch.optim.SGD without dampening): the decay joins the
// gradient.

import type { LaneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import type { Optimizer } from '../../job/optimizer-schema.ts';
import type { ParameterTensor, TrainingState } from '../../ports/engine.ts';
import { clipCoefficient, globalNorm } from './clip.ts';
import { laneScales, nextExponents } from './fixed-point.ts';
import { rateFactor } from './schedule.ts';

/** The powers of the betas after one more step, multiplied once a step, so that no power function is needed. */
export function nextPowers(optimizer: Optimizer, powers: Float32Array): Float32Array<ArrayBuffer> {
  switch (optimizer.kind) {
    case 'adamw':
      return Float32Array.of(powers[0]! * optimizer.beta1, powers[1]! * optimizer.beta2);
    case 'sgd':
      return new Float32Array(0);
  }
}

/** The numbers of one update, computed once and the same for every element. */
export type UpdateConstants =
  | {
      readonly kind: 'adamw';
      readonly beta1: number;
      readonly beta2: number;
      /** 1 − lr · weight decay */
      readonly decay: number;
      /** lr / (1 − β₁^(s+1)) */
      readonly stepSize: number;
      /** √(1 − β₂^(s+1)) */
      readonly rootCorrection: number;
      readonly epsilon: number;
    }
  | {
      readonly kind: 'sgd';
      readonly rate: number;
      readonly momentum: number;
      readonly weightDecay: number;
    };

/** For the update from `step` on; `powers` are those after it. */
export function updateConstants(
  { optimizer, schedule }: Pick<Job, 'optimizer' | 'schedule'>,
  step: number,
  powers: Float32Array,
): UpdateConstants {
  const rate = optimizer.learningRate * rateFactor(schedule, step);
  switch (optimizer.kind) {
    case 'adamw':
      return {
        kind: 'adamw',
        beta1: optimizer.beta1,
        beta2: optimizer.beta2,
        decay: 1 - rate * optimizer.weightDecay,
        stepSize: rate / (1 - powers[0]!),
        rootCorrection: Math.sqrt(1 - powers[1]!),
        epsilon: optimizer.epsilon,
      };
    case 'sgd':
      return { kind: 'sgd', rate, momentum: optimizer.momentum, weightDecay: optimizer.weightDecay };
  }
}

/** What the dequantised gradient is multiplied by: 1, or less where the job clips it by its norm. */
export const clipFactor = (clipNorm: Job['clipNorm'], norm: () => number): number =>
  clipNorm === null ? 1 : clipCoefficient(clipNorm, norm());

/**
 * Advances `state` by one step, in place where it is long. `exponents` are those that the contributions were quantised with.
 * Returns the new state, which shares the long arrays with the old one.
 */
export function applyUpdate(
  job: Pick<Job, 'optimizer' | 'schedule' | 'clipNorm'>,
  layout: LaneLayout,
  tensors: readonly ParameterTensor[],
  state: TrainingState,
  reduced: Int32Array,
  exponents: Int32Array,
): TrainingState {
  const powers = nextPowers(job.optimizer, state.powers);
  const constants = updateConstants(job, state.step, powers);
  const clip = clipFactor(job.clipNorm, () => globalNorm(layout, tensors, reduced, exponents));
  const scales = laneScales(layout, exponents);
  tensors.forEach(({ offset, length }, t) => {
    updateTensor(constants, state, offset, offset + length, reduced, scales[t]! * clip);
  });
  return { ...state, step: state.step + 1, powers, exponents: nextExponents(layout, state, reduced) };
}

/** Elements from `first` up to `end`, whose gradient is reduced · scale. */
function updateTensor(
  constants: UpdateConstants,
  { parameters: p, firstMoments: m, secondMoments: v }: TrainingState,
  first: number,
  end: number,
  reduced: Int32Array,
  scale: number,
): void {
  switch (constants.kind) {
    case 'adamw': {
      const { beta1, beta2, decay, stepSize, rootCorrection, epsilon } = constants;
      const rest1 = 1 - beta1;
      const rest2 = 1 - beta2;
      for (let i = first; i < end; i++) {
        const g = reduced[i]! * scale;
        m[i] = beta1 * m[i]! + rest1 * g;
        v[i] = beta2 * v[i]! + rest2 * g * g;
        p[i] = p[i]! * decay - (stepSize * m[i]!) / (Math.sqrt(v[i]!) / rootCorrection + epsilon);
      }
      return;
    }
    case 'sgd': {
      const { rate, momentum, weightDecay } = constants;
      for (let i = first; i < end; i++) {
        m[i] = momentum * m[i]! + (reduced[i]! * scale + weightDecay * p[i]!);
        p[i] = p[i]! - rate * m[i]!;
      }
    }
  }
}

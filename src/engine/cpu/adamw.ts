// One AdamW update in portable arithmetic: f64 between, f32 in memory, the same bits in every JavaScript engine.
//
// The definition is PyTorch's (torch.optim.AdamW, after Loshchilov and Hutter 2019): the decay is decoupled from the gradient, and
// ε is added to the root of the corrected second moment.

import type { LaneLayout } from '../../collective/lanes.ts';
import type { Optimizer } from '../../job/job.ts';
import type { ParameterTensor } from '../../job/model.ts';
import type { TrainingState } from '../../ports/engine.ts';
import { laneScales, nextExponents } from './fixed-point.ts';

/** f32[2]: β₁^(s+1), β₂^(s+1), from the powers at s: multiplied once a step, so that no power function is needed. */
export const nextPowers = (optimizer: Optimizer, powers: Float32Array): Float32Array<ArrayBuffer> =>
  Float32Array.of(powers[0]! * optimizer.beta1, powers[1]! * optimizer.beta2);

/** The numbers of one update, computed once and the same for every element. */
export interface UpdateConstants {
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

export function updateConstants(optimizer: Optimizer, powers: Float32Array): UpdateConstants {
  return {
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    decay: 1 - optimizer.learningRate * optimizer.weightDecay,
    stepSize: optimizer.learningRate / (1 - powers[0]!),
    rootCorrection: Math.sqrt(1 - powers[1]!),
    epsilon: optimizer.epsilon,
  };
}

/**
 * Advances `state` by one step, in place where it is long. `exponents` are those that the contributions were quantised with.
 * Returns the new state, which shares the long arrays with the old one.
 */
export function applyAdamW(
  optimizer: Optimizer,
  layout: LaneLayout,
  tensors: readonly ParameterTensor[],
  state: TrainingState,
  reduced: Int32Array,
  exponents: Int32Array,
): TrainingState {
  const powers = nextPowers(optimizer, state.powers);
  const { beta1, beta2, decay, stepSize, rootCorrection, epsilon } = updateConstants(optimizer, powers);
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  const scales = laneScales(layout, exponents);
  const p = state.parameters;
  const m = state.firstMoments;
  const v = state.secondMoments;
  tensors.forEach((tensor, t) => {
    const scale = scales[t]!;
    const end = tensor.offset + tensor.length;
    for (let i = tensor.offset; i < end; i++) {
      const g = reduced[i]! * scale;
      m[i] = beta1 * m[i]! + rest1 * g;
      v[i] = beta2 * v[i]! + rest2 * g * g;
      p[i] = p[i]! * decay - (stepSize * m[i]!) / (Math.sqrt(v[i]!) / rootCorrection + epsilon);
    }
  });
  return { ...state, step: state.step + 1, powers, exponents: nextExponents(layout, reduced) };
}

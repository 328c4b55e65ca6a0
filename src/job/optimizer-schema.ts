// Optimizers, learning-rate schedules and clipping as data.

import * as v from 'valibot';

const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const rate = v.pipe(v.number(), v.minValue(0), v.maxValue(10));
const steps = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000_000));

const AdamWSchema = v.strictObject({
  kind: v.literal('adamw'),
  learningRate: rate,
  beta1: v.pipe(fraction, v.maxValue(0.999999)),
  beta2: v.pipe(fraction, v.maxValue(0.9999999)),
  epsilon: v.pipe(v.number(), v.minValue(1e-12), v.maxValue(1)),
  weightDecay: rate,
});

/** torch.optim.SGD without dampening or Nesterov: the decay joins the gradient. */
const SgdSchema = v.strictObject({
  kind: v.literal('sgd'),
  learningRate: rate,
  momentum: v.pipe(fraction, v.maxValue(0.999999)),
  weightDecay: rate,
});

export const OptimizerSchema = v.variant('kind', [AdamWSchema, SgdSchema]);
export type Optimizer = Readonly<v.InferOutput<typeof OptimizerSchema>>;

/** What an optimizer keeps besides the parameters: so many moments for each of them, and powers of its betas. */
export interface OptimizerMemory {
  readonly moments: 1 | 2;
  readonly powers: 0 | 2;
}

export function optimizerMemory(optimizer: Optimizer): OptimizerMemory {
  switch (optimizer.kind) {
    case 'adamw':
      return { moments: 2, powers: 2 };
    case 'sgd':
      return { moments: 1, powers: 0 };
  }
}

/** What the learning rate is multiplied by at each step. */
export const ScheduleSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('constant') }),
  v.pipe(
    v.strictObject({
      kind: v.literal('cosine'),
      /** Steps of linear warm-up. */
      warmup: steps,
      /** The step at which the least rate is reached, and kept from then on. */
      end: steps,
      /** The least rate, as a fraction of the optimizer's. */
      floor: fraction,
    }),
    v.check((schedule) => schedule.warmup < schedule.end, 'warmup must be less than end'),
  ),
]);
export type Schedule = Readonly<v.InferOutput<typeof ScheduleSchema>>;

/** The largest global norm of a gradient that is applied as it is (torch.nn.utils.clip_grad_norm_); null: no limit. */
export const ClipNormSchema = v.nullable(v.pipe(v.number(), v.minValue(1e-6), v.maxValue(1e6)));

// Models as data: what a network is made of. Shapes and arithmetic belong to the layers (src/engine/layers).

import * as v from 'valibot';

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const units = count(65_536);

/** `gelu` is the exact one, x · Φ(x); `gelu_tanh` its approximation that GPT-2 uses. Names are PyTorch's. */
export const ActivationSchema = v.picklist(['relu', 'gelu', 'gelu_tanh', 'silu', 'tanh']);

const MlpSchema = v.strictObject({
  kind: v.literal('mlp'),
  /** Units in each layer, inputs first: [784, 128, 64, 10]. */
  layers: v.pipe(v.array(units), v.minLength(2), v.maxLength(32)),
  activation: ActivationSchema,
});

const Pool = { kernel: count(64), stride: count(64) };

const CnnLayerSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('conv2d'),
    /** Output channels. */
    channels: count(4096),
    /** Side of a square kernel, or height and width. */
    kernel: v.union([count(31), v.tuple([count(31), count(31)])]),
    stride: count(16),
    /** Zeros on every side. */
    padding: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(15)),
  }),
  v.strictObject({ kind: v.literal('activation'), function: ActivationSchema }),
  v.strictObject({ kind: v.literal('max_pool2d'), ...Pool }),
  v.strictObject({ kind: v.literal('avg_pool2d'), ...Pool }),
  v.strictObject({ kind: v.literal('flatten') }),
  v.strictObject({ kind: v.literal('linear'), units }),
]);

const CnnSchema = v.strictObject({
  kind: v.literal('cnn'),
  /** [channels, height, width] of an input. */
  image: v.tuple([count(1024), count(4096), count(4096)]),
  /** In order; parameters are named by position, as in torch.nn.Sequential. The last one gives the logits. */
  layers: v.pipe(v.array(CnnLayerSchema), v.minLength(1), v.maxLength(64)),
});

const GptSchema = v.pipe(
  v.strictObject({
    kind: v.literal('gpt'),
    vocabulary: v.pipe(units, v.minValue(2)),
    /** Tokens in a sample, and positions that are learned. */
    context: count(4096),
    width: count(8192),
    heads: count(128),
    layers: count(64),
  }),
  v.check((gpt) => gpt.width % gpt.heads === 0, 'width must be a multiple of heads'),
);

export const ModelSchema = v.variant('kind', [MlpSchema, CnnSchema, GptSchema]);

export type Model = Readonly<v.InferOutput<typeof ModelSchema>>;
export type Activation = v.InferOutput<typeof ActivationSchema>;

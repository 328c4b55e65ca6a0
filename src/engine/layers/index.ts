// Every layer by its kind. The types make a layer that either engine lacks an error of the compiler.

import type { Activation } from '../../job/model-schema.ts';
import type { ActivationSpec } from './activation.ts';
import { add, type AddSpec } from './add.ts';
import { avgPool2d, type AvgPool2dSpec } from './avg-pool2d.ts';
import { causalAttention, type CausalAttentionSpec } from './causal-attention.ts';
import { conv2d, type Conv2dSpec } from './conv2d.ts';
import { embedding, type EmbeddingSpec } from './embedding.ts';
import { flatten, type FlattenSpec } from './flatten.ts';
import { geluTanh } from './gelu-tanh.ts';
import { gelu } from './gelu.ts';
import { layerNorm, type LayerNormSpec } from './layer-norm.ts';
import type { Layer } from './layer.ts';
import { linear, type LinearSpec } from './linear.ts';
import { maxPool2d, type MaxPool2dSpec } from './max-pool2d.ts';
import { positionEmbedding, type PositionEmbeddingSpec } from './position-embedding.ts';
import { relu } from './relu.ts';
import { silu } from './silu.ts';
import { softmax, type SoftmaxSpec } from './softmax.ts';
import { tanh } from './tanh.ts';

/** A layer as a model asks for it. */
export type LayerSpec =
  | LinearSpec
  | { readonly [Kind in Activation]: ActivationSpec<Kind> }[Activation]
  | Conv2dSpec
  | MaxPool2dSpec
  | AvgPool2dSpec
  | FlattenSpec
  | EmbeddingSpec
  | PositionEmbeddingSpec
  | LayerNormSpec
  | CausalAttentionSpec
  | SoftmaxSpec
  | AddSpec;

type LayerOf<Kind extends LayerSpec['kind']> = Layer<Extract<LayerSpec, { readonly kind: Kind }>>;

export const LAYERS: { readonly [Kind in LayerSpec['kind']]: LayerOf<Kind> } = {
  linear,
  relu,
  gelu,
  gelu_tanh: geluTanh,
  silu,
  tanh,
  conv2d,
  max_pool2d: maxPool2d,
  avg_pool2d: avgPool2d,
  flatten,
  embedding,
  position_embedding: positionEmbedding,
  layer_norm: layerNorm,
  causal_attention: causalAttention,
  softmax,
  add,
};

/** The layer of a spec. Only specs of its own kind may be handed to it, which the type cannot say. */
export const layerOf = (spec: LayerSpec): Layer<LayerSpec> => LAYERS[spec.kind] as Layer<LayerSpec>;

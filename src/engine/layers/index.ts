// Every layer by its kind. The type makes a layer that one engine lacks an error of the compiler.

import { type Layer, type LayerShapes, type Shape } from './layer.ts';

/** SKETCH for the author of the CPU layers: each `Spec` is exported by its layer's file. */
export type LayerSpec =
  | { readonly kind: 'linear'; readonly units: number; readonly bias?: boolean; readonly deviation?: number }
  | { readonly kind: 'relu' | 'gelu' | 'gelu_tanh' | 'silu' | 'tanh' }
  | { readonly kind: 'conv2d'; readonly channels: number; readonly kernel: number; readonly stride: number; readonly padding: number }
  | { readonly kind: 'max_pool2d' | 'avg_pool2d'; readonly kernel: number; readonly stride: number }
  | { readonly kind: 'flatten' }
  | { readonly kind: 'embedding'; readonly vocabulary: number; readonly width: number; readonly deviation: number }
  | { readonly kind: 'position_embedding'; readonly deviation: number }
  | { readonly kind: 'layer_norm'; readonly epsilon: number }
  | { readonly kind: 'causal_attention'; readonly heads: number }
  | { readonly kind: 'add' };

type LayerOf<Kind extends LayerSpec['kind']> = Layer<Extract<LayerSpec, { kind: Kind }>>;
export declare const LAYERS: { readonly [Kind in LayerSpec['kind']]: LayerOf<Kind> };
export declare function shapesOf(spec: LayerSpec, inputs: readonly Shape[]): LayerShapes;

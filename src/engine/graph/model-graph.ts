// The graph of each kind of model. Parameter names are PyTorch's: torch.nn.Sequential's numbers, and nanoGPT's names.

import type { Model } from '../../job/model-schema.ts';
import { createGraphBuilder, type Graph } from './graph.ts';

type Of<Kind extends Model['kind']> = Extract<Model, { kind: Kind }>;

/** GPT-2's, in every layer norm. */
const LAYER_NORM_EPSILON = 1e-5;
/** GPT-2's standard deviation of the initial weights. */
const GPT_DEVIATION = 0.02;

/** Throws a `ShapeError` when the layers do not fit each other. */
export function modelGraph(model: Model): Graph {
  switch (model.kind) {
    case 'mlp':
      return mlpGraph(model);
    case 'cnn':
      return cnnGraph(model);
    case 'gpt':
      return gptGraph(model);
  }
}

/** linear, activation, linear, …, linear. */
function mlpGraph(model: Of<'mlp'>): Graph {
  const builder = createGraphBuilder({ shape: [model.layers[0] ?? 0], type: 'f32' });
  let value = builder.input;
  model.layers.slice(1).forEach((units, i) => {
    if (i > 0) value = builder.add({ kind: model.activation }, String(2 * i - 1), [value]);
    value = builder.add({ kind: 'linear', units }, String(2 * i), [value]);
  });
  return builder.finish(value);
}

function cnnGraph(model: Of<'cnn'>): Graph {
  const builder = createGraphBuilder({ shape: model.image, type: 'f32' });
  let value = builder.input;
  model.layers.forEach((layer, i) => {
    const spec = layer.kind === 'activation' ? { kind: layer.function } : layer;
    value = builder.add(spec, String(i), [value]);
  });
  return builder.finish(value);
}

/** GPT-2 (Radford et al. 2019), pre-norm, with learned positions and the head tied to the token embedding. */
function gptGraph(model: Of<'gpt'>): Graph {
  const { vocabulary, context, width, heads, layers } = model;
  const deviation = GPT_DEVIATION;
  // Residual projections start smaller by the number of additions to the stream, as GPT-2 has it.
  const residual = GPT_DEVIATION / Math.sqrt(2 * layers);
  const builder = createGraphBuilder({ shape: [context], type: 'tokens' });
  const norm = { kind: 'layer_norm', epsilon: LAYER_NORM_EPSILON } as const;

  const tokens = builder.add({ kind: 'embedding', vocabulary, width, deviation }, 'transformer.wte', [
    builder.input,
  ]);
  let stream = builder.add({ kind: 'position_embedding', deviation }, 'transformer.wpe', [tokens]);
  for (let block = 0; block < layers; block++) {
    const at = (name: string): string => `transformer.h.${block}.${name}`;
    const linear = (units: number, name: string, value: number, spread: number): number =>
      builder.add({ kind: 'linear', units, deviation: spread }, at(name), [value]);

    const normed = builder.add(norm, at('ln_1'), [stream]);
    const qkv = linear(3 * width, 'attn.c_attn', normed, deviation);
    const attended = builder.add({ kind: 'causal_attention', heads }, at('attn'), [qkv]);
    stream = builder.add({ kind: 'add' }, at('attn'), [
      stream,
      linear(width, 'attn.c_proj', attended, residual),
    ]);

    const normed2 = builder.add(norm, at('ln_2'), [stream]);
    const wide = linear(4 * width, 'mlp.c_fc', normed2, deviation);
    const active = builder.add({ kind: 'gelu_tanh' }, at('mlp'), [wide]);
    stream = builder.add({ kind: 'add' }, at('mlp'), [stream, linear(width, 'mlp.c_proj', active, residual)]);
  }
  const last = builder.add(norm, 'transformer.ln_f', [stream]);
  const logits = builder.add(
    { kind: 'linear', units: vocabulary, bias: false },
    'lm_head',
    [last],
    ['transformer.wte.weight'],
  );
  return builder.finish(logits);
}

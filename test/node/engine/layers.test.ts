// Every layer is whole: both engines compute it, forward and backward, and both know its parameters.

import { describe, expect, test } from 'vitest';
import { createGraphBuilder } from '../../../src/engine/graph/graph.ts';
import { modelGraph } from '../../../src/engine/graph/model-graph.ts';
import { layerOf, LAYERS, type LayerSpec } from '../../../src/engine/layers/index.ts';
import { elements, ShapeError, type Shape } from '../../../src/engine/layers/layer.ts';
import { ActivationSchema } from '../../../src/job/model-schema.ts';

/** One layer of each kind, and the inputs that it takes. */
const EXAMPLES: { readonly [Kind in LayerSpec['kind']]: readonly [LayerSpec, ...Shape[]] } = {
  linear: [{ kind: 'linear', units: 5 }, [3, 4]],
  relu: [{ kind: 'relu' }, [7]],
  gelu: [{ kind: 'gelu' }, [7]],
  gelu_tanh: [{ kind: 'gelu_tanh' }, [7]],
  silu: [{ kind: 'silu' }, [7]],
  tanh: [{ kind: 'tanh' }, [7]],
  conv2d: [{ kind: 'conv2d', channels: 3, kernel: 3, stride: 2, padding: 1 }, [2, 7, 5]],
  max_pool2d: [{ kind: 'max_pool2d', kernel: 2, stride: 2 }, [2, 7, 5]],
  avg_pool2d: [{ kind: 'avg_pool2d', kernel: 3, stride: 1 }, [2, 7, 5]],
  flatten: [{ kind: 'flatten' }, [2, 7, 5]],
  embedding: [{ kind: 'embedding', vocabulary: 9, width: 4, deviation: 1 }, [6]],
  position_embedding: [{ kind: 'position_embedding', deviation: 1 }, [6, 4]],
  layer_norm: [{ kind: 'layer_norm', epsilon: 1e-5 }, [6, 4]],
  causal_attention: [{ kind: 'causal_attention', heads: 2 }, [6, 12]],
  softmax: [{ kind: 'softmax' }, [6, 4]],
  add: [{ kind: 'add' }, [6, 4], [6, 4]],
};

/** Shapes of output and parameters, as PyTorch has them. */
const EXPECTED: { readonly [Kind in LayerSpec['kind']]: readonly [Shape, Readonly<Record<string, Shape>>] } =
  {
    linear: [[3, 5], { weight: [5, 4], bias: [5] }],
    relu: [[7], {}],
    gelu: [[7], {}],
    gelu_tanh: [[7], {}],
    silu: [[7], {}],
    tanh: [[7], {}],
    conv2d: [[3, 4, 3], { weight: [3, 2, 3, 3], bias: [3] }],
    max_pool2d: [[2, 3, 2], {}],
    avg_pool2d: [[2, 5, 3], {}],
    flatten: [[70], {}],
    embedding: [[6, 4], { weight: [9, 4] }],
    position_embedding: [[6, 4], { weight: [6, 4] }],
    layer_norm: [[6, 4], { weight: [4], bias: [4] }],
    causal_attention: [[6, 4], {}],
    softmax: [[6, 4], {}],
    add: [[6, 4], {}],
  };

describe.each(Object.keys(LAYERS) as LayerSpec['kind'][])('the layer %s', (kind) => {
  const [spec, ...inputs] = EXAMPLES[kind];
  const layer = layerOf(spec);
  const shapes = layer.shapes(spec, inputs);

  test('has the shapes that PyTorch gives it', () => {
    const [output, parameters] = EXPECTED[kind];
    expect(shapes.output).toEqual(output);
    expect(Object.fromEntries(shapes.parameters.map(({ name, shape }) => [name, shape]))).toEqual(parameters);
  });

  test('computes a gradient for parameters exactly where it has parameters', () => {
    expect(layer.cpu.parameterGradient !== undefined).toBe(shapes.parameters.length > 0);
  });

  test('adds to a gradient that another layer has put there, and writes over what is stale', () => {
    const samples = 2;
    const isToken = kind === 'embedding';
    const [first = []] = inputs;
    const builder = createGraphBuilder({ shape: first, type: isToken ? 'tokens' : 'f32' });
    const graph = builder.finish(
      builder.add(
        spec,
        '',
        inputs.map(() => builder.input),
      ),
    );
    const [node] = graph.nodes;
    if (node === undefined) throw new Error('There is one node.');
    const ramp = (length: number): Float64Array =>
      Float64Array.from({ length }, (_, i) => Math.sin(3 * i + 1));
    const pass = {
      samples,
      parameters: ramp(graph.parameterCount),
      inputs: inputs.map((shape) =>
        isToken ? new Int32Array(samples * elements(shape)).fill(3) : ramp(samples * elements(shape)),
      ),
      output: new Float64Array(samples * elements(shapes.output)),
      saved: new Float64Array(samples * shapes.saved),
    };
    layer.cpu.forward(node, pass);
    const outputGradient = ramp(pass.output.length);
    const gradientsFrom = (start: number, held: boolean) => {
      const inputGradients = inputs.map((shape) => new Float64Array(samples * elements(shape)).fill(start));
      const gradient = new Float64Array(graph.parameterCount).fill(start);
      const accumulate = [held, held];
      layer.cpu.backward(node, {
        ...pass,
        outputGradient,
        inputGradients: isToken ? [undefined] : inputGradients,
        accumulate,
      });
      layer.cpu.parameterGradient?.(node, {
        ...pass,
        outputGradient,
        first: 0,
        count: samples,
        gradient,
        accumulate,
      });
      return [...(isToken ? [] : inputGradients), gradient];
    };
    const fresh = gradientsFrom(99, false);
    const added = gradientsFrom(0.5, true);
    fresh.forEach((gradient, i) => {
      gradient.forEach((value, j) => expect(added[i]?.[j]).toBeCloseTo(value + 0.5, 12));
    });
  });

  test('refuses inputs that it cannot take', () => {
    expect(() => layer.shapes(spec, [])).toThrow(ShapeError);
    expect(() => layer.shapes(spec, [[]])).toThrow(ShapeError);
  });
});

test('every activation that a model may name is a layer', () => {
  for (const name of ActivationSchema.options) expect(LAYERS[name]).toBeDefined();
});

describe('the graph of a model', () => {
  test('names the parameters of a GPT as nanoGPT does, with the head tied to the token embedding', () => {
    const { parameters, parameterCount, positions, classes } = modelGraph({
      kind: 'gpt',
      vocabulary: 78,
      context: 32,
      width: 64,
      heads: 4,
      layers: 2,
    });
    const names = parameters.map(({ name }) => name);
    expect(names.slice(0, 6)).toEqual([
      'transformer.wte.weight',
      'transformer.wpe.weight',
      'transformer.h.0.ln_1.weight',
      'transformer.h.0.ln_1.bias',
      'transformer.h.0.attn.c_attn.weight',
      'transformer.h.0.attn.c_attn.bias',
    ]);
    expect(names.at(-1)).toBe('transformer.ln_f.bias');
    expect(names).toHaveLength(2 + 2 * 12 + 2);
    expect(parameterCount).toBe(107_136);
    expect([positions, classes]).toEqual([32, 78]);
  });

  test('numbers the layers of a sequential model, whether they have parameters or not', () => {
    const { parameters } = modelGraph({
      kind: 'cnn',
      image: [1, 8, 8],
      layers: [
        { kind: 'conv2d', channels: 4, kernel: 3, stride: 1, padding: 1 },
        { kind: 'activation', function: 'relu' },
        { kind: 'max_pool2d', kernel: 2, stride: 2 },
        { kind: 'flatten' },
        { kind: 'linear', units: 10 },
      ],
    });
    expect(parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['0.weight', [4, 1, 3, 3]],
      ['0.bias', [4]],
      ['4.weight', [10, 64]],
      ['4.bias', [10]],
    ]);
  });
});

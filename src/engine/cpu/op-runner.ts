// Single operations on the CPU engine's own code.

import { createGraphBuilder } from '../graph/graph.ts';
import { layerOf } from '../layers/index.ts';
import { elements } from '../layers/layer.ts';
import type { OpRunner } from '../op-runner.ts';
import { matmul } from './matmul.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

export const cpuOpRunner: OpRunner = {
  async matmul({ m, n, k, transposeA, transposeB, a, b }) {
    const c = new Float32Array(m * n);
    matmul(
      m,
      n,
      k,
      { data: a, offset: 0, stride: transposeA ? m : k, transposed: transposeA },
      { data: b, offset: 0, stride: transposeB ? k : n, transposed: transposeB },
      { data: c, offset: 0, stride: n },
    );
    return c;
  },

  async layer({ spec, samples, inputs, parameters, upstream }) {
    const [first, ...others] = inputs.map(({ shape, data }) => ({
      shape,
      type: data instanceof Int32Array ? ('tokens' as const) : ('f32' as const),
    }));
    if (first === undefined) throw new RangeError('A layer has an input.');
    if (others.length > 0) throw new RangeError('Layers of more than one input are tried in whole models.');
    const builder = createGraphBuilder(first);
    const { nodes, parameterCount } = builder.finish(builder.add(spec, '', [builder.input]));
    const [node] = nodes;
    if (node === undefined) throw new RangeError('A graph of one layer has one node.');

    const weights = new Float32Array(parameterCount);
    node.parameters.forEach(({ offset }, i) => weights.set(parameters[i] ?? [], offset));
    const layer = layerOf(spec);
    const pass = {
      samples,
      parameters: weights,
      inputs: inputs.map(({ data }) => data),
      output: new Float32Array(samples * elements(node.output)),
      saved: new Float32Array(samples * node.saved),
    };
    layer.cpu.forward(node, pass);
    const inputGradients = inputs.map(({ data }) =>
      data instanceof Int32Array ? undefined : new Float32Array(data.length),
    );
    const accumulate: readonly boolean[] = [];
    layer.cpu.backward(node, { ...pass, outputGradient: upstream, inputGradients, accumulate });
    const gradient = new Float32Array(parameterCount);
    layer.cpu.parameterGradient?.(node, {
      ...pass,
      outputGradient: upstream,
      first: 0,
      count: samples,
      gradient,
      accumulate,
    });
    return {
      output: pass.output,
      inputGradients,
      parameterGradients: node.parameters.map(({ offset, length }) =>
        gradient.subarray(offset, offset + length),
      ),
    };
  },

  async crossEntropy({ rows, classes, logits, labels }) {
    const losses = new Float32Array(rows);
    const gradient = new Float32Array(rows * classes);
    softmaxCrossEntropy(rows, classes, logits, labels, rows, losses, gradient);
    return { loss: losses.reduce((sum, loss) => sum + loss, 0) / rows, gradient };
  },
};

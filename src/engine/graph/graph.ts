// A model as a graph of layers: which values there are, who makes them, who reads them, and where the parameters lie.

import type { ParameterTensor } from '../../ports/engine.ts';
import { elements, ShapeError, type Initialization, type Place, type Shape } from '../layers/layer.ts';
import { layerOf, type LayerSpec } from '../layers/index.ts';

/** Index into `Graph.values`. */
export type ValueId = number;

export interface Value {
  readonly shape: Shape;
  /** `tokens`: i32, the graph's input of a language model. */
  readonly type: 'f32' | 'tokens';
}

export interface Node extends Place<LayerSpec> {
  /** Values read and made. */
  readonly reads: readonly ValueId[];
  readonly makes: ValueId;
}

export interface Parameter extends ParameterTensor {
  readonly initialization: Initialization;
}

/** Nodes are in an order in which they can be computed. Value 0 is the input; the last node makes the logits. */
export interface Graph {
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
  readonly parameters: readonly Parameter[];
  /** P: elements of all parameters. */
  readonly parameterCount: number;
  readonly logits: ValueId;
  /** Predictions a sample: one for a classifier, `context` for a language model. */
  readonly positions: number;
  readonly classes: number;
  /** Floating-point operations of one sample's forward pass, to the nearest order: two for each weight at each position it is used. */
  readonly flops: number;
}

export interface GraphBuilder {
  readonly input: ValueId;
  /**
   * Adds a layer. `name` is the module's, in front of its parameters' names. `tied` takes parameters that exist, by full name, in the
   * place of the layer's own. Throws a `ShapeError`.
   */
  add(spec: LayerSpec, name: string, reads: readonly ValueId[], tied?: readonly string[]): ValueId;
  finish(logits: ValueId): Graph;
}

/** A matrix of weights [out, …] is used once for each of the output's elements that share a row of it. */
function flopsOf({ output, parameters: [weight] }: Node): number {
  if (weight === undefined || weight.shape.length < 2) return elements(output);
  return (2 * elements(output) * weight.length) / (weight.shape[0] ?? 1);
}

export function createGraphBuilder(input: Value): GraphBuilder {
  const values: Value[] = [input];
  const nodes: Node[] = [];
  const parameters: Parameter[] = [];
  let count = 0;

  const valueAt = (id: ValueId): Value => {
    const value = values[id];
    if (value === undefined) throw new ShapeError(`There is no value ${id}; ${values.length} were made.`);
    return value;
  };

  const declare = (name: string, shape: Shape, initialization: Initialization): Parameter => {
    const length = elements(shape);
    const parameter = { name, shape, offset: count, length, initialization };
    parameters.push(parameter);
    count += length;
    return parameter;
  };

  const existing = (name: string, shape: Shape): Parameter => {
    const found = parameters.find((parameter) => parameter.name === name);
    if (found === undefined || found.shape.join() !== shape.join()) {
      throw new ShapeError(
        `A tied parameter should be [${shape.join(', ')}]; "${name}" is ${found === undefined ? 'missing' : `[${found.shape.join(', ')}]`}.`,
      );
    }
    return found;
  };

  return {
    input: 0,

    add(spec, name, reads, tied) {
      const inputs = reads.map((id) => valueAt(id).shape);
      const shapes = layerOf(spec).shapes(spec, inputs);
      const own = shapes.parameters.map((parameter, i) => {
        const other = tied?.[i];
        if (other !== undefined) return existing(other, parameter.shape);
        const full = name === '' ? parameter.name : `${name}.${parameter.name}`;
        return declare(full, parameter.shape, parameter.initialization);
      });
      const makes = values.push({ shape: shapes.output, type: 'f32' }) - 1;
      nodes.push({
        spec,
        inputs,
        output: shapes.output,
        parameters: own,
        saved: shapes.saved,
        reads,
        makes,
      });
      return makes;
    },

    finish(logits) {
      const { shape } = valueAt(logits);
      const classes = shape.at(-1) ?? 1;
      return {
        values,
        nodes,
        parameters,
        parameterCount: count,
        logits,
        positions: elements(shape) / classes,
        classes,
        flops: nodes.reduce((sum, node) => sum + flopsOf(node), 0),
      };
    },
  };
}

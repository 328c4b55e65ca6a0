// A model's graph with the memory for its values: forward, loss, backward.

import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { layerOf } from '../layers/index.ts';
import { elements, type Floats } from '../layers/layer.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

/** Samples as a graph takes them: numbers, or token numbers; and one label for each prediction. */
export interface NetworkInput {
  readonly inputs: Floats | Int32Array;
  readonly labels: Int32Array;
}

export interface Network {
  /** [samples, positions]: the loss of each prediction of the last forward pass. */
  readonly losses: Floats;
  readonly buffers: number;
  readonly bytes: number;
  /** [samples, positions, classes], until the next call. */
  logits(samples: number, parameters: Floats, inputs: NetworkInput['inputs']): Floats;
  /** Computes losses alone. Returns how many predictions are right. */
  guess(samples: number, parameters: Floats, input: NetworkInput): number;
  /** Computes losses, and the gradient of Σ loss / divisor at every value. Returns how many predictions are right. */
  run(samples: number, parameters: Floats, input: NetworkInput, divisor: number): number;
  /**
   * As `run`, and the gradient summed over all samples: [P]. Says after which node (its place in the graph) the gradients of its
   * parameters are in, from the last to the first.
   */
  learn(
    samples: number,
    parameters: Floats,
    input: NetworkInput,
    divisor: number,
    gradient: Floats,
    made: (node: number) => void,
  ): number;
  /** After `run`: [P], the gradient summed over `count` samples from `first` on. */
  gradient(first: number, count: number, gradient: Floats): void;
}

/** What one node works on. */
interface Placed {
  readonly node: Node;
  readonly saved: Floats;
  /** Whether an input's gradient, or a parameter's, already holds what another node put there. */
  readonly accumulateInputs: readonly boolean[];
  readonly accumulateParameters: readonly boolean[];
}

/** For each node in backward order, which of what it writes another node has written before. */
function placedNodes(graph: Graph, capacity: number, create: (length: number) => Floats): readonly Placed[] {
  const written = new Set<ValueId>();
  const filled = new Set<number>();
  return graph.nodes.toReversed().map((node) => ({
    node,
    saved: create(capacity * node.saved),
    accumulateInputs: node.reads.map((value) => {
      const held = written.has(value);
      written.add(value);
      return held;
    }),
    accumulateParameters: node.parameters.map(({ offset }) => {
      const held = filled.has(offset);
      filled.add(offset);
      return held;
    }),
  }));
}

/** A network for passes of up to `capacity` samples; `create` makes its arrays: f32 in training. */
export function createNetwork(
  graph: Graph,
  capacity: number,
  create: (length: number) => Floats = (length) => new Float32Array(length),
): Network {
  const made = graph.values.map(({ shape }, id) => create(id === 0 ? 0 : capacity * elements(shape)));
  const gradients = graph.values.map(({ shape }, id) => create(id === 0 ? 0 : capacity * elements(shape)));
  const losses = create(capacity * graph.positions);
  const backward = placedNodes(graph, capacity, create);
  const forward = backward.toReversed();
  /** Value 0 is the caller's. */
  let given: Floats | Int32Array = create(0);
  let weights: Floats = create(0);

  const passOf = ({ node, saved }: Placed, samples: number) => ({
    samples,
    parameters: weights,
    inputs: node.reads.map((id) => (id === 0 ? given : made[id]!)),
    output: made[node.makes]!,
    saved,
  });

  const forwardPass = (samples: number, parameters: Floats, inputs: NetworkInput['inputs']): Floats => {
    given = inputs;
    weights = parameters;
    for (const placed of forward) {
      layerOf(placed.node.spec).cpu.forward(placed.node, passOf(placed, samples));
    }
    return made[graph.logits]!;
  };

  const predict = (
    samples: number,
    parameters: Floats,
    { inputs, labels }: NetworkInput,
    divisor: number,
  ): number => {
    const logits = forwardPass(samples, parameters, inputs);
    const rows = samples * graph.positions;
    const gradient = gradients[graph.logits]!;
    return softmaxCrossEntropy(rows, graph.classes, logits, labels, divisor, losses, gradient);
  };

  const arrays = [...made, ...gradients, ...backward.map(({ saved }) => saved), losses];

  const backwardThrough = (placed: Placed, samples: number): void => {
    const { node } = placed;
    layerOf(node.spec).cpu.backward(node, {
      ...passOf(placed, samples),
      outputGradient: gradients[node.makes]!,
      inputGradients: node.reads.map((id) => (id === 0 ? undefined : gradients[id]!)),
      accumulate: placed.accumulateInputs,
    });
  };

  const parameterGradient = (placed: Placed, first: number, count: number, gradient: Floats): void => {
    const { node } = placed;
    layerOf(node.spec).cpu.parameterGradient?.(node, {
      ...passOf(placed, first + count),
      outputGradient: gradients[node.makes]!,
      first,
      count,
      gradient,
      accumulate: placed.accumulateParameters,
    });
  };

  return {
    losses,
    buffers: arrays.length,
    bytes: arrays.reduce((sum, array) => sum + array.byteLength, 0),

    logits: (samples, parameters, inputs) =>
      forwardPass(samples, parameters, inputs).subarray(0, samples * graph.positions * graph.classes),

    guess: (samples, parameters, input) => predict(samples, parameters, input, samples * graph.positions),

    run(samples, parameters, input, divisor) {
      const correct = predict(samples, parameters, input, divisor);
      for (const placed of backward) backwardThrough(placed, samples);
      return correct;
    },

    learn(samples, parameters, input, divisor, gradient, made) {
      const correct = predict(samples, parameters, input, divisor);
      backward.forEach((placed, i) => {
        parameterGradient(placed, 0, samples, gradient);
        made(backward.length - 1 - i);
        backwardThrough(placed, samples);
      });
      return correct;
    },

    gradient(first, count, gradient) {
      for (const placed of backward) parameterGradient(placed, first, count, gradient);
    },
  };
}

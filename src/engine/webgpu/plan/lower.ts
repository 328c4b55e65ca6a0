// From a graph to a list of operations: forward, loss, backward, quantisation, in the order in which one pass computes them.
//
// Two things are left out on the way. An activation that alone reads a linear layer's output joins that layer's matrix product. And
// where a layer hands its gradient on as it is (a residual addition, a change of shape), its input's gradient gets the same buffer.

import { MAX_EXPONENT } from '../../../collective/fixed-point.ts';
import { ActivationSchema, type Activation } from '../../../job/model-schema.ts';
import type { Graph, Node, ValueId } from '../../graph/graph.ts';
import type { MatmulCall } from '../../graph/matmul-call.ts';
import { foldedGrid, invocationGrid } from '../../layers/grid.ts';
import { layerOf } from '../../layers/index.ts';
import {
  elements,
  type BufferRole,
  type GpuCall,
  type GpuPlace,
  type KernelCall,
  type PassSize,
} from '../../layers/layer.ts';
import type { LayerSpec } from '../../layers/index.ts';
import { lossLimit, lossScale } from '../../loss-lane.ts';
import { BLOCK_ELEMENTS, type BlockRange } from '../tables.ts';
import type { Operation, PlanTensor, TensorId } from './operation.ts';

const F32_BIAS = 127;
/** Up to so many classes, a row of logits is one invocation's (see shaders/softmax_cross_entropy.wgsl). */
const NARROW_CLASSES = 32;

export interface LowerInput {
  readonly graph: Graph;
  readonly samplesPerSlice: number;
  readonly globalBatch: number;
  readonly microBatches: number;
  /** Blocks of elements that one workgroup quantises each, of each bucket of the gradient. */
  readonly blocks: readonly BlockRange[];
  /** The node after which each bucket is whole (see graph/bucket-makers.ts). */
  readonly makers: readonly number[];
  /** Narrow wire format: the largest lane of one slice. 0: what fits i32. */
  readonly largest: number;
  readonly lowerMatmul: (call: MatmulCall, samplesPerSlice: number) => readonly KernelCall[];
}

/** Tensors that the engine and the plan name; the others are the plan's own affair. */
export interface NamedTensors {
  /** f32 or i32 [samples, …]: where a pass's samples go. */
  readonly inputs: TensorId;
  /** i32[samples · positions]: class numbers, −1 for rows that only fill up. */
  readonly labels: TensorId;
  /** f32[samples · positions] */
  readonly losses: TensorId;
  /** f32[samples · positions, classes] */
  readonly logits: TensorId;
  readonly parameters: TensorId;
  readonly blocks: TensorId;
  readonly scales: TensorId;
  /** u32[slices]: the micro-batch of each. */
  readonly microBatches: TensorId;
  /** u32[slices, 2]: what each is rounded with in the narrow wire format. */
  readonly keys: TensorId;
  readonly lanes: TensorId;
  readonly side: TensorId;
}

export interface Lowered {
  readonly tensors: readonly PlanTensor[];
  readonly named: NamedTensors;
  /** Forward and loss. */
  readonly forward: readonly Operation[];
  /** What follows them in training. */
  readonly backward: readonly Operation[];
  /** For each bucket, after how many operations of both its lanes are there. */
  readonly bucketEnds: readonly number[];
}

/** A gradient's tensor, and the values that it is the gradient of and that are still to be gone through. */
interface Shared {
  readonly tensor: TensorId;
  readonly values: ValueId[];
}

export function lower(input: LowerInput): Lowered {
  const { graph, samplesPerSlice, globalBatch } = input;
  const { nodes, values } = graph;
  const tensors: PlanTensor[] = [];
  const add = (name: string, residence: PlanTensor['residence'], bytes: PlanTensor['bytes']): TensorId =>
    tensors.push({ name, residence, bytes }) - 1;
  const perSample = (name: string, residence: PlanTensor['residence'], bytes: number): TensorId =>
    add(name, residence, ({ samples }) => bytes * samples);

  const P = graph.parameterCount;
  const named: Omit<NamedTensors, 'logits'> = {
    inputs: perSample('inputs', 'plan', 4 * elements(values[0]?.shape ?? [])),
    labels: perSample('labels', 'plan', 4 * graph.positions),
    losses: perSample('losses', 'plan', 4 * graph.positions),
    parameters: add('parameters', 'engine', () => 4 * P),
    blocks: add('blocks', 'engine', () => 16 * input.blocks.reduce((sum, { count }) => sum + count, 0)),
    scales: add('scales', 'engine', () => 16 * graph.parameters.length),
    microBatches: add('micro-batches', 'plan', ({ slices }) => 4 * slices),
    keys: add('rounding keys', 'plan', ({ slices }) => 8 * slices),
    lanes: add('lanes', 'engine', () => 4 * P),
    side: add('side', 'engine', () => 4 * (6 + input.microBatches + graph.parameters.length)),
  };
  const gradients = add('gradients', 'plan', ({ slices }) => 4 * P * slices);

  const names = nodes.map(nameOf);
  const readers = values.map((_, value) =>
    nodes.flatMap((node, i) => (node.reads.includes(value) ? [i] : [])),
  );
  const maker = (value: ValueId): number => nodes.findIndex((node) => node.makes === value);
  const layers = nodes.map((node) => layerOf(node.spec).gpu);
  const places = nodes.map((node): GpuPlace<LayerSpec> => ({ ...node, samplesPerSlice, gradientLength: P }));

  /** By value: whether anything that learns lies before it. */
  const learns: boolean[] = values.map(() => false);
  for (const node of nodes) {
    learns[node.makes] = node.parameters.length > 0 || node.reads.some((value) => learns[value] === true);
  }

  const valueTensors = new Map<ValueId, TensorId>([[0, named.inputs]]);
  const saved: (TensorId | undefined)[] = [];
  nodes.forEach((node, i) => {
    const [source] = node.reads;
    const viewed = layers[i]?.view === true && source !== undefined ? valueTensors.get(source) : undefined;
    const bytes = 4 * elements(node.output);
    valueTensors.set(node.makes, viewed ?? perSample(`output of ${names[i]}`, 'shared', bytes));
    saved.push(node.saved === 0 ? undefined : perSample(`kept by ${names[i]}`, 'shared', 4 * node.saved));
  });
  const valueTensor = (value: ValueId | undefined): TensorId =>
    demand(valueTensors.get(value ?? -1), 'value');

  const sharedGradients = new Map<ValueId, Shared>();
  const gradientTensor = (value: ValueId | undefined): TensorId =>
    demand(sharedGradients.get(value ?? -1)?.tensor, 'gradient');

  /** Operations of a node's calls. `outputValue` differs from the node's own where an activation was fused. */
  const operations = (
    i: number,
    what: string,
    calls: readonly GpuCall[],
    outputValue?: ValueId,
  ): Operation[] => {
    const node = demand(nodes[i], 'node');
    const scratch = new Map<number, TensorId>();
    const resolve = (role: BufferRole): TensorId => {
      switch (role) {
        case 'output':
          return valueTensor(outputValue ?? node.makes);
        case 'preActivation':
          return valueTensor(node.makes);
        case 'saved':
          return demand(saved[i], 'kept values');
        case 'parameters':
          return named.parameters;
        case 'outputGradient':
          return gradientTensor(node.makes);
        case 'parameterGradients':
          return gradients;
        default:
          break;
      }
      if ('input' in role) return valueTensor(node.reads[role.input]);
      if ('inputGradient' in role) return gradientTensor(node.reads[role.inputGradient]);
      const known = scratch.get(role.scratch);
      if (known !== undefined) return known;
      const made = perSample(`scratch ${role.scratch} of ${names[i]} ${what}`, 'shared', role.bytesPerSample);
      scratch.set(role.scratch, made);
      return made;
    };
    const ownBytes = 4 * node.parameters.reduce((sum, { length }) => sum + length, 0);
    /** Of the model's parameters, a node touches its own alone. */
    const bytesOf = (tensor: TensorId, size: PassSize): number => {
      if (tensor === named.parameters) return ownBytes;
      if (tensor === gradients) return ownBytes * size.slices;
      return tensors[tensor]?.bytes(size) ?? 0;
    };
    const kernels = calls.flatMap((call) =>
      call.kind === 'kernel' ? [call] : input.lowerMatmul(call, samplesPerSlice),
    );
    return kernels.map((call) => {
      const reads = call.reads.map(resolve);
      const writes = call.writes.map(resolve);
      return {
        label: `${names[i]} ${what}`,
        kernel: {
          shader: call.shader,
          entryPoint: call.entryPoint,
          constants: call.constants ?? {},
          reads: reads.length,
          writes: writes.length,
        },
        reads,
        writes,
        uniform: call.uniform,
        workgroups: call.workgroups,
        cost: (size) => ({
          flops: call.flops?.(size) ?? 0,
          bytes: [...reads, ...writes].reduce((sum, tensor) => sum + bytesOf(tensor, size), 0),
        }),
      };
    });
  };

  const forward: Operation[] = [];
  const fused = new Set<number>();
  nodes.forEach((node, i) => {
    if (fused.has(i)) return;
    const calls = demand(layers[i], 'layer').forward(demand(places[i], 'place'));
    const next = fusable(nodes, readers, i);
    const last = calls.at(-1);
    if (next === undefined || last?.kind !== 'matmul') {
      forward.push(...operations(i, 'forward', calls));
      return;
    }
    fused.add(next.index);
    const place = demand(places[next.index], 'place');
    const needsInput = demand(layers[next.index], 'layer')
      .backward(place, [true], [false])
      .some((call) => call.kind === 'kernel' && call.reads.some(isInput));
    const call: MatmulCall = {
      ...last,
      activation: next.activation,
      ...(needsInput ? { preActivation: { ...last.c, buffer: 'preActivation' } } : {}),
    };
    forward.push(
      ...operations(i, 'forward', [...calls.slice(0, -1), call], demand(nodes[next.index], 'node').makes),
    );
  });

  const logits = valueTensor(graph.logits);
  sharedGradients.set(graph.logits, {
    tensor: perSample('gradient at the logits', 'shared', 4 * graph.positions * graph.classes),
    values: [graph.logits],
  });
  const narrow = graph.classes <= NARROW_CLASSES;
  const divisor = globalBatch * graph.positions;
  const T = graph.parameters.length;
  const lossUniform = (rows: number) => [
    rows,
    graph.classes,
    { f32: 1 / divisor },
    { f32: lossScale(divisor) },
    { f32: lossLimit(input.microBatches) },
    T,
  ];
  const rowBytes = 4 * graph.positions * graph.classes;
  forward.push(
    {
      label: 'loss',
      kernel: {
        shader: 'softmax_cross_entropy.wgsl',
        entryPoint: narrow ? 'narrow' : 'wide',
        constants: {},
        reads: 2,
        writes: 3,
      },
      reads: [logits, named.labels],
      writes: [gradientTensor(graph.logits), named.losses, named.side],
      uniform: ({ samples }) => lossUniform(samples * graph.positions),
      workgroups: ({ samples }) =>
        narrow ? invocationGrid(samples * graph.positions) : foldedGrid(samples * graph.positions),
      cost: ({ samples }) => ({ flops: 0, bytes: 2 * samples * rowBytes }),
    },
    {
      label: 'loss',
      kernel: {
        shader: 'softmax_cross_entropy.wgsl',
        entryPoint: 'slice_losses',
        constants: { MICRO_BATCHES: input.microBatches },
        reads: 2,
        writes: 1,
      },
      reads: [named.losses, named.microBatches],
      writes: [named.side],
      uniform: () => lossUniform(samplesPerSlice * graph.positions),
      workgroups: ({ slices }) => [1, 1, slices],
      cost: ({ samples }) => ({ flops: 0, bytes: 4 * samples * graph.positions }),
    },
  );

  const backward: Operation[] = [];
  const bucketEnds: number[] = [];
  const written = new Set<string>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = demand(nodes[i], 'node');
    const layer = demand(layers[i], 'layer');
    const place = demand(places[i], 'place');
    const arriving = sharedGradients.get(node.makes);
    if (arriving === undefined) continue;
    arriving.values.splice(arriving.values.indexOf(node.makes), 1);
    if (node.parameters.length > 0 && layer.parameterGradient !== undefined) {
      const accumulate = node.parameters.map(({ name }) => written.has(name));
      for (const { name } of node.parameters) written.add(name);
      backward.push(...operations(i, 'parameter gradient', layer.parameterGradient(place, accumulate)));
    }
    quantiseMadeBy(i);
    const needed: boolean[] = [];
    const accumulate: boolean[] = [];
    node.reads.forEach((value, k) => {
      const wanted = learns[value] === true;
      accumulate.push(sharedGradients.has(value));
      needed.push(wanted);
      if (!wanted || sharedGradients.has(value)) return;
      if (layer.passesGradient === true && mayShare(value, arriving, node.reads, i)) {
        arriving.values.push(value);
        sharedGradients.set(value, arriving);
        needed[k] = false;
      } else {
        const bytes = 4 * elements(demand(values[value], 'value').shape);
        const name = `gradient at ${value === 0 ? 'the input' : `output of ${names[maker(value)]}`}`;
        sharedGradients.set(value, { tensor: perSample(name, 'shared', bytes), values: [value] });
      }
    });
    if (needed.some(Boolean)) {
      backward.push(...operations(i, 'backward', layer.backward(place, needed, accumulate)));
    }
  }

  /**
   * Whether the gradient at `value` may lie where `arriving` does. Later readers of `value` (earlier in the graph) add to it; that
   * must come after the last use of every other gradient in that buffer, which is when the node that made its value is gone through.
   */
  function mayShare(value: ValueId, arriving: Shared, reads: readonly ValueId[], at: number): boolean {
    if (reads.filter((other) => other === value).length > 1) return false;
    const addedBefore = (one: ValueId, other: ValueId): boolean =>
      demand(readers[one], 'readers').every((reader) => reader >= at || reader < maker(other));
    return arriving.values.every((other) => addedBefore(value, other) && addedBefore(other, value));
  }

  /** The buckets that are whole after this node. */
  function quantiseMadeBy(node: number): void {
    for (; input.makers[bucketEnds.length] === node; bucketEnds.push(forward.length + backward.length)) {
      const range = input.blocks[bucketEnds.length];
      if (range !== undefined && range.count > 0) backward.push(fixedPoint(range));
    }
  }

  function fixedPoint({ first, count }: BlockRange): Operation {
    return {
      label: 'fixed point',
      kernel: {
        shader: 'fixed_point.wgsl',
        entryPoint: 'accumulate',
        constants: {
          MICRO_BATCHES: input.microBatches,
          UNSCALABLE: MAX_EXPONENT + F32_BIAS,
          LARGEST: input.largest,
        },
        reads: 5,
        writes: 2,
      },
      reads: [named.blocks, named.scales, named.microBatches, gradients, named.keys],
      writes: [named.lanes, named.side],
      uniform: ({ slices }) => [slices, P, T, first, count],
      workgroups: () => foldedGrid(count),
      cost: ({ slices }) => ({ flops: 0, bytes: 4 * BLOCK_ELEMENTS * count * (slices + 2) }),
    };
  }

  return { tensors, named: { ...named, logits }, forward, backward, bucketEnds };
}

const isInput = (role: BufferRole): boolean => typeof role === 'object' && 'input' in role;

/** The activation that alone reads what a linear layer makes. */
function fusable(
  nodes: readonly Node[],
  readers: readonly (readonly number[])[],
  i: number,
): { readonly index: number; readonly activation: Activation } | undefined {
  const node = nodes[i];
  if (node?.spec.kind !== 'linear') return undefined;
  const [index, ...others] = readers[node.makes] ?? [];
  const kind = index === undefined ? undefined : nodes[index]?.spec.kind;
  const activation = ActivationSchema.options.find((name) => name === kind);
  return index === undefined || others.length > 0 || activation === undefined
    ? undefined
    : { index, activation };
}

/** The module's name where it has parameters, else its kind and place. */
function nameOf(node: Node, i: number): string {
  const [parameter] = node.parameters;
  return parameter === undefined
    ? `${node.spec.kind} ${i}`
    : parameter.name.slice(0, parameter.name.lastIndexOf('.'));
}

function demand<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new RangeError(`The plan has no such ${what}.`);
  return found;
}

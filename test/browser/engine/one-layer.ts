// One layer on both engines, at given inputs: its output and all of its gradients.

import { layerOf, type LayerSpec } from '../../../src/engine/layers/index.ts';
import {
  elements,
  type BufferRole,
  type GpuPlace,
  type KernelCall,
  type Shape,
} from '../../../src/engine/layers/layer.ts';
import { lowerMatmul } from '../../../src/engine/webgpu/matmul/lower.ts';
import { floats, type Bench, type Words } from './gpu.ts';

type Inputs = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

export interface OneLayer {
  readonly spec: LayerSpec;
  readonly shapes: readonly Shape[];
  readonly slices: number;
  readonly samplesPerSlice: number;
  /** [samples, …shape] */
  readonly inputs: readonly Inputs[];
  /** Uniform in [−1, 1). */
  readonly random: (length: number) => Float32Array<ArrayBuffer>;
  /** Whether gradients are added to what is there. */
  readonly accumulate: boolean;
}

export interface LayerResult {
  readonly output: Float32Array;
  readonly inputGradients: readonly Float32Array[];
  /** [slices, P] */
  readonly parameterGradients: Float32Array;
}

/** Both engines' results; gradients start from what `random` gives. */
export async function bothEngines(
  bench: Bench,
  layer: OneLayer,
): Promise<{ readonly gpu: LayerResult; readonly cpu: LayerResult }> {
  const { spec, shapes, slices, samplesPerSlice, inputs, random } = layer;
  const kind = layerOf(spec);
  const { output: outputShape, parameters: declared, saved } = kind.shapes(spec, shapes);
  const samples = slices * samplesPerSlice;
  let length = 3;
  const parameters = declared.map(({ name, shape }) => {
    const tensor = { name, shape, offset: length, length: elements(shape) };
    length += tensor.length;
    return tensor;
  });
  const place: GpuPlace<LayerSpec> = {
    spec,
    inputs: shapes,
    output: outputShape,
    parameters,
    saved,
    samplesPerSlice,
    gradientLength: length,
  };
  const weights = random(length);
  const upstream = random(samples * elements(outputShape));
  const startGradients = inputs.map((input) => random(input.length));
  const startParameters = random(slices * length);
  const withGradient = inputs.map((input) => input instanceof Float32Array);
  const accumulateInputs = inputs.map(() => layer.accumulate);
  const accumulateParameters = parameters.map(() => layer.accumulate);

  const cpu = ((): LayerResult => {
    const output = new Float32Array(samples * elements(outputShape));
    const kept = new Float32Array(samples * saved);
    const inputGradients = startGradients.map((gradient) => gradient.slice());
    const parameterGradients = startParameters.slice();
    const pass = { samples, parameters: weights, inputs, output, saved: kept };
    kind.cpu.forward(place, pass);
    const backward = { ...pass, outputGradient: upstream };
    kind.cpu.backward(place, {
      ...backward,
      inputGradients: inputGradients.map((gradient, i) => (withGradient[i] === true ? gradient : undefined)),
      accumulate: accumulateInputs,
    });
    for (let slice = 0; slice < slices; slice++) {
      kind.cpu.parameterGradient?.(place, {
        ...backward,
        first: slice * samplesPerSlice,
        count: samplesPerSlice,
        gradient: parameterGradients.subarray(slice * length, (slice + 1) * length),
        accumulate: accumulateParameters,
      });
    }
    return { output, inputGradients, parameterGradients };
  })();

  const buffers = new Map<string, Words>([
    ['output', new Float32Array(samples * elements(outputShape))],
    ['saved', new Float32Array(samples * saved)],
    ['parameters', weights],
    ['outputGradient', upstream],
    ['parameterGradients', startParameters],
    ...inputs.map((input, i) => [`input ${i}`, input] as const),
    ...startGradients.map((gradient, i) => [`gradient ${i}`, gradient] as const),
  ]);
  const keyOf = (role: BufferRole): string => {
    if (typeof role === 'string') return role;
    if ('input' in role) return `input ${role.input}`;
    if ('inputGradient' in role) return `gradient ${role.inputGradient}`;
    const key = `scratch ${role.scratch}`;
    if (!buffers.has(key)) buffers.set(key, new Float32Array(Math.ceil((role.bytesPerSample * samples) / 4)));
    return key;
  };
  const size = { slices, samples };
  const run = async (calls: readonly KernelCall[]): Promise<void> => {
    for (const call of calls) {
      const keys = [...call.reads, ...call.writes].map(keyOf);
      const results = await bench.run({
        shader: call.shader,
        entryPoint: call.entryPoint,
        ...(call.constants === undefined ? {} : { constants: call.constants }),
        reads: call.reads.length,
        uniform: call.uniform(size),
        arrays: keys.map((key) => buffers.get(key) ?? new Float32Array(1)),
        workgroups: call.workgroups(size),
      });
      keys.forEach((key, i) => {
        if (i >= call.reads.length) buffers.set(key, floats(results[i]));
      });
    }
    for (const key of buffers.keys()) if (key.startsWith('scratch')) buffers.delete(key);
  };
  const kernels = (calls: ReturnType<typeof kind.gpu.forward>): readonly KernelCall[] =>
    calls.flatMap((call) =>
      call.kind === 'kernel' ? [call] : lowerMatmul(call, { samplesPerSlice, table: {} }),
    );
  if (kind.gpu.view === true) buffers.set('output', buffers.get('input 0') ?? new Float32Array(0));
  await run(kernels(kind.gpu.forward(place)));
  await run(kernels(kind.gpu.parameterGradient?.(place, accumulateParameters) ?? []));
  await run(kernels(kind.gpu.backward(place, withGradient, accumulateInputs)));
  const read = (key: string): Float32Array => (buffers.get(key) ?? new Float32Array(0)) as Float32Array;
  return {
    cpu,
    gpu: {
      output: read('output'),
      inputGradients: startGradients.map((_, i) => read(`gradient ${i}`)),
      parameterGradients: read('parameterGradients'),
    },
  };
}

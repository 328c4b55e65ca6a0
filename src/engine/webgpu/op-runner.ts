// Single operations on the WebGPU engine's own kernels: what holds them against reference values.

import { createGraphBuilder } from '../graph/graph.ts';
import type { MatmulCall } from '../graph/matmul-call.ts';
import { foldedGrid } from '../layers/grid.ts';
import { layerOf } from '../layers/index.ts';
import { elements, type BufferRole, type GpuCall, type GpuPlace, type KernelCall } from '../layers/layer.ts';
import type { LayerSpec } from '../layers/index.ts';
import type { OpRunner } from '../op-runner.ts';
import { wholeVectors } from './arena.ts';
import { lowerMatmul } from './matmul/lower.ts';
import { createPipelines, type ShaderText } from './pipelines.ts';
import { createBindGroups, createProgram, uniformBytes } from './program.ts';
import { readWords } from './readback.ts';
import { superviseDevice } from './supervisor.ts';

type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** The longest row of logits that `narrow` is meant for plays no part here: one row a workgroup does for any. */
const LOSS = { shader: 'softmax_cross_entropy.wgsl', entryPoint: 'wide' } as const;

export function createGpuOpRunner(device: GPUDevice, shaders: ShaderText): OpRunner {
  const supervisor = superviseDevice(device);
  const pipelines = createPipelines(device, shaders);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;

  /** Runs calls one after the other on buffers that begin as the arrays, and resolves with what the named ones hold at the end. */
  const run = async (
    calls: readonly KernelCall[],
    arrays: ReadonlyMap<string, Words>,
    size: { readonly slices: number; readonly samples: number },
    wanted: readonly string[],
  ): Promise<readonly Float32Array<ArrayBuffer>[]> => {
    const buffers = new Map<string, GPUBuffer>();
    const made: GPUBuffer[] = [];
    const create = (label: string, bytes: number, use: number): GPUBuffer => {
      const buffer = device.createBuffer({ label, size: wholeVectors(bytes), usage: use });
      made.push(buffer);
      return buffer;
    };
    const bufferOf = (role: BufferRole): GPUBuffer => {
      const key = keyOf(role);
      const bytes = typeof role === 'object' && 'scratch' in role ? role.bytesPerSample * size.samples : 0;
      const buffer = buffers.get(key) ?? create(key, bytes, usage);
      buffers.set(key, buffer);
      return buffer;
    };
    const kernels = calls.map((call) => ({
      shader: call.shader,
      entryPoint: call.entryPoint,
      constants: call.constants ?? {},
      reads: call.reads.length,
      writes: call.writes.length,
    }));
    await pipelines.compile(kernels);
    try {
      return await supervisor.watch('a single operation', async () => {
        for (const [key, array] of arrays) {
          const buffer = create(key, array.byteLength, usage);
          device.queue.writeBuffer(buffer, 0, array);
          buffers.set(key, buffer);
        }
        const uniforms = create(
          'uniforms',
          uniformBytes(calls.length),
          GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
        );
        const groups = createBindGroups(device, pipelines, uniforms);
        const program = createProgram<typeof size>(
          device,
          pipelines,
          uniforms,
          0,
          groups,
          calls.map((call, i) => ({
            label: call.entryPoint,
            kernel: kernels[i] ?? { ...LOSS, constants: {}, reads: 0, writes: 0 },
            buffers: [...call.reads, ...call.writes].map(bufferOf),
            uniform: call.uniform,
            workgroups: call.workgroups,
          })),
        );
        program.prepare(size);
        const encoder = device.createCommandEncoder();
        program.encode(encoder);
        const copies = wanted.map((key) => {
          const source = buffers.get(key);
          if (source === undefined) throw new RangeError(`There is no buffer "${key}".`);
          const copy = create('copy', source.size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
          encoder.copyBufferToBuffer(source, 0, copy, 0, source.size);
          return copy;
        });
        device.queue.submit([encoder.finish()]);
        const words = await Promise.all(copies.map((copy) => readWords(copy, copy.size)));
        return words.map(({ buffer }, i) =>
          new Float32Array(buffer).slice(0, arrays.get(wanted[i] ?? '')?.length ?? 0),
        );
      });
    } finally {
      for (const buffer of made) buffer.destroy();
    }
  };

  const kernelsOf = (calls: readonly GpuCall[], samplesPerSlice: number): readonly KernelCall[] =>
    calls.flatMap((call) =>
      call.kind === 'kernel' ? [call] : lowerMatmul(call, { samplesPerSlice, table: {} }),
    );

  return {
    async matmul({ m, n, k, transposeA, transposeB, a, b }) {
      const matrix = (buffer: BufferRole, stride: number) => ({ buffer, offset: 0, stride, batchStride: 0 });
      const call: MatmulCall = {
        kind: 'matmul',
        transposeA,
        transposeB,
        size: () => ({ m, n, k, batch: 1 }),
        a: matrix({ input: 0 }, transposeA ? m : k),
        b: matrix({ input: 1 }, transposeB ? k : n),
        c: matrix('output', n),
        accumulate: false,
      };
      const arrays = new Map<string, Words>([
        [keyOf({ input: 0 }), a],
        [keyOf({ input: 1 }), b],
        ['output', new Float32Array(m * n)],
      ]);
      const [c = new Float32Array(0)] = await run(kernelsOf([call], 1), arrays, { slices: 1, samples: 1 }, [
        'output',
      ]);
      return c;
    },

    async layer({ spec, samples, inputs, parameters, upstream }) {
      const [first, ...others] = inputs.map(({ shape, data }) => ({
        shape,
        type: data instanceof Int32Array ? ('tokens' as const) : ('f32' as const),
      }));
      if (first === undefined || others.length > 0) {
        throw new RangeError('Layers of one input are tried alone, others in whole models.');
      }
      const builder = createGraphBuilder(first);
      const { nodes, parameterCount } = builder.finish(builder.add(spec, '', [builder.input]));
      const [node] = nodes;
      if (node === undefined) throw new RangeError('A graph of one layer has one node.');
      const { gpu } = layerOf(spec);
      const place: GpuPlace<LayerSpec> = {
        ...node,
        samplesPerSlice: samples,
        gradientLength: parameterCount,
      };
      const weights = new Float32Array(Math.max(1, parameterCount));
      node.parameters.forEach(({ offset }, i) => weights.set(parameters[i] ?? [], offset));
      const needed = inputs.map(({ data }) => data instanceof Float32Array);
      const fresh = (length: number) => new Float32Array(Math.max(1, length));
      const input = inputs[0]?.data ?? fresh(0);
      const arrays = new Map<string, Words>([
        [keyOf({ input: 0 }), input],
        [keyOf({ inputGradient: 0 }), fresh(input.length)],
        ['output', gpu.view === true ? input : fresh(samples * elements(node.output))],
        ['saved', fresh(samples * node.saved)],
        ['parameters', weights],
        ['parameterGradients', fresh(parameterCount)],
        ['outputGradient', upstream],
      ]);
      const [output = fresh(0), inputGradient = fresh(0), gradients = fresh(0)] = await run(
        kernelsOf(
          [
            ...gpu.forward(place),
            ...(gpu.parameterGradient?.(place, []) ?? []),
            ...gpu.backward(place, needed, []),
          ],
          samples,
        ),
        arrays,
        { slices: 1, samples },
        ['output', keyOf({ inputGradient: 0 }), 'parameterGradients'],
      );
      return {
        output,
        inputGradients: needed.map((wanted) => (wanted ? inputGradient : undefined)),
        parameterGradients: node.parameters.map(({ offset, length }) =>
          gradients.subarray(offset, offset + length),
        ),
      };
    },

    async crossEntropy({ rows, classes, logits, labels }) {
      const SIDE_LANES = 8;
      const call: KernelCall = {
        kind: 'kernel',
        ...LOSS,
        reads: [{ input: 0 }, { input: 1 }],
        writes: [{ inputGradient: 0 }, 'output', 'saved'],
        uniform: () => [rows, classes, { f32: 1 / rows }, { f32: 1 }, { f32: 1 }, 1],
        workgroups: () => foldedGrid(rows),
      };
      const arrays = new Map<string, Words>([
        [keyOf({ input: 0 }), logits],
        [keyOf({ input: 1 }), labels],
        [keyOf({ inputGradient: 0 }), new Float32Array(rows * classes)],
        ['output', new Float32Array(rows)],
        ['saved', new Int32Array(SIDE_LANES)],
      ]);
      const wanted = ['output', keyOf({ inputGradient: 0 })];
      const [losses, gradient] = await run([call], arrays, { slices: 1, samples: rows }, wanted);
      const sum = (losses ?? new Float32Array(0)).reduce((total, loss) => total + loss, 0);
      return { loss: sum / rows, gradient: gradient ?? new Float32Array(0) };
    },
  };
}

function keyOf(role: BufferRole): string {
  if (typeof role === 'string') return role;
  if ('input' in role) return `input ${role.input}`;
  if ('inputGradient' in role) return `gradient of input ${role.inputGradient}`;
  // Forward and backward may use one number for memory of different sizes.
  return `scratch ${role.scratch} of ${role.bytesPerSample}`;
}

// The WGSL kernels as pipelines: compiled once, asynchronously, with their constants.

import adamw from '../../../shaders/adamw.wgsl?raw';
import bias from '../../../shaders/bias.wgsl?raw';
import digest from '../../../shaders/digest.wgsl?raw';
import fixedPoint from '../../../shaders/fixed_point.wgsl?raw';
import matmul from '../../../shaders/matmul.wgsl?raw';
import relu from '../../../shaders/relu.wgsl?raw';
import softmaxCrossEntropy from '../../../shaders/softmax_cross_entropy.wgsl?raw';
import { MAX_EXPONENT } from '../../collective/fixed-point.ts';
import { EngineError } from '../../ports/engine.ts';

const SHADERS = {
  'adamw.wgsl': adamw,
  'bias.wgsl': bias,
  'digest.wgsl': digest,
  'fixed_point.wgsl': fixedPoint,
  'matmul.wgsl': matmul,
  'relu.wgsl': relu,
  'softmax_cross_entropy.wgsl': softmaxCrossEntropy,
} as const;

interface KernelSource {
  readonly file: keyof typeof SHADERS;
  readonly entryPoint: string;
  readonly constants?: Readonly<Record<string, number>>;
}

const F32_BIAS = 127;

/**
 * A slice's weight gradient has as many terms as the slice has rows. Up to here the kernel without workgroup memory computes it
 * faster: in 28 ms against 113 at 4 rows (16 times 128 × 784, SwiftShader). The choice decides bits, so it hangs on the job alone.
 */
export const SHALLOW_ROWS = 16;

export interface KernelOptions {
  readonly microBatches: number;
  readonly rowsPerSlice: number;
}

const sources = ({ microBatches, rowsPerSlice }: KernelOptions) =>
  ({
    matmulNN: { file: 'matmul.wgsl', entryPoint: 'matmul' },
    matmulNT: { file: 'matmul.wgsl', entryPoint: 'matmul', constants: { TRANSPOSE_B: 1 } },
    matmulTN: {
      file: 'matmul.wgsl',
      entryPoint: rowsPerSlice > SHALLOW_ROWS ? 'matmul' : 'matmul_shallow',
      constants: { TRANSPOSE_A: 1 },
    },
    biasAdd: { file: 'bias.wgsl', entryPoint: 'add' },
    biasAddRelu: { file: 'bias.wgsl', entryPoint: 'add', constants: { RELU: 1 } },
    biasGradient: { file: 'bias.wgsl', entryPoint: 'gradient' },
    reluBackward: { file: 'relu.wgsl', entryPoint: 'backward' },
    softmaxCrossEntropy: { file: 'softmax_cross_entropy.wgsl', entryPoint: 'softmax_cross_entropy' },
    accumulate: {
      file: 'fixed_point.wgsl',
      entryPoint: 'accumulate',
      constants: { MICRO_BATCHES: microBatches, UNSCALABLE: MAX_EXPONENT + F32_BIAS },
    },
    adamw: { file: 'adamw.wgsl', entryPoint: 'adamw' },
    digest: { file: 'digest.wgsl', entryPoint: 'digest' },
  }) satisfies Record<string, KernelSource>;

export type KernelName = keyof ReturnType<typeof sources>;
export type Kernels = Readonly<Record<KernelName, GPUComputePipeline>>;

/** Rejects with an `EngineError` of fault `validation` that names the shader and the compiler's message. */
export async function compileKernels(device: GPUDevice, options: KernelOptions): Promise<Kernels> {
  const modules = new Map<string, GPUShaderModule>();
  for (const [label, code] of Object.entries(SHADERS)) {
    modules.set(label, device.createShaderModule({ label, code }));
  }
  const compile = async ([name, source]: [string, KernelSource]) => {
    const module = modules.get(source.file);
    if (module === undefined) throw new EngineError('internal', `There is no shader ${source.file}.`);
    const { entryPoint, constants = {} } = source;
    const compute = { module, entryPoint, constants };
    try {
      return [
        name,
        await device.createComputePipelineAsync({ label: name, layout: 'auto', compute }),
      ] as const;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EngineError('validation', `The kernel ${name} (${source.file}) does not compile: ${reason}`, {
        cause,
      });
    }
  };
  const compiled = await Promise.all(Object.entries(sources(options)).map(compile));
  return Object.fromEntries(compiled) as Record<KernelName, GPUComputePipeline>;
}

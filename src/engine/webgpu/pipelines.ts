// Kernels as pipelines: compiled asynchronously, each once, with explicit layouts so that uniforms take dynamic offsets.

import { EngineError } from '../../ports/engine.ts';
import type { Kernel } from './plan/operation.ts';

/** The text of a file in shaders/. Where it comes from is the host's affair: a bundle in browsers, the disk in Node. */
export type ShaderText = (file: string) => string;

/** What a uniform may hold, and the default minUniformBufferOffsetAlignment. */
export const UNIFORM_BYTES = 256;

export interface Pipelines {
  /** Compiles what is not compiled yet. Rejects with an `EngineError` of fault `validation` that names shader and reason. */
  compile(kernels: Iterable<Kernel>): Promise<void>;
  /** A kernel compiled before. */
  of(kernel: Kernel): GPUComputePipeline;
  bindGroupLayout(kernel: Kernel): GPUBindGroupLayout;
}

/**
 * `file.wgsl#name` is a file with its section `name`, `file.wgsl` the same file without its sections. A section lies between lines
 * with `// name:begin` and `// name:end`; with all of them, a file is valid as it stands.
 */
function codeOf(shader: string, text: ShaderText): string {
  const [file = '', ...kept] = shader.split('#');
  return text(file).replace(/^ *\/\/ (\w+):begin[^]*?\/\/ \1:end$/gmu, (section, name: string) =>
    kept.includes(name) ? section : '',
  );
}

const keyOf = ({ shader, entryPoint, constants, reads, writes }: Kernel): string =>
  JSON.stringify([shader, entryPoint, Object.entries(constants).sort(), reads, writes]);

export function createPipelines(device: GPUDevice, text: ShaderText): Pipelines {
  const modules = new Map<string, GPUShaderModule>();
  const compiled = new Map<string, Promise<GPUComputePipeline>>();
  const ready = new Map<string, GPUComputePipeline>();
  const layouts = new Map<
    string,
    { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout }
  >();

  const moduleOf = (shader: string): GPUShaderModule => {
    const module =
      modules.get(shader) ?? device.createShaderModule({ label: shader, code: codeOf(shader, text) });
    modules.set(shader, module);
    return module;
  };

  const layoutOf = ({ reads, writes }: Kernel) => {
    const key = `${reads} ${writes}`;
    const known = layouts.get(key);
    if (known !== undefined) return known;
    const buffers = [
      { type: 'uniform', hasDynamicOffset: true } as const,
      ...Array.from({ length: reads }, () => ({ type: 'read-only-storage' }) as const),
      ...Array.from({ length: writes }, () => ({ type: 'storage' }) as const),
    ];
    const group = device.createBindGroupLayout({
      label: key,
      entries: buffers.map((buffer, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer })),
    });
    const layout = {
      group,
      pipeline: device.createPipelineLayout({ label: key, bindGroupLayouts: [group] }),
    };
    layouts.set(key, layout);
    return layout;
  };

  const compile = async (kernel: Kernel): Promise<GPUComputePipeline> => {
    const { shader, entryPoint, constants } = kernel;
    try {
      return await device.createComputePipelineAsync({
        label: `${shader} ${entryPoint}`,
        layout: layoutOf(kernel).pipeline,
        compute: { module: moduleOf(shader), entryPoint, constants: { ...constants } },
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EngineError(
        'validation',
        `The kernel ${entryPoint} of shaders/${shader} does not compile: ${reason}`,
        { cause },
      );
    }
  };

  return {
    async compile(kernels) {
      const awaited: Promise<unknown>[] = [];
      for (const kernel of kernels) {
        const key = keyOf(kernel);
        const pipeline = compiled.get(key) ?? compile(kernel);
        compiled.set(key, pipeline);
        awaited.push(pipeline.then((done) => ready.set(key, done)));
      }
      await Promise.all(awaited);
    },
    of(kernel) {
      const pipeline = ready.get(keyOf(kernel));
      if (pipeline === undefined) {
        throw new RangeError(`The kernel ${kernel.entryPoint} of shaders/${kernel.shader} was not compiled.`);
      }
      return pipeline;
    },
    bindGroupLayout: (kernel) => layoutOf(kernel).group,
  };
}

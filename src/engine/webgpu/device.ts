// An adapter and a device: what they are called, whether they are software, and one clear error when there is none.

import { EngineError } from '../../ports/engine.ts';

export interface AdapterDescription {
  /** As a person would name it, such as "SwiftShader (software)". */
  readonly name: string;
  readonly software: boolean;
}

const SOFTWARE_NAMES: readonly (readonly [RegExp, string])[] = [
  [/swiftshader/iu, 'SwiftShader'],
  [/llvmpipe|lavapipe/iu, 'llvmpipe'],
  [/basic render/iu, 'Microsoft Basic Render Driver'],
  [/\bwarp\b/iu, 'WARP'],
];

export function describeAdapter(info: GPUAdapterInfo): AdapterDescription {
  const told = [info.description, info.vendor, info.architecture, info.device].filter((text) => text !== '');
  const known = SOFTWARE_NAMES.find(([pattern]) => told.some((text) => pattern.test(text)));
  if (known !== undefined) return { name: `${known[1]} (software)`, software: true };
  const name =
    info.description === '' ? [info.vendor, info.architecture].filter(Boolean).join(' ') : info.description;
  const fallback = info.isFallbackAdapter;
  return {
    name: `${name === '' ? 'A GPU that does not tell its name' : name}${fallback ? ' (software)' : ''}`,
    software: fallback,
  };
}

/** The browser's adapter. Rejects with an `EngineError` of fault `unavailable`, in words for a person. */
export async function requestAdapter(gpu: GPU | undefined): Promise<GPUAdapter> {
  if (gpu === undefined) {
    throw new EngineError(
      'unavailable',
      'There is no WebGPU here: the browser does not offer it, or the page is neither on https nor on localhost.',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new EngineError(
      'unavailable',
      'The browser offers WebGPU but has no adapter to run it on at present.',
    );
  }
  return adapter;
}

/** Limits that decide what fits and which tilings can run: asked for as high as the adapter goes. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/** Used by profiles where it is offered. Kernels need no feature: see docs/engine.md for subgroups and f16. */
const FEATURES: readonly GPUFeatureName[] = ['timestamp-query'];

/** A device with all that the adapter offers of what this engine can use. */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  try {
    return await adapter.requestDevice({
      label: 'rankfall',
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
      requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('unavailable', `The GPU adapter gave no device: ${reason}`, { cause });
  }
}

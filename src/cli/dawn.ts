// WebGPU in Node, through Dawn (npm `webgpu`), for commands that hold or measure kernels without a browser.
//
// The package is 132 MB and the product needs none of it, so it lives in bench/. Where the machine has no Vulkan driver for a GPU,
// Chromium's software one (SwiftShader) is used, and where it has no Vulkan loader either, the one beside it.

import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findBrowser } from './browser.ts';
import { UsageError } from './errors.ts';

/** Where Dawn and the peers of the benchmarks are installed. */
export const BENCH = fileURLToPath(new URL('../../bench/', import.meta.url));

interface DawnModule {
  readonly create: (options: readonly string[]) => GPU;
  /** `GPUBufferUsage` and its like, which browsers have as globals. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Dawn ends with the object that `create` returns, devices and all: kept for the life of the process. */
let opened: GPU | undefined;

/**
 * An adapter of Dawn's, with WebGPU's globals in place.
 *
 * @throws {UsageError} when the package is not installed, with the command that installs it, or finds no adapter
 */
export async function requestDawnAdapter(): Promise<GPUAdapter> {
  const adapter = await (await openDawn()).requestAdapter({ powerPreference: 'high-performance' });
  if (adapter !== null) return adapter;
  throw new UsageError(
    'Dawn finds no GPU: install its Vulkan driver, or Chromium, which brings a software one (SwiftShader).',
  );
}

/**
 * Opens Dawn. Sets `navigator.gpu` too, since packages written for browsers look there.
 *
 * @throws {UsageError} when the package is not installed
 */
export async function openDawn(): Promise<GPU> {
  if (opened !== undefined) return opened;
  const module = await loadDawn();
  Object.assign(globalThis, module.globals);
  if (!hasVulkanDriver()) useSwiftShader();
  const gpu = module.create([]);
  opened = gpu;
  const here = (globalThis as { navigator?: object }).navigator;
  const navigator = here ?? { userAgent: 'Node', hardwareConcurrency: 1 };
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  if (here === undefined) Object.defineProperty(globalThis, 'navigator', { value: navigator });
  return gpu;
}

/** Imports a package of bench/. Throws a `UsageError` that tells how to install it when it is not there. */
export async function importFromBench(name: string): Promise<unknown> {
  let path: string;
  try {
    path = createRequire(join(BENCH, 'package.json')).resolve(name);
  } catch {
    throw new UsageError(`The package "${name}" is not installed: run "npm --prefix bench install" first.`);
  }
  return import(pathToFileURL(path).href);
}

async function loadDawn(): Promise<DawnModule> {
  const module = await importFromBench('webgpu');
  if (isDawn(module)) return module;
  throw new UsageError(
    'bench/node_modules/webgpu is not Dawn: expected it to export "create" and "globals".',
  );
}

const isDawn = (module: unknown): module is DawnModule =>
  typeof module === 'object' && module !== null && 'create' in module && 'globals' in module;

/** Whether the machine's own Vulkan drivers, or those that the user names, come first. */
function hasVulkanDriver(): boolean {
  if (process.platform !== 'linux') return true;
  if (process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES']) return true;
  // A driver is of use only with a GPU that it drives: Mesa installs all of its drivers everywhere.
  const devices = ['/dev/dri', '/dev'].flatMap((folder) => entries(folder));
  if (!devices.some((name) => /^renderD\d+$|^nvidia\d+$/.test(name))) return false;
  return ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'].some((folder) =>
    entries(folder).some((name) => name.endsWith('.json') && !/lvp|lavapipe/u.test(name)),
  );
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const ICD = 'vk_swiftshader_icd.json';
const LOADER = 'libvulkan.so.1';
/** glibc's flag for a library that stays, whatever becomes of who opened it. Node has no name for it. */
const RTLD_NODELETE = 0x1000;

/** Sets what the Vulkan loader reads when Dawn first opens it. Does nothing where no Chromium brings SwiftShader. */
function useSwiftShader(): void {
  const folder = browserFolders().find((path) => existsSync(join(path, ICD)));
  if (folder === undefined) return;
  process.env['VK_ICD_FILENAMES'] = join(folder, ICD);
  process.env['XDG_RUNTIME_DIR'] ??= tmpdir();
  const loader = join(folder, LOADER);
  if (hasVulkanLoader() || !existsSync(loader)) return;
  try {
    // A search path set now would not be read any more. But a library that is loaded already is found by its name.
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // Node expected an addon of its own. The library stays loaded all the same.
  }
}

const hasVulkanLoader = (): boolean =>
  ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib']
    .flatMap((folder) => [folder, ...['x86_64', 'aarch64'].map((cpu) => join(folder, `${cpu}-linux-gnu`))])
    .some((folder) => existsSync(join(folder, LOADER)));

function browserFolders(): readonly string[] {
  const browser = findBrowser();
  const beside = browser === undefined ? [] : [dirname(browser), dirname(realpathSync(browser))];
  return [...beside, '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
}

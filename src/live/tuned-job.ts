// Whoever founds a room measures the job's matrix products on its GPU first, in a short search, and pins what is fastest: all ranks of
// the room then compute alike. What a browser has measured on an adapter it keeps.

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import * as v from 'valibot';
import { describeAdapter, requestAdapter, requestDevice } from '../engine/webgpu/device.ts';
import { shapeKey } from '../engine/webgpu/matmul/choose.ts';
import { pinned, tunable, tuneMatmul } from '../engine/webgpu/matmul/tune.ts';
import type { ShaderText } from '../engine/webgpu/pipelines.ts';
import type { Job } from '../job/job.ts';
import { MatmulTableSchema, type MatmulChoice, type MatmulTable } from '../job/kernels-schema.ts';
import { EngineError } from '../ports/engine.ts';
import type { Clock } from '../ports/clock.ts';
import type { EngineChoice } from './api.ts';

/** A room's first step waits no longer than this. */
const BUDGET_MS = 700;

/** The fastest kernels by product, which other browsers and adapters do not share. */
export interface KernelStore {
  read(adapter: string): Promise<MatmulTable>;
  write(adapter: string, known: MatmulTable): Promise<void>;
}

export interface TuneOptions {
  readonly engine: EngineChoice;
  readonly gpu: GPU | undefined;
  readonly shaders: () => Promise<ShaderText>;
  readonly store: KernelStore;
  readonly clock: Clock;
}

/**
 * The job with the fastest kernels pinned. As it was, where it pins some already, where its products are too small to matter, where
 * the CPU will compute, and where the GPU refuses: what is wrong with it then shows when the engine is opened.
 */
export async function tunedJob(job: Job, options: TuneOptions): Promise<Job> {
  const { engine, gpu, store, clock } = options;
  const products = tunable(job);
  if (engine === 'cpu' || Object.keys(job.kernels.matmul).length > 0 || products.length === 0) return job;
  try {
    const adapter = await requestAdapter(gpu);
    const { info } = adapter;
    if (engine === 'auto' && describeAdapter(info).software) return job;
    const name = [info.vendor, info.architecture, info.device, info.description].join(' / ');
    const known: Record<string, MatmulChoice> = { ...(await store.read(name)) };
    if (products.some((shape) => known[shapeKey(shape)] === undefined)) {
      const device = await requestDevice(adapter);
      try {
        const shaders = await options.shaders();
        const now = () => clock.now();
        const search = tuneMatmul({ device, shaders, job, now, budgetMs: BUDGET_MS, known });
        // A slow adapter may take longer than that to compile one kernel. Whatever it says later is not waited for.
        search.catch(() => undefined);
        await Promise.race([search, new Promise<void>((late) => clock.after(BUDGET_MS, late))]);
      } finally {
        device.destroy();
      }
      await store.write(name, known);
    }
    return { ...job, kernels: { ...job.kernels, matmul: pinned(job, known) } };
  } catch (error) {
    if (error instanceof EngineError) return job;
    throw error;
  }
}

interface KernelSchema extends DBSchema {
  kernels: { key: string; value: unknown };
}

const open = (): Promise<IDBPDatabase<KernelSchema>> =>
  openDB<KernelSchema>('rankfall-kernels', 1, {
    upgrade(database) {
      database.createObjectStore('kernels');
    },
  });

/**
 * Kept in IndexedDB, by adapter and browser: another version may compile the same kernel otherwise. A store that cannot be read or
 * written costs a search.
 */
export function browserKernels(userAgent: string): KernelStore {
  const keyOf = (adapter: string): string => `${adapter} / ${userAgent}`;
  const using = async <T>(
    work: (database: IDBPDatabase<KernelSchema>) => Promise<T>,
    otherwise: T,
  ): Promise<T> => {
    let database: IDBPDatabase<KernelSchema> | undefined;
    try {
      database = await open();
      return await work(database);
    } catch {
      return otherwise;
    } finally {
      database?.close();
    }
  };
  return {
    read: (adapter) =>
      using(async (database) => {
        const found = v.safeParse(MatmulTableSchema, await database.get('kernels', keyOf(adapter)));
        return found.success ? found.output : {};
      }, {}),
    write: (adapter, known) =>
      using(async (database) => {
        const valid = v.safeParse(MatmulTableSchema, known);
        await database.put('kernels', valid.success ? known : {}, keyOf(adapter));
      }, undefined),
  };
}

// Faults of the data loader: loads that throw, and loads that hang until they are healed.

import { LoaderError } from '../ports/loader.ts';
import type { Loader } from '../ports/loader.ts';
import type { Injection, FaultPort } from './port.ts';

export interface FaultyLoader {
  readonly loader: Loader;
  readonly faults: FaultPort<'loader-throws' | 'loader-hangs'>;
}

interface Throwing {
  /** Loads that still fail; undefined: until healed. */
  left: number | undefined;
  readonly injection: Injection;
}

export function faultyLoader(loader: Loader): FaultyLoader {
  const throwing = new Map<string, Throwing>();
  const hanging = new Set<string>();
  let waiting: (() => void)[] = [];

  return {
    loader: {
      format: loader.format,
      sizes: loader.sizes,
      async load(split, rows) {
        while (hanging.size > 0) {
          await new Promise<void>((resume) => {
            waiting.push(resume);
          });
        }
        const [first] = throwing.values();
        if (first === undefined) return await loader.load(split, rows);
        if (first.left !== undefined && --first.left === 0) first.injection.ended();
        throw new LoaderError(
          `The ${rows.length} rows of "${split}" could not be loaded: an injected fault. Try again.`,
        );
      },
    },
    faults: {
      kinds: ['loader-throws', 'loader-hangs'],
      inject(injection, fault) {
        if (fault.kind === 'loader-throws') throwing.set(injection.id, { left: fault.times, injection });
        else hanging.add(injection.id);
      },
      heal(id) {
        throwing.delete(id);
        hanging.delete(id);
        if (hanging.size > 0) return;
        const resumed = waiting;
        waiting = [];
        for (const resume of resumed) resume();
      },
    },
  };
}

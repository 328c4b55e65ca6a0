// Faults of the data loader: loads that throw, that hang until they are healed, or that bring something else than was asked for.

import { LoaderError } from '../ports/loader.ts';
import type { Loader, Samples } from '../ports/loader.ts';
import type { Injection, FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

export interface FaultyLoader {
  readonly loader: Loader;
  readonly faults: FaultPort<'loader-throws' | 'loader-hangs' | 'loader-garbles'>;
}

interface Failing {
  readonly fault: FaultOf<'loader-throws' | 'loader-garbles'>;
  /** Loads that still fail; undefined: until healed. */
  left: number | undefined;
  readonly injection: Injection;
}

export function faultyLoader(loader: Loader): FaultyLoader {
  const failing = new Map<string, Failing>();
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
        const [first] = failing.values();
        if (first === undefined) return await loader.load(split, rows);
        if (first.left !== undefined && --first.left === 0) first.injection.ended();
        if (first.fault.kind === 'loader-garbles')
          return garbled(await loader.load(split, rows), first.fault.how, loader.format.classes);
        throw new LoaderError(
          `The ${rows.length} rows of "${split}" could not be loaded: an injected fault. Try again.`,
        );
      },
    },
    faults: {
      kinds: ['loader-throws', 'loader-hangs', 'loader-garbles'],
      inject(injection, fault) {
        if (fault.kind === 'loader-hangs') hanging.add(injection.id);
        else failing.set(injection.id, { fault, left: fault.times, injection });
      },
      heal(id) {
        failing.delete(id);
        hanging.delete(id);
        if (hanging.size > 0) return;
        const resumed = waiting;
        waiting = [];
        for (const resume of resumed) resume();
      },
    },
  };
}

function garbled(
  { inputs, labels }: Samples,
  how: FaultOf<'loader-garbles'>['how'],
  classes: number,
): Samples {
  switch (how) {
    case 'short':
      return { inputs: inputs.slice(0, -1), labels };
    case 'labels':
      return { inputs, labels: labels.map((label, i) => (i === 0 ? classes : label)) };
    case 'non-finite': {
      const changed = inputs.slice();
      // A token is a whole number, and one past the vocabulary is as wrong.
      changed[0] = changed instanceof Float32Array ? Number.NaN : classes;
      return { inputs: changed, labels };
    }
  }
}

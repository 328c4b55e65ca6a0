// Faults of the data loader: loads that throw, that hang until they are healed, or that bring something else than was asked for.

import { LoaderError } from '../ports/loader.ts';
import type { Inputs, Loader, Samples, Split } from '../ports/loader.ts';
import type { Injection, FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

export interface FaultyLoader {
  readonly loader: Loader;
  readonly faults: FaultPort<'loader-throws' | 'loader-hangs' | 'loader-garbles' | 'bad-sample'>;
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
  /** Rows that are bad; undefined: the next one will be. */
  const bad = new Map<string, number | undefined>();
  let waiting: (() => void)[] = [];

  /** With the bad rows among them as they are. */
  function spoiled(split: Split, rows: Int32Array, samples: Samples): Samples {
    if (bad.size === 0 || split !== 'train') return samples;
    for (const [id, row] of bad) if (row === undefined) bad.set(id, rows[0]);
    const rotten = new Set(bad.values());
    if (!rows.some((row) => rotten.has(row))) return samples;
    const inputs = samples.inputs.slice();
    const width = inputs.length / rows.length;
    rows.forEach((row, i) => {
      if (rotten.has(row)) inputs[i * width] = badNumber(inputs, loader.format.classes);
    });
    return { inputs, labels: samples.labels };
  }

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
        if (first === undefined) return spoiled(split, rows, await loader.load(split, rows));
        if (first.left !== undefined && --first.left === 0) first.injection.ended();
        if (first.fault.kind === 'loader-garbles')
          return garbled(await loader.load(split, rows), first.fault.how, loader.format.classes);
        throw new LoaderError(
          `The ${rows.length} rows of "${split}" could not be loaded: an injected fault. Try again.`,
        );
      },
    },
    faults: {
      kinds: ['loader-throws', 'loader-hangs', 'loader-garbles', 'bad-sample'],
      inject(injection, fault) {
        if (fault.kind === 'loader-hangs') hanging.add(injection.id);
        else if (fault.kind === 'bad-sample') bad.set(injection.id, fault.row);
        else failing.set(injection.id, { fault, left: fault.times, injection });
      },
      heal(id) {
        failing.delete(id);
        hanging.delete(id);
        bad.delete(id);
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
      changed[0] = badNumber(changed, classes);
      return { inputs: changed, labels };
    }
  }
}

/** A token is a whole number, and one past the vocabulary is as wrong as what is not finite. */
const badNumber = (inputs: Inputs, classes: number): number =>
  inputs instanceof Float32Array ? Number.NaN : classes;

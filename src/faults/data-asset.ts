// A data set that is gone: what was loaded of it is no longer there, and what the server sends for it is missing or cut off.

import type { Loader } from '../ports/loader.ts';
import type { FaultPort } from './port.ts';
import type { FaultOf } from './vocabulary.ts';

export type DataDamage = FaultOf<'lose-data'>['how'];

export interface LosableData {
  readonly loader: Loader;
  readonly faults: FaultPort<'lose-data'>;
}

/** `open` fetches the data set anew, as it is or so damaged. */
export function losableData(
  first: Loader,
  open: (damage: DataDamage | undefined) => Promise<Loader>,
): LosableData {
  const active = new Map<string, DataDamage>();
  /** Undefined: lost. */
  let current: Loader | undefined = first;
  const present = async (): Promise<Loader> => {
    const [damage] = active.values();
    current ??= await open(damage);
    return current;
  };
  return {
    loader: {
      format: first.format,
      sizes: first.sizes,
      load: async (split, rows) => (await present()).load(split, rows),
    },
    faults: {
      kinds: ['lose-data'],
      inject({ id }, { how }) {
        active.set(id, how);
        current = undefined;
      },
      heal: (id) => void active.delete(id),
    },
  };
}

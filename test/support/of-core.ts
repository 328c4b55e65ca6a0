// A pasted string as another version of the core would have written it.

import { pack, unpack } from '../../src/simulator/packed.ts';
import { PASTED_PREFIX } from '../../src/simulator/pasted.ts';

export const ofCore = (core: number, text: string): string => {
  const json = unpack(text.slice(PASTED_PREFIX.length), PASTED_PREFIX.length);
  return `${PASTED_PREFIX}${pack(json.replace(/"core":\d+/, `"core":${core}`))}`;
};

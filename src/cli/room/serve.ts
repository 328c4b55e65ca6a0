// The lab's server for one demo: on a port of its own, with the pages built once and kept.

import { startServer } from '../../server/start.ts';
import type { Cleanup } from '../cleanup.ts';
import { within } from '../deadline.ts';

/** A build takes seconds; on a machine that is busy with much else, tens of them. */
const START_MS = 180_000;

/** Returns the address of the lab. */
export async function serveLab(cleanup: Cleanup, signal: AbortSignal): Promise<string> {
  const starting = startServer({ port: 0, mode: 'preview' });
  cleanup.add(async () => (await starting).close());
  const { url } = await within('the server to build and start', START_MS, signal, starting);
  return url;
}

// The lab that a command drives: a server with the built pages, a browser with a profile of its own, and the address of a
// page with one rank that trains the command's job.

import type { BrowserContext } from 'playwright-core';
import type { PresetName } from '../../job/presets.ts';
import { formatWire } from '../../job/wire-schema.ts';
import type { Wire } from '../../job/wire-schema.ts';
import type { EngineChoice } from '../../live/api.ts';
import { ensureBrowser } from '../browser.ts';
import type { Cleanup } from '../cleanup.ts';
import { within } from '../deadline.ts';
import type { Narrator } from './narrator.ts';
import { launchProfile } from './profile.ts';
import { serveLab } from './serve.ts';

const INSTALL_MS = 900_000;

export interface OpenedLab {
  readonly context: BrowserContext;
  /** Of the server. */
  readonly url: string;
}

export async function openLab(narrator: Narrator, cleanup: Cleanup, signal: AbortSignal): Promise<OpenedLab> {
  const installing = ensureBrowser({
    log: (line) => {
      narrator.say(line);
    },
  });
  const browser = await within('a browser to be installed', INSTALL_MS, signal, installing);
  const url = await serveLab(cleanup, signal);
  return { context: await launchProfile(browser, cleanup, signal), url };
}

/** What a command's rooms train. */
export interface RoomJob {
  readonly name: string;
  readonly engine: EngineChoice;
  readonly steps: number;
  readonly seed: number;
  readonly job: PresetName;
  readonly wire: Wire;
}

/** The lab's page with one rank that trains this job. */
export function labUrl(server: string, job: RoomJob, autostart: boolean): URL {
  const url = new URL(server);
  const values = {
    engine: job.engine,
    ranks: 1,
    autostart: autostart ? 1 : 0,
    steps: job.steps,
    seed: job.seed,
    job: job.job,
    wire: formatWire(job.wire),
    name: job.name,
    // Two rooms are compared: both compute with the same kernels.
    tune: 0,
  };
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, String(value));
  return url;
}

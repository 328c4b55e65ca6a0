// The page of the checkpoint benchmark: does nothing but watch how long its own thread is blocked while its worker measures.

import * as Comlink from 'comlink';
import type { EngineChoice } from '../../../live/api.ts';
import { createHelperKeeper } from '../../../live/helpers.ts';
import type { CheckpointReport, CheckpointRow } from './report.ts';
import type { CheckpointBench } from './worker.ts';

export interface CheckpointDoor {
  row(engine: EngineChoice, mib: number): Promise<CheckpointRow & { readonly adapter: string }>;
  digits(engine: EngineChoice): Promise<CheckpointReport['digits']>;
  /** Since the page has loaded. */
  blockedMs(): number;
}

declare global {
  interface Window {
    checkpointBench?: CheckpointDoor;
  }
}

const worker = Comlink.wrap<CheckpointBench>(
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
);
const helpers = Comlink.proxy(createHelperKeeper());
const data = new URL('/data/', location.href).href;
let blocked = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) blocked += duration;
}).observe({ type: 'longtask' });

window.checkpointBench = {
  row: (engine, mib) => worker.row(helpers, engine, data, mib),
  digits: (engine) => worker.digits(helpers, engine, data),
  blockedMs: () => blocked,
};

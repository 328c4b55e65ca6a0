// What verification needs of an engine, wherever it runs.

import type { Engine } from '../../ports/engine.ts';
import type { Job } from '../../job/job.ts';
import type { Loader } from '../../ports/loader.ts';
import type { OpRunner } from '../../engine/op-runner.ts';
import { createCpuEngine } from '../../engine/cpu/engine.ts';
import { cpuOpRunner } from '../../engine/cpu/op-runner.ts';
import type { VerifyReport } from './report.ts';

export interface VerifyHost {
  readonly engine: VerifyReport['engine'];
  /** As a person would name it. */
  readonly adapter: string;
  readonly ops: OpRunner;
  /** Opens an engine; whoever opened it destroys it. */
  open(job: Job, loader: Loader): Promise<Engine>;
}

export const cpuHost: VerifyHost = {
  engine: 'cpu',
  adapter: 'TypeScript on the CPU',
  ops: cpuOpRunner,
  open: async (job, loader) => createCpuEngine({ job, loader, reason: 'It is held against a reference.' }),
};

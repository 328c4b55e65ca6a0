// The rank's dedicated worker: the host with the browser's own ports. The protocol's clock runs here, since a hidden page's
// timers do not; the arithmetic runs in a worker of its own (engine-worker.ts), so that this one always answers.

import * as Comlink from 'comlink';
import { browserGpu } from '../engine/open.ts';
import { FaultError } from '../faults/fault-error.ts';
import type { Job } from '../job/job.ts';
import type { EngineChoice, RankHandle } from './api.ts';
import { systemClock } from '../transport/system-clock.ts';
import { RankError } from './rank-error.ts';
import { openRank } from './open-rank.ts';
import type { OpenedRank, PageActions, RankSetup } from './open-rank.ts';
import { browserKernels, tunedJob } from './tuned-job.ts';

/** What the page calls. */
export interface RankWorker extends RankHandle {
  /** The page is about to be hidden, or was and is shown again. */
  visibility(hidden: boolean): Promise<void>;
  /** Once, before anything else. `transport` is the worker's end of the page's transport; `page` a Comlink proxy. */
  boot(setup: RankSetup, transport: MessagePort, page: PageActions): Promise<void>;
}

let opened: OpenedRank | undefined;

const tuned = (job: Job, engine: EngineChoice): Promise<Job> =>
  tunedJob(job, {
    engine,
    gpu: browserGpu(),
    shaders: async () => (await import('../engine/webgpu/shader-bundle.ts')).bundledShader,
    store: browserKernels(navigator.userAgent),
    clock: systemClock(),
  });

function rank(): OpenedRank {
  if (opened === undefined) throw new RankError('The rank is still starting. Ask again in a moment.');
  return opened;
}

const worker: RankWorker = {
  async boot(setup, transport, page) {
    if (opened !== undefined) throw new RankError('The rank runs already.');
    const { options } = setup;
    const job =
      options.fresh && options.tune && options.from === undefined
        ? await tuned(options.job, options.engine)
        : options.job;
    opened = openRank({ ...setup, options: { ...options, job } }, transport, page);
    await opened.host.boot();
  },
  status: async () => rank().host.status(),
  metrics: async (from) => rank().host.metrics(from),
  log: async (from, limit) => rank().host.log(from, limit),
  recall: async () => await rank().host.recall(),
  copies: async () => await rank().host.copies(),
  recording: async () => {
    const bytes = await rank().recorder.read();
    return Comlink.transfer(bytes, [bytes.buffer]);
  },
  start: async () => {
    rank().host.command('start');
  },
  pause: async () => {
    rank().host.command('pause');
  },
  force: async () => {
    rank().host.command('force');
  },
  checkpointNow: async () => await rank().host.checkpointNow(),
  rollBack: async (id) => {
    await rank().host.rollBack(id);
  },
  checkpoints: async () => await rank().host.checkpoints(),
  visibility: async (hidden) => {
    opened?.host.visibility(hidden);
  },
  leave: async () => {
    await rank().host.leave();
  },
  predict: async (request, newest) => await rank().host.predict(request, newest),
  inject: async (fault) => rank().faults.inject(fault),
  heal: async (id) => {
    if (!rank().faults.heal(id)) throw new FaultError('unsupported', `Fault ${id} is not active any more.`);
  },
};

Comlink.expose(worker);

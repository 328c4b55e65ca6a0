// What a rank starts from: the job of its room, and the newest checkpoint at hand, as this browser has stored them.

import { jobHash as hashOfJob } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import type { CheckpointStore } from '../ports/store.ts';
import type { NewestWanted } from '../protocol/saved.ts';
import type { RankOptions } from './api.ts';
import { messageOf } from './message-of.ts';
import { findJob, findSaved } from './saved.ts';
import type { Place, Saved } from './saved.ts';

export interface StartingPoint {
  job(): Promise<Job>;
  /** The newest state of that job, of those that are wanted; undefined where there is none. Those that are passed over are `skipped`. */
  saved(job: Job, wanted?: NewestWanted): Promise<Saved | undefined>;
  /** A new room under a name of its own: there is nothing to look for. */
  readonly isUnused: boolean;
}

export function createStartingPoint(host: {
  readonly options: RankOptions;
  readonly path: string;
  readonly checkpoints: CheckpointStore;
  readonly skipped: (step: number, reason: string) => void;
}): StartingPoint {
  const { options, path, checkpoints, skipped } = host;
  // A room that lives has gone on since.
  const place: Place = { path, from: options.fresh ? options.from : undefined };
  /** A new room has checkpoints only under a name that others used before. */
  const isUnused = options.fresh && path === options.room && options.from === undefined;

  return {
    isUnused,

    /**
     * A room that is reopened trains what it trained, whatever the page's address asks for, and so does one that goes on from a given
     * checkpoint. A new room under a name goes on with what it was made for, if that was trained there; kernels are the room's.
     */
    async job() {
      if (isUnused) return options.job;
      const wanted = (job: Job): boolean =>
        !options.fresh ||
        options.from !== undefined ||
        hashOfJob({ ...job, kernels: options.job.kernels }) === hashOfJob(options.job);
      try {
        return (await findJob(checkpoints, place, wanted)) ?? options.job;
      } catch {
        // What cannot be read is said, checkpoint by checkpoint, when a state is looked for.
        return options.job;
      }
    },

    async saved(job, wanted) {
      try {
        return await findSaved(checkpoints, { ...place, wanted }, job, hashOfJob(job), skipped);
      } catch (error) {
        skipped(0, messageOf(error));
        return undefined;
      }
    },
  };
}

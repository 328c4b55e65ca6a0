// Somebody here wants the room to go back to a checkpoint of this browser. It is held in memory until the room has agreed or has not,
// where nothing that is saved meanwhile can push it out.

import type { Job } from '../job/job.ts';
import type { Clock } from '../ports/clock.ts';
import type { JobHash } from '../ports/ids.ts';
import type { CheckpointStore } from '../ports/store.ts';
import type { Event } from '../protocol/effects.ts';
import type { SavedPlace } from '../protocol/generation.ts';
import type { TraceEvent } from '../trace/events.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import { RankError } from './rank-error.ts';
import { findSaved } from './saved.ts';
import type { Saved } from './saved.ts';

/** A room that has not agreed to go back by then will not: longer than the core asks for it. */
const DEADLINE_MS = 18_000;

export interface GoingBack {
  /** Resolves once the room has gone back. `job` is the one of the room that this rank is in. */
  to(id: string, job: Job, jobHash: JobHash): Promise<void>;
  /** The checkpoint that was asked for, if it is this one. */
  held(place: SavedPlace): Saved | undefined;
  overhear(event: TraceEvent): void;
  end(error: RankError): void;
}

export function createGoingBack(host: {
  readonly clock: Clock;
  readonly checkpoints: CheckpointStore;
  readonly path: string;
  readonly dispatch: (event: Event) => void;
}): GoingBack {
  let back: { readonly saved: Saved; readonly done: Deferred<undefined> } | undefined;

  return {
    async to(id, job, jobHash) {
      if (back !== undefined)
        throw new RankError('The room is being asked to go back already: wait a moment.');
      let flaw = 'it was deleted, or replaced by newer ones';
      const place = { path: host.path, from: id };
      const saved = await findSaved(host.checkpoints, place, job, jobHash, (_step, reason) => {
        flaw = reason;
      });
      if (saved === undefined) throw new RankError(`The room cannot go back to this checkpoint: ${flaw}`);
      const done = defer<undefined>();
      back = { saved, done };
      host.dispatch({ kind: 'rollBack', to: { step: saved.summary.step, hash: saved.summary.stateHash } });
      const cancel = host.clock.after(DEADLINE_MS, () => {
        done.reject(
          new RankError(
            'The room has not gone back: its members have not agreed in time. It goes on as it was.',
          ),
        );
      });
      await done.promise.finally(() => {
        cancel();
        back = undefined;
      });
    },
    held: ({ step, hash }) =>
      back?.saved.summary.step === step && back.saved.summary.stateHash === hash ? back.saved : undefined,
    overhear(event) {
      if (event.kind !== 'founded' || event.why !== 'rolled-back') return;
      if (event.step === back?.saved.summary.step) back.done.resolve(undefined);
    },
    end(error) {
      back?.done.reject(error);
    },
  };
}

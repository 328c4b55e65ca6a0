// Checkpoints: those that the core wants when they are due, and the one that somebody asks for now and waits for.

import type { Clock } from '../ports/clock.ts';
import type { GenerationId } from '../ports/ids.ts';
import type { CheckpointNotes, CheckpointSummary } from '../ports/store.ts';
import type { Effect, Event } from '../protocol/effects.ts';
import type { SaveSnapshot } from './checkpointer.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import type { Captured, EngineWork } from './engine-work.ts';
import type { WriterRole } from './host-ports.ts';
import { messageOf } from './message-of.ts';
import { RankError } from './rank-error.ts';

/** A checkpoint that was asked for and did not come by then is not coming. */
const DEADLINE_MS = 20_000;

type TakeCheckpoint = Extract<Effect, { kind: 'checkpoint' }>;

export interface CheckpointTaking {
  take(effect: TakeCheckpoint): void;
  /** Resolves with the checkpoint that is taken because of this. */
  readonly askedFor: () => Promise<CheckpointSummary>;
  end(error: RankError): void;
}

export function createCheckpointTaking(host: {
  readonly clock: Clock;
  readonly work: EngineWork;
  readonly writer: WriterRole;
  readonly save: SaveSnapshot;
  readonly notes: (step: number, generation: GenerationId) => CheckpointNotes;
  readonly dispatch: (event: Event) => void;
  /** Told of each state that is captured, and of how long that held the training up. */
  readonly captured: (snapshot: Captured) => void;
  readonly heldUp: (step: number, ms: number) => void;
}): CheckpointTaking {
  const { dispatch } = host;
  /** Somebody waits for the next one. */
  let asked: Deferred<CheckpointSummary> | undefined;
  /** Snapshots that a newer one replaced while a save was under way end with that one's checkpoint: it is told once. */
  let told: CheckpointSummary | undefined;

  return {
    take({ generation, step, hash }) {
      const explicit = asked;
      asked = undefined;
      const failed = (detail: string): void => {
        explicit?.reject(new RankError(`The checkpoint of step ${step} failed: ${detail}`));
        dispatch({ kind: 'checkpointFailed', generation, step, detail });
      };
      host.work.capture(
        // Whoever asks for a checkpoint gets one, also on a rank that leaves the regular ones to another.
        async () => (await host.writer.acquire()) || explicit !== undefined,
        (snapshot) => {
          const { job, jobHash, state } = snapshot;
          host
            .save({ generation, step, hash, job, jobHash, state, notes: host.notes(step, generation) })
            .then(
              (summary) => {
                explicit?.resolve(summary);
                if (told === summary) return;
                told = summary;
                dispatch({
                  kind: 'checkpointed',
                  generation: summary.generation,
                  step: summary.step,
                  hash: summary.stateHash,
                });
              },
              (error: unknown) => {
                failed(messageOf(error));
              },
            );
          host.captured(snapshot);
        },
        failed,
        (ms) => {
          host.heldUp(step, ms);
        },
      );
    },

    async askedFor() {
      const result = asked ?? defer<CheckpointSummary>();
      asked = result;
      dispatch({ kind: 'command', command: 'checkpoint' });
      const cancel = host.clock.after(DEADLINE_MS, () => {
        if (asked === result) asked = undefined;
        result.reject(
          new RankError('No checkpoint was taken: this rank holds no committed state, or its store hangs.'),
        );
      });
      return await result.promise.finally(cancel);
    },

    end(error) {
      asked?.reject(error);
    },
  };
}

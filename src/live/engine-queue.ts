// The engine's queue: one call at a time, in the order asked for, as the engine port demands.

export interface EngineQueue {
  /**
   * Runs `task` when all earlier ones have settled. `stale` is asked just before: when it says true the task is dropped.
   * A task handles its own failures; one that rejects all the same is given to `failed`.
   */
  add(task: () => Promise<void>, stale?: () => boolean): void;
  /** Resolves when everything added so far has settled. */
  idle(): Promise<void>;
}

export function createEngineQueue(failed: (error: unknown) => void): EngineQueue {
  let tail: Promise<void> = Promise.resolve();
  return {
    add(task, stale) {
      tail = tail.then(() => (stale?.() === true ? undefined : task())).catch(failed);
    },
    idle: () => tail,
  };
}

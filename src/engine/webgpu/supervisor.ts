// Watches over a device: every error that it reports becomes an `EngineError`, and its loss ends whatever waits for it.

import { EngineError, type EngineFault } from '../../ports/engine.ts';

export interface Supervisor {
  /** Settles when the device is lost; never rejects, and never settles after `retire`. */
  readonly lost: Promise<EngineError>;
  /** Throws what ended the engine, if anything did. */
  checkAlive(): void;
  /**
   * Runs work whose GPU calls are made before its first await, and resolves with its result when the device has nothing to say against
   * them. Rejects with what it has: `out-of-memory`, `validation` or `internal`, in the order of what to do about it. A lost
   * device rejects at once, even when nothing is mapped.
   */
  watch<Result>(what: string, work: () => Promise<Result>): Promise<Result>;
  /** What comes of a wait, unless the device is lost first. */
  orLost<Result>(wait: Promise<Result>): Promise<Result>;
  /** The engine is closed by its owner: what the device says from now on is no news. */
  retire(): void;
}

/** In the order in which scopes are pushed; the innermost catches first, and each catches its own kind alone. */
const SCOPES = [
  ['internal', 'internal', 'failed inside'],
  ['validation', 'validation', 'refused a call'],
  ['out-of-memory', 'out-of-memory', 'ran out of memory'],
] as const satisfies readonly (readonly [GPUErrorFilter, EngineFault, string])[];

export function superviseDevice(device: GPUDevice): Supervisor {
  let gone: EngineError | undefined;
  let retired = false;
  let rejectAll: (error: EngineError) => void = () => undefined;
  /** Rejects when the device is lost: what every wait is raced against. */
  const death = new Promise<never>((_, reject) => {
    rejectAll = reject;
  });
  death.catch(() => undefined);

  const lost = new Promise<EngineError>((settle) => {
    void device.lost.then(({ reason, message }) => {
      if (retired) return;
      gone = new EngineError(
        'device-lost',
        `The GPU device was lost (${reason}: ${message}). Open a new engine.`,
      );
      settle(gone);
      rejectAll(gone);
    });
  });
  device.addEventListener('uncapturederror', ({ error }) => {
    gone ??= new EngineError('internal', `The GPU reported an error that no call expected: ${error.message}`);
  });

  return {
    lost,
    checkAlive() {
      if (gone !== undefined) throw gone;
    },
    async watch(what, work) {
      for (const [filter] of SCOPES) device.pushErrorScope(filter);
      let result: ReturnType<typeof work>;
      let reports: Promise<GPUError | null>[];
      try {
        result = work();
      } finally {
        reports = SCOPES.map(() => device.popErrorScope());
      }
      result.catch(() => undefined);
      // Popped innermost first.
      const errors = await Promise.race([Promise.all(reports), death]).catch((error: unknown) => {
        if (error instanceof EngineError) throw error;
        throw (
          gone ?? new EngineError('device-lost', `The GPU device was lost during ${what}.`, { cause: error })
        );
      });
      const kinds = [...SCOPES].reverse();
      for (const [i, error] of errors.entries()) {
        const kind = kinds[i];
        if (error !== null && kind !== undefined) {
          throw new EngineError(kind[1], `The GPU ${kind[2]} during ${what}: ${error.message}`);
        }
      }
      return await Promise.race([result, death]);
    },
    orLost: (wait) => Promise.race([wait, death]),
    retire() {
      retired = true;
      gone ??= new EngineError('bad-state', 'The engine was destroyed: open a new one.');
      rejectAll(gone);
    },
  };
}

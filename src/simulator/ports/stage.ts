// Virtual time for code that waits with promises: what happens next happens once everybody who could act has acted.

import { createEntropy, type Entropy } from '../random.ts';
import { happen, type Due } from '../due.ts';
import { createQueue } from '../queue.ts';

export interface Stage {
  readonly now: () => number;
  readonly entropy: Entropy;
  at(time: number, due: Due): void;
  /** The work's outcome, with as much time as it needs. */
  run<T>(work: Promise<T>): Promise<T>;
  until(what: string, condition: () => boolean): Promise<void>;
  pass(ms: number): Promise<void>;
}

/** Turns in which a chain of promises comes to rest. */
const TURNS = 20;
/** Virtual milliseconds after which nothing is waited for any more. */
const PATIENCE_MS = 120_000;

const settle = async (): Promise<void> => {
  for (let i = 0; i < TURNS; i++) await Promise.resolve();
};

export function createStage(seed: number): Stage {
  const queue = createQueue<Due>();
  let now = 0;

  /** False when nothing is to happen by then. */
  function next(limit: number): boolean {
    const at = queue.nextAt();
    const due = at > limit ? undefined : queue.pop();
    if (due === undefined) return false;
    now = Math.max(now, at);
    happen(due);
    return true;
  }

  return {
    now: () => now,
    entropy: createEntropy(seed),
    at: (time, due) => queue.push(time, due),
    async run(work) {
      let open = true;
      const mark = (): void => void (open = false);
      work.then(mark, mark);
      const isOpen = (): boolean => open;
      await settle();
      while (isOpen() && next(Infinity)) await settle();
      return await work;
    },
    async until(what, condition) {
      const limit = now + PATIENCE_MS;
      await settle();
      while (!condition()) {
        if (!next(limit))
          throw new Error(`Within ${PATIENCE_MS} ms of virtual time it never came true that ${what}.`);
        await settle();
      }
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      while (next(end)) await settle();
      now = end;
    },
  };
}

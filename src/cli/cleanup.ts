// What a command started, taken down in reverse order, whatever happened in between.

export interface Cleanup {
  /** `undo` runs once, before everything that was added earlier. */
  add(undo: () => Promise<void> | void): void;
}

/** How long one undoing may take before the next one starts anyway. */
const UNDO_MS = 10_000;

export async function withCleanup<T>(work: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const undos: (() => Promise<void> | void)[] = [];
  try {
    return await work({ add: (undo) => undos.push(undo) });
  } finally {
    for (const undo of undos.reverse()) await attempt(undo);
  }
}

/** A failure here must not hide the work's own outcome, nor keep the rest from being taken down. */
async function attempt(undo: () => Promise<void> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, UNDO_MS);
    });
    await Promise.race([undo(), late]);
  } catch {
    // Already gone, most likely.
  } finally {
    clearTimeout(timer);
  }
}

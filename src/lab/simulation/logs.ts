// The log that is open in the laboratory. One that cannot be read leaves the one before where it is.

import { batch, signal, type ReadonlySignal } from '@preact/signals';
import * as Comlink from 'comlink';
import { sentenceIn } from '../lab-error.ts';
import { language } from '../language/language.ts';
import type { LogAnswer, LogRefusal, OpenedLog } from './log-reading.ts';
import type { LogWorker } from './log-worker.ts';

export interface Logs {
  readonly shown: ReadonlySignal<{ readonly name: string; readonly log: OpenedLog } | undefined>;
  /** The name of the file that is being read. */
  readonly reading: ReadonlySignal<string | undefined>;
  /** How much of it is behind, from 0 to 1. */
  readonly reached: ReadonlySignal<number>;
  readonly refused: ReadonlySignal<{ readonly name: string; readonly why: LogRefusal } | undefined>;
  /** Gives up the one that is being read. */
  open(file: File): Promise<void>;
  /** Reads the one that is shown again, to tell it in the language that was chosen meanwhile. */
  retell(): Promise<void>;
  readonly close: () => void;
}

export function createLogs(): Logs {
  const shown = signal<{ readonly name: string; readonly log: OpenedLog } | undefined>(undefined);
  const reading = signal<string | undefined>(undefined);
  const reached = signal(0);
  const refused = signal<{ readonly name: string; readonly why: LogRefusal } | undefined>(undefined);
  /** What is shown was read from it. */
  let source: File | undefined;
  /** The one that is at it. */
  let current: Worker | undefined;
  const giveUp = (): void => {
    current?.terminate();
    current = undefined;
  };

  const logs: Logs = {
    shown,
    reading,
    reached,
    refused,
    async open(file) {
      giveUp();
      const { name } = file;
      batch(() => {
        reading.value = name;
        reached.value = 0;
        refused.value = undefined;
      });
      const process = new Worker(new URL('./log-worker.ts', import.meta.url), {
        type: 'module',
        name: 'log',
      });
      const failed = new Promise<never>((_, reject) => {
        process.addEventListener('error', ({ message }) => {
          reject(new Error(message));
        });
      });
      current = process;
      let answer: LogAnswer;
      try {
        const follow = Comlink.proxy((share: number) => {
          if (current === process) reached.value = share;
        });
        const reads = Comlink.wrap<LogWorker>(process).read(file, language.value, follow);
        answer = await Promise.race([reads, failed]);
      } catch (error) {
        answer = { kind: 'refused', why: { kind: 'wrong', sentence: sentenceIn(error) } };
      }
      // Somebody has opened another meanwhile.
      if (current !== process) return;
      giveUp();
      batch(() => {
        reading.value = undefined;
        if (answer.kind === 'opened') {
          source = file;
          shown.value = { name, log: answer.log };
        } else refused.value = { name, why: answer.why };
      });
    },
    async retell() {
      if (source !== undefined && reading.value === undefined) await logs.open(source);
    },
    close() {
      giveUp();
      source = undefined;
      batch(() => {
        shown.value = undefined;
        reading.value = undefined;
        refused.value = undefined;
      });
    },
  };
  return logs;
}

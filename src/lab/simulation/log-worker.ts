// Reads a log in a worker of its own, so that the page stays at hand; ended when somebody opens another.

import * as Comlink from 'comlink';
import { speak, type Language } from '../language/language.ts';
import { readLog, type LogAnswer } from './log-reading.ts';

export interface LogWorker {
  /** What happened is told in that language. `reached` hears how much of the file is behind, from 0 to 1. */
  read(file: Blob, language: Language, reached: (share: number) => void): Promise<LogAnswer>;
}

const worker: LogWorker = {
  async read(file, language, reached) {
    await speak(language);
    return readLog(file, reached);
  },
};

Comlink.expose(worker);

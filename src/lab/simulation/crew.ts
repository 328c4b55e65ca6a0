// Workers that simulate: for the built-in protocol plain ones of this page, for somebody's protocol ones of a sandbox. All end together.

import * as Comlink from 'comlink';
import { answered } from '../lab-error.ts';
import type { RaceWorker, Subject, SubjectInfo } from './api.ts';
import { raceWords } from './race-words.ts';
import type { Sandbox } from './sandbox.ts';

export interface Crew {
  /** One more worker, with the subject opened. Throws a sentence. */
  hire(): Promise<{ readonly worker: Comlink.Remote<RaceWorker>; readonly info: SubjectInfo }>;
  /** What they were at is never answered. */
  dismiss(): void;
}

/** A protocol whose file does not come to its end is told so. */
const OPENING_MS = 30_000;

export function createCrew(subject: Subject): Crew {
  const processes: Worker[] = [];
  let sandbox: Promise<Sandbox> | undefined;
  let isDismissed = false;

  async function start(): Promise<Comlink.Remote<RaceWorker>> {
    if (subject.kind !== 'room') {
      sandbox ??= import('./sandbox.ts').then(({ openSandbox }) => openSandbox());
      return (await sandbox).worker();
    }
    const process = new Worker(new URL('./room-worker.ts', import.meta.url), {
      type: 'module',
      name: 'simulator',
    });
    processes.push(process);
    return Comlink.wrap<RaceWorker>(process);
  }

  return {
    async hire() {
      const worker = await start();
      const info = await answered(raceWords.simulator, OPENING_MS, worker.open(subject));
      if (isDismissed) throw new Error(raceWords.cancelled);
      return { worker, info };
    },
    dismiss() {
      isDismissed = true;
      for (const process of processes) process.terminate();
      void sandbox?.then((opened) => {
        opened.close();
      });
    },
  };
}

// Workers beside the rank's own, for what it must never wait for: the arithmetic, and the saving. The page opens them and the rank talks
// to them through ports, because a worker of Firefox (seen in 153) that opens another may stand still for good.

import * as Comlink from 'comlink';
import { defer } from './deferred.ts';

export type HelperKind = 'engine' | 'save';

/** What the page does for its worker. */
export interface HelperKeeper {
  /** `id` names it from now on. What it answers comes through `port`; `failed` hears what its own script dies of. */
  readonly openHelper: (
    id: number,
    kind: HelperKind,
    port: MessagePort,
    failed: (message: string) => void,
  ) => void;
  readonly closeHelper: (id: number) => void;
}

/** A helper as the rank has it. */
export interface Helper {
  /** Where its service answers, once its script runs. */
  readonly port: MessagePort;
  /** Settles when the script fails, and never otherwise. */
  readonly failure: Promise<string>;
  terminate(): void;
}

export type OpenHelper = (kind: HelperKind) => Helper;

/** How many this worker has had opened. */
let opened = 0;

/** In the rank's worker. `page` is a Comlink proxy. */
export function helpersOf(page: HelperKeeper): OpenHelper {
  return (kind) => {
    const id = opened++;
    const { port1, port2 } = new MessageChannel();
    const failure = defer<string>();
    page.openHelper(id, kind, Comlink.transfer(port2, [port2]), Comlink.proxy(failure.resolve));
    return {
      port: port1,
      failure: failure.promise,
      terminate() {
        port1.close();
        page.closeHelper(id);
      },
    };
  };
}

/** In the page. */
export function createHelperKeeper(): HelperKeeper & { closeAll(): void } {
  const helpers = new Map<number, Opening>();
  /** Loads its code while the rank's worker does: every rank needs one. */
  let spare: Opening | undefined = openWorker('engine');
  const open = (kind: HelperKind): Opening => {
    if (kind !== 'engine' || spare === undefined) return openWorker(kind);
    const opening = spare;
    spare = undefined;
    return opening;
  };
  return {
    openHelper(id, kind, port, failed) {
      const opening = open(kind);
      helpers.set(id, opening);
      void opening.failure.then(failed);
      opening.worker.postMessage(port, [port]);
    },
    closeHelper(id) {
      helpers.get(id)?.worker.terminate();
      helpers.delete(id);
    },
    closeAll() {
      spare?.worker.terminate();
      for (const { worker } of helpers.values()) worker.terminate();
      helpers.clear();
    },
  };
}

interface Opening {
  readonly worker: Worker;
  /** Settles when its script fails, and never otherwise. */
  readonly failure: Promise<string>;
}

/** In the helper: answers on the port that its page gives it. */
export function exposeToRank(service: object): void {
  addEventListener(
    'message',
    ({ data }: MessageEvent<unknown>) => {
      if (data instanceof MessagePort) Comlink.expose(service, data);
    },
    { once: true },
  );
}

function openWorker(kind: HelperKind): Opening {
  const worker = createWorker(kind);
  const failure = new Promise<string>((resolve) => {
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      resolve(event.message || 'it could not be loaded');
    });
  });
  return { worker, failure };
}

function createWorker(kind: HelperKind): Worker {
  switch (kind) {
    case 'engine':
      return new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module', name: kind });
    case 'save':
      return new Worker(new URL('./save-worker.ts', import.meta.url), { type: 'module', name: kind });
  }
}

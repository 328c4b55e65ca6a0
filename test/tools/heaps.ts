// What a page and each of its workers hold once garbage is collected, over the browser's debugging protocol: for tools that look
// whether something grows.

import type { CDPSession, Page } from 'playwright-core';

export interface Heaps {
  /** In bytes: objects, and what their buffers hold. */
  look(): Promise<{ readonly page: number; readonly workers: readonly number[] }>;
}

interface Usage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

/** Of a page whose workers have all started. */
export async function heapsOf(page: Page): Promise<Heaps> {
  const session = await page.context().newCDPSession(page);
  const workers: string[] = [];
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') workers.push(sessionId);
  });
  session.on('Target.detachedFromTarget', ({ sessionId }) => {
    const place = workers.indexOf(sessionId);
    if (place >= 0) workers.splice(place, 1);
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  let calls = 0;
  const ofWorker = async (worker: string): Promise<number> => {
    const ask = (method: string): Promise<unknown> => askWorker(session, worker, ++calls, method);
    // The first collection runs finalizers, whose objects the second one frees.
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    return bytesOf((await ask('Runtime.getHeapUsage')) as Usage);
  };
  return {
    async look() {
      await session.send('HeapProfiler.collectGarbage');
      await session.send('HeapProfiler.collectGarbage');
      const own = bytesOf(await session.send('Runtime.getHeapUsage'));
      const each: number[] = [];
      for (const worker of [...workers]) each.push(await ofWorker(worker));
      return { page: own, workers: each };
    },
  };
}

const bytesOf = ({ usedSize, backingStorageSize = 0 }: Usage): number => usedSize + backingStorageSize;

/** One call to a worker through its page's session. */
const askWorker = (session: CDPSession, worker: string, id: number, method: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const hear = ({ sessionId, message }: { sessionId: string; message: string }): void => {
      const answer = JSON.parse(message) as { id?: number; result?: unknown };
      if (sessionId !== worker || answer.id !== id) return;
      session.off('Target.receivedMessageFromTarget', hear);
      resolve(answer.result);
    };
    session.on('Target.receivedMessageFromTarget', hear);
    session
      .send('Target.sendMessageToTarget', { sessionId: worker, message: JSON.stringify({ id, method }) })
      .catch(reject);
  });

// How much memory the worker of a tab holds once all garbage is collected, over the browser's debugging protocol.

import type { CDPSession, Page } from 'playwright-core';
import * as v from 'valibot';
import { RunError } from '../../errors.ts';

const AnswerSchema = v.object({
  id: v.number(),
  result: v.optional(v.record(v.string(), v.unknown())),
  error: v.optional(v.object({ message: v.string() })),
});
/** In bytes. Newer browsers tell what typed arrays hold beside the objects themselves. */
const HeapSchema = v.object({ usedSize: v.number(), backingStorageSize: v.optional(v.number(), 0) });

/** Objects and what their buffers hold, in bytes, of the first dedicated worker of a page. */
export async function workerHeapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    const worker = await attach(session);
    // The first collection runs finalizers, whose objects the second one frees.
    await ask(session, worker, 1, 'HeapProfiler.collectGarbage');
    await ask(session, worker, 2, 'HeapProfiler.collectGarbage');
    const heap = v.parse(HeapSchema, await ask(session, worker, 3, 'Runtime.getHeapUsage'));
    return heap.usedSize + heap.backingStorageSize;
  } finally {
    await session.detach();
  }
}

const attach = (session: CDPSession): Promise<string> =>
  new Promise((resolve, reject) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') resolve(sessionId);
    });
    session
      .send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
      .catch(reject);
  });

/** One call to a worker through its page's session. */
const ask = (session: CDPSession, worker: string, id: number, method: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const hear = ({ sessionId, message }: { sessionId: string; message: string }): void => {
      const parsed = v.safeParse(AnswerSchema, JSON.parse(message));
      // What a worker tells by itself has no number.
      if (!parsed.success || sessionId !== worker || parsed.output.id !== id) return;
      const answer = parsed.output;
      session.off('Target.receivedMessageFromTarget', hear);
      if (answer.error === undefined) resolve(answer.result);
      else reject(new RunError(`The browser did not answer ${method}: ${answer.error.message}.`));
    };
    session.on('Target.receivedMessageFromTarget', hear);
    session
      .send('Target.sendMessageToTarget', { sessionId: worker, message: JSON.stringify({ id, method }) })
      .catch(reject);
  });

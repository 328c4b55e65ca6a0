// Tabs that Playwright does not look after. It keeps its own pages focused, and thereby visible, whatever stands before them; a tab that
// was opened over the DevTools protocol alone is hidden as soon as another one is in front.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser, CDPSession } from 'playwright-core';

/** Playwright's, by which timers of hidden tabs would run as if they were seen. */
export const UNTHROTTLING_FLAGS: readonly string[] = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

export interface BareTab {
  /** A command of the DevTools protocol, which may never be answered where it ends the tab. */
  send(method: string, params?: object): Promise<unknown>;
  /** The value of an expression, as JSON has it. */
  evaluate<T>(expression: string): Promise<T>;
}

export interface BareTabs {
  open(url: string): Promise<BareTab>;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

/** Tabs of a window and a profile of their own. */
export async function openBareTabs(browser: Browser): Promise<BareTabs> {
  const root = await browser.newBrowserCDPSession();
  const { browserContextId } = await root.send('Target.createBrowserContext');
  return { open: (url) => openTab(root, browserContextId, url) };
}

async function openTab(root: CDPSession, browserContextId: string, url: string): Promise<BareTab> {
  const { targetId } = await root.send('Target.createTarget', { url, browserContextId });
  const { sessionId } = await root.send('Target.attachToTarget', { targetId, flatten: false });
  const waiting = new Map<number, (answer: Answer) => void>();
  let count = 0;
  root.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
    if (from !== sessionId) return;
    const answer = JSON.parse(message) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });

  async function send(method: string, params: object = {}): Promise<unknown> {
    const id = ++count;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    await root.send('Target.sendMessageToTarget', {
      sessionId,
      message: JSON.stringify({ id, method, params }),
    });
    const { result, error } = await answered;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  return {
    send,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = (await send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      })) as Evaluated;
      if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
      return result.value as T;
    },
  };
}

/** Of a browser, the process that all packets of its pages go through. */
export async function networkProcess(browser: Browser): Promise<number> {
  const root = await browser.newBrowserCDPSession();
  const { processInfo } = await root.send('SystemInfo.getProcessInfo');
  await root.detach();
  for (const { id } of processInfo) {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(id)]);
    if (stdout.includes('network.mojom.NetworkService')) return id;
  }
  throw new Error(`None of the browser's ${processInfo.length} processes says that it is the network's.`);
}

// Where somebody's protocol runs: workers of a frame with an origin of its own, which sees nothing of this site (no page, no storage, no
// channel to other tabs) and may load nothing from anywhere. What it answers is data.

import * as Comlink from 'comlink';
import type { RaceWorker } from './api.ts';
import { text } from './guest-worker.ts?bundled';
import { SANDBOX_POLICY, SANDBOX_SCRIPT } from './sandbox-script.ts';

export interface Sandbox {
  readonly worker: () => Comlink.Remote<RaceWorker>;
  /** Ends its workers at once. */
  close(): void;
}

const PAGE = `<!doctype html><meta http-equiv="content-security-policy" content="${SANDBOX_POLICY}"><title>sandbox</title><script>${SANDBOX_SCRIPT}</script>`;

export function openSandbox(): Sandbox {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.srcdoc = PAGE;
  frame.hidden = true;
  frame.title = 'sandbox';
  const loaded = new Promise<void>((resolve) => {
    frame.addEventListener('load', () => {
      resolve();
    });
  });
  document.body.append(frame);
  return {
    worker() {
      const { port1, port2 } = new MessageChannel();
      void loaded.then(() => {
        // Its origin is opaque, and has no name to address it by.
        frame.contentWindow?.postMessage(text, '*', [port2]);
      });
      return Comlink.wrap<RaceWorker>(port1);
    },
    close() {
      frame.remove();
    },
  };
}

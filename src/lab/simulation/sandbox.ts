// Where somebody's protocol runs: workers of a frame with an origin of its own, which sees nothing of this site (no page, no storage, no
// channel to other tabs) and may load nothing from anywhere. What it answers is data.

import * as Comlink from 'comlink';
import type { RaceWorker } from './api.ts';
import { text } from './guest-worker.ts?bundled';

export interface Sandbox {
  readonly worker: () => Comlink.Remote<RaceWorker>;
  /** Ends its workers at once. */
  close(): void;
}

const POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:";

const PAGE = `<!doctype html><meta http-equiv="content-security-policy" content="${POLICY}"><title>sandbox</title><script>
addEventListener('message', ({ source, data, ports: [port] }) => {
  if (source !== parent) return;
  const address = URL.createObjectURL(new Blob([data], { type: 'text/javascript' }));
  // A classic one: Chromium runs no module from a blob of an opaque origin.
  new Worker(address).postMessage(undefined, [port]);
});
</script>`;

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

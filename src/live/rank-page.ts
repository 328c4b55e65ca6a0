// The page of one rank: starts its worker, carries its connections (which workers cannot have), and hands its controls to the
// window around it. Opened alone, it says in text how the rank is doing.

import * as Comlink from 'comlink';
import { readIceServers, readSignalServer } from '../transport/network-settings.ts';
import { openPageTransport } from '../transport/page.ts';
import { isMemberId } from '../ports/ids.ts';
import type { MemberId } from '../ports/ids.ts';
import type { RankFailed, RankGone, RankHandle, RankPageDoor, RankReady } from './api.ts';
import { HOG_BUSY_MS, HOG_TURN_MS } from '../faults/machine.ts';
import { askConsent } from './ask-consent.ts';
import { burnThread } from './block-thread.ts';
import { createHelperKeeper } from './helpers.ts';
import { parseRankOptions } from './link.ts';
import { messageOf } from './message-of.ts';
import { narrowConnections } from './narrow-connections.ts';
import type { PageActions } from './open-rank.ts';
import { showAlone, showText } from './rank-text.ts';
import type { RankWorker } from './worker.ts';

declare global {
  interface Window {
    rankfallPage?: RankPageDoor;
  }
}

/** Where the server mounts the PeerServer, on the page's own origin. */
const SIGNAL_PATH = '/signal';

const isAlone = window.parent === window;

try {
  await open();
} catch (error) {
  const message = messageOf(error);
  showText(message);
  tellParent({ type: 'rankfall:failed', message } satisfies RankFailed);
}

async function open(): Promise<void> {
  const options = parseRankOptions(location.hash);
  if (!isSecureContext) {
    throw new Error(
      'Browsers allow WebGPU and Web Locks on https:// and on http://localhost only: open the room there.',
    );
  }
  const signal = options.signal ?? new URL(SIGNAL_PATH, location.origin).href;
  narrowConnections(new URL(signal));
  const member = newMemberId();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name: `rank ${member.slice(0, 4)}`,
  });
  const remote = Comlink.wrap<RankWorker>(worker);
  const channel = new MessageChannel();
  const transport = openPageTransport({
    room: options.room,
    member,
    worker: channel.port1,
    signal: readSignalServer(signal),
    iceServers: options.ice === undefined ? [] : readIceServers(options.ice),
  });
  const data = new URL('data/', document.baseURI).href;
  const helpers = createHelperKeeper();
  /** Ends this page, once the answer to whoever asked for it has left. */
  const go = (how: RankGone['how']): void => {
    setTimeout(() => {
      if (how === 'kill') {
        transport.goodbyes(false);
        worker.terminate();
        helpers.closeAll();
      }
      tellParent({ type: 'rankfall:gone', member, how } satisfies RankGone);
      location.replace('about:blank');
    }, 0);
  };
  const page = Comlink.proxy({
    go,
    consent: (what) => askConsent(member, what),
    goodbyes: (on) => {
      transport.goodbyes(on);
    },
    signalling: (on) => {
      transport.signalling(on);
    },
    hog: pageHog(),
    openHelper: helpers.openHelper,
    closeHelper: helpers.closeHelper,
  } satisfies PageActions);
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      reject(
        new Error(`The rank's worker failed: ${event.message || 'it could not be loaded'}. Reload the page.`),
      );
    });
  });
  const booted = remote.boot(
    { member, options, data },
    Comlink.transfer(channel.port2, [channel.port2]),
    page,
  );
  await Promise.race([failed, booted]);
  failed.catch((error: unknown) => {
    showText(messageOf(error));
  });

  const tellVisibility = (): void => {
    void remote.visibility(document.visibilityState === 'hidden');
  };
  document.addEventListener('visibilitychange', tellVisibility);
  if (document.visibilityState === 'hidden') tellVisibility();
  const rank = createHandle(remote, go);
  window.rankfallPage = {
    member,
    rank,
    suppressGoodbye: () => {
      transport.goodbyes(false);
    },
  };
  if (isAlone) showAlone(rank);
  else showText('This rank belongs to the page around it.');
  const { port1, port2 } = new MessageChannel();
  Comlink.expose(rank, port1);
  tellParent({ type: 'rankfall:rank', member } satisfies RankReady, [port2]);
}

/** Burns the page's thread for most of every quarter of a second while it is on. */
function pageHog(): PageActions['hog'] {
  let timer: ReturnType<typeof setInterval> | undefined;
  return (on) => {
    clearInterval(timer);
    timer = on
      ? setInterval(() => {
          burnThread(HOG_BUSY_MS);
        }, HOG_TURN_MS)
      : undefined;
  };
}

/** The worker's handle; a rank that has left takes its page with it. */
function createHandle(remote: Comlink.Remote<RankWorker>, go: PageActions['go']): RankHandle {
  return {
    status: () => remote.status(),
    metrics: (from) => remote.metrics(from),
    log: (from, limit) => remote.log(from, limit),
    recall: () => remote.recall(),
    copies: () => remote.copies(),
    recording: async () => {
      const bytes = await remote.recording();
      return Comlink.transfer(bytes, [bytes.buffer]);
    },
    start: () => remote.start(),
    pause: () => remote.pause(),
    checkpointNow: () => remote.checkpointNow(),
    rollBack: (id) => remote.rollBack(id),
    checkpoints: () => remote.checkpoints(),
    force: () => remote.force(),
    async leave() {
      await remote.leave();
      go('leave');
    },
    inject: (fault) => remote.inject(fault),
    predict: (request, newest) => remote.predict(request, newest),
    heal: (id) => remote.heal(id),
  };
}

function newMemberId(): MemberId {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!isMemberId(id)) throw new Error(`A member id has 32 hex digits, and this one is ${id}.`);
  return id;
}

/** Only a parent of the same origin hears it. */
function tellParent(message: RankReady | RankFailed | RankGone, transfer: Transferable[] = []): void {
  if (!isAlone) window.parent.postMessage(message, location.origin, transfer);
}

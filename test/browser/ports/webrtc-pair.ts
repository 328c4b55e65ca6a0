// Two stations in one page with a real connection between them: the transport's own halves for page and worker, without the
// signalling that finds peers.

import type { DataConnection } from 'peerjs';
import type { MemberId } from '../../../src/ports/ids.ts';
import type { NetworkHarness, Station, Told } from '../../../src/ports/contract/network.ts';
import type { PageMessage, WorkerMessage } from '../../../src/transport/bridge.ts';
import { openPageLink, type PageLink } from '../../../src/transport/page-link.ts';
import { openWorkerTransport, type WorkerTransport } from '../../../src/transport/worker.ts';

const GOODBYE_MS = 200;
const PATIENCE_MS = 20_000;

/** A rank's page, as far as a link needs one. */
interface Page extends Station {
  readonly transport: WorkerTransport;
  readonly links: PageLink[];
  /** Adds our channels to a connection, and hands them over. */
  take(pc: RTCPeerConnection, role: 'caller' | 'callee'): void;
}

function openPage(self: MemberId): Page {
  const told: Told[] = [];
  const links: PageLink[] = [];
  const port: Pick<MessagePort, 'onmessage' | 'postMessage'> = {
    onmessage: null,
    postMessage(message: WorkerMessage) {
      if (message.kind === 'close') links[message.link]?.close();
      if (message.kind !== 'close-all') return;
      for (const link of links) link.say({ say: 'goodbye' });
      setTimeout(() => {
        for (const link of links) link.close();
      }, GOODBYE_MS);
    },
  };
  const transport = openWorkerTransport({
    port,
    self,
    room: 'CONTRA',
    secret: 'a secret of the test',
    handlers: {
      linkUp: (peer) => void told.push({ kind: 'linkUp', peer }),
      linkDown: (peer, evidence) => void told.push({ kind: 'linkDown', peer, evidence }),
      message: (peer, lane, bytes) => void told.push({ kind: 'message', peer, lane, bytes }),
      refused: () => undefined,
      signalling: () => undefined,
    },
  });
  const tell = (data: PageMessage): void => {
    port.onmessage?.call(port as MessagePort, new MessageEvent('message', { data }));
  };
  return {
    self,
    network: transport,
    transport,
    told,
    links,
    take(pc, role) {
      const id = links.length;
      // Of PeerJS's connection, a link uses these three.
      const connection = { peerConnection: pc, on: () => undefined, close: () => undefined };
      const link = openPageLink(connection as unknown as DataConnection, {
        bound: (local, remote) => tell({ kind: 'bound', link: id, local, remote }),
        connected: () => undefined,
        word: () => undefined,
        faltering: () => undefined,
        down: (evidence) => tell({ kind: 'down', link: id, evidence }),
      });
      links.push(link);
      const { control, bulk } = link.open(0);
      tell({ kind: 'link', link: id, role, control, bulk });
    },
  };
}

async function join(a: Page, b: Page): Promise<RTCPeerConnection> {
  const [caller, callee] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (const [from, to] of [
    [caller, callee],
    [callee, caller],
  ] as const)
    from.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null) void to.addIceCandidate(candidate).catch(() => undefined);
    });
  a.take(caller, 'caller');
  b.take(callee, 'callee');
  await caller.setLocalDescription();
  if (caller.localDescription !== null) await callee.setRemoteDescription(caller.localDescription);
  await callee.setLocalDescription();
  if (callee.localDescription !== null) await caller.setRemoteDescription(callee.localDescription);
  return caller;
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Within ${PATIENCE_MS} ms it never came true that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface WebRtcPair extends NetworkHarness {
  /** Closes everything. */
  end(): void;
}

export async function openWebRtcPair(): Promise<WebRtcPair> {
  const [idA, idB, stranger] = ['a', 'b', 'c'].map((digit) => digit.repeat(32) as MemberId) as [
    MemberId,
    MemberId,
    MemberId,
  ];
  const [a, b] = [openPage(idA), openPage(idB)];
  let connection = await join(a, b);
  await until('the pages are linked', () => a.told.length > 0 && b.told.length > 0);
  return {
    a,
    b,
    stranger,
    until,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    reconnect() {
      connection.close();
      void join(a, b).then((joined) => {
        connection = joined;
      });
    },
    close: () => b.transport.close(),
    end() {
      for (const page of [a, b]) for (const link of page.links) link.close();
    },
  };
}

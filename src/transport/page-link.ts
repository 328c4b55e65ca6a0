// One RTCPeerConnection to one peer, as the page owns it: adds our channels while they can still be moved, hands two of them to
// the worker, keeps the tiny one for goodbyes, and watches how the connection fares.

import type { DataConnection } from 'peerjs';
import { fingerprintOf } from './fingerprint.ts';
import { parsePageWord } from './rendezvous.ts';
import type { PageWord } from './rendezvous.ts';

/** Both ends name the channels by number, so that none needs announcing. Renewed ones follow these, two a round. */
const CHANNEL_IDS = { control: 100, bulk: 101, page: 102 } as const;
/** New candidates are gathered for so long, in milliseconds, and sent all together. */
const GATHERING_MS = 2_000;

export type PageEvidence = 'goodbye' | 'ice' | 'channel-closed';

export interface PageLinkEvents {
  bound(local: string, remote: string): void;
  /** The transport under the channels stands. */
  connected(): void;
  word(word: PageWord): void;
  /** Nothing comes through; it may come back by itself, or on new ways. */
  faltering(): void;
  down(evidence: PageEvidence): void;
}

export interface PageLink {
  /** Channels of a round, of which 0 is the first. To be moved to the worker at once. */
  open(round: number): { readonly control: RTCDataChannel; readonly bulk: RTCDataChannel };
  /** Tells what binds the handshake, once more for renewed channels. */
  bind(): void;
  /** Whether new channels on it would open. */
  stands(): boolean;
  say(word: PageWord): void;
  /**
   * Returns when what was said is on its way, for a page that goes: a browser may end its process before the thread of it that sends has had
   * its turn.
   */
  flush(): void;
  /** Whether it stood once, and nothing comes through now. */
  falters(): boolean;
  /** New ways for a connection that falters: what to send to the other end. `undefined` where it has come back or is over. */
  restart(): Promise<RTCSessionDescriptionInit | undefined>;
  /** What the other end sends for new ways, and the answer to an offer. */
  restarted(description: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit | undefined>;
  close(): void;
}

/** Call it in the same task in which PeerJS made the connection: a channel can only be moved right after its creation. */
export function openPageLink(connection: DataConnection, events: PageLinkEvents): PageLink {
  const pc = connection.peerConnection;
  const create = (label: keyof typeof CHANNEL_IDS, round: number): RTCDataChannel =>
    pc.createDataChannel(label, {
      negotiated: true,
      id: CHANNEL_IDS[label] + (round === 0 ? 0 : 2 + 2 * round),
      ordered: true,
    });
  const page = create('page', 0);
  let over = false;
  let bound: { readonly local: string; readonly remote: string } | undefined;

  const down = (evidence: PageEvidence): void => {
    if (over) return;
    over = true;
    events.down(evidence);
  };

  const bind = (): void => {
    if (bound !== undefined || pc.signalingState !== 'stable') return;
    const local = fingerprintOf(pc.localDescription?.sdp ?? '');
    const remote = fingerprintOf(pc.remoteDescription?.sdp ?? '');
    if (local === undefined || remote === undefined) return;
    bound = { local, remote };
    events.bound(local, remote);
  };
  pc.addEventListener('signalingstatechange', bind);
  pc.addEventListener('connectionstatechange', () => {
    switch (pc.connectionState) {
      case 'connected':
        bind();
        events.connected();
        break;
      case 'failed':
      case 'closed':
        down('ice');
        break;
      case 'new':
      case 'connecting':
        break;
      // Heartbeats judge the silence.
      case 'disconnected':
        events.faltering();
        break;
    }
  });
  // PeerJS closes the connection on both; it emits `close` when its own channel closes.
  connection.on('error', () => down('ice'));
  connection.on('close', () => down('channel-closed'));

  page.addEventListener('close', () => down('channel-closed'));
  page.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const word = parsePageWord(data);
    // Nothing but our own words belongs here; the channel carries no data, so a stranger gains nothing by it.
    if (word === undefined || over) return;
    if (word.say === 'goodbye') down('goodbye');
    else events.word(word);
  });

  const falters = (): boolean => !over && bound !== undefined && pc.connectionState !== 'connected';

  /** The own side of a negotiation, with the candidates that were found. */
  async function described(): Promise<RTCSessionDescriptionInit | undefined> {
    await pc.setLocalDescription();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (pc.iceGatheringState === 'complete') resolve();
      };
      pc.addEventListener('icegatheringstatechange', look);
      setTimeout(resolve, GATHERING_MS);
      look();
    });
    return pc.localDescription?.toJSON();
  }

  return {
    open: (round) => ({ control: create('control', round), bulk: create('bulk', round) }),
    bind() {
      if (bound !== undefined) events.bound(bound.local, bound.remote);
    },
    stands: () => !over && pc.connectionState === 'connected' && page.readyState === 'open',
    falters,
    async restart() {
      if (!falters()) return undefined;
      pc.restartIce();
      return await described();
    },
    async restarted(description) {
      // Whoever knows this page's place can send such a thing: only for a connection that does not work anyway, and only with the
      // certificate that the handshake has proved.
      const awaited = description.type === 'answer' && pc.signalingState === 'have-local-offer';
      if (over || !(awaited || (description.type === 'offer' && falters()))) return undefined;
      if (fingerprintOf(description.sdp ?? '') !== bound?.remote) return undefined;
      await pc.setRemoteDescription(description);
      return description.type === 'offer' ? await described() : undefined;
    },
    say(word) {
      if (page.readyState === 'open') page.send(JSON.stringify(word));
    },
    flush() {
      if (page.readyState !== 'open') return;
      try {
        // Changes nothing. Chromium's page waits in it for the thread that sends, which takes what it was given before, in order.
        pc.setConfiguration(pc.getConfiguration());
      } catch {
        // The connection has been closed meanwhile, or the browser does not do this: then the goodbye goes as it can.
      }
    },
    close() {
      over = true;
      connection.close();
      pc.close();
    },
  };
}

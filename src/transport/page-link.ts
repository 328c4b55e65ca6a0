// One RTCPeerConnection to one peer, as the page owns it: adds our channels while they can still be moved, hands two of them to
// the worker, keeps the tiny one for goodbyes, and watches how the connection fares.

import type { DataConnection } from 'peerjs';
import { fingerprintOf } from './fingerprint.ts';
import { parsePageWord } from './rendezvous.ts';
import type { PageWord } from './rendezvous.ts';

/** Both ends name the channels by number, so that none needs announcing. */
const CHANNEL_IDS = { control: 100, bulk: 101, page: 102 } as const;

export type PageEvidence = 'goodbye' | 'ice' | 'channel-closed';

export interface PageLinkEvents {
  bound(local: string, remote: string): void;
  /** The transport under the channels stands. */
  connected(): void;
  word(word: PageWord): void;
  down(evidence: PageEvidence): void;
}

export interface PageLink {
  /** To be moved to the worker at once. */
  readonly channels: { readonly control: RTCDataChannel; readonly bulk: RTCDataChannel };
  say(word: PageWord): void;
  close(): void;
}

/** Call it in the same task in which PeerJS made the connection: a channel can only be moved right after its creation. */
export function openPageLink(connection: DataConnection, events: PageLinkEvents): PageLink {
  const pc = connection.peerConnection;
  const create = (label: keyof typeof CHANNEL_IDS): RTCDataChannel =>
    pc.createDataChannel(label, { negotiated: true, id: CHANNEL_IDS[label], ordered: true });
  const control = create('control');
  const bulk = create('bulk');
  const page = create('page');
  let over = false;
  let bound = false;

  const down = (evidence: PageEvidence): void => {
    if (over) return;
    over = true;
    events.down(evidence);
  };

  const bind = (): void => {
    if (bound || pc.signalingState !== 'stable') return;
    const local = fingerprintOf(pc.localDescription?.sdp ?? '');
    const remote = fingerprintOf(pc.remoteDescription?.sdp ?? '');
    if (local === undefined || remote === undefined) return;
    bound = true;
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
      // It may come back by itself; heartbeats judge the silence.
      case 'disconnected':
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

  return {
    channels: { control, bulk },
    say(word) {
      if (page.readyState === 'open') page.send(JSON.stringify(word));
    },
    close() {
      over = true;
      connection.close();
      pc.close();
    },
  };
}

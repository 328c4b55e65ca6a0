// The page of one rank in the all-reduce benchmark: opens the product's transport, a bare channel and a PeerJS connection.

import * as Comlink from 'comlink';
import { Peer, type DataConnection } from 'peerjs';
import { isMemberId } from '../../../ports/ids.ts';
import { openPageTransport } from '../../../transport/page.ts';
import type { BenchDoor, Measured, Run } from './protocol.ts';
import { createRingLoop, type RingLoop } from './ring.ts';
import type { BenchWorker } from './worker.ts';

declare global {
  interface Window {
    bench?: BenchDoor;
  }
}

const room = new URLSearchParams(location.hash.slice(1)).get('room') ?? 'bench';
const member = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('');
if (!isMemberId(member)) throw new TypeError(`Expected a member id, made ${member}.`);

const signal = {
  host: location.hostname,
  port: Number(location.port),
  path: '/signal',
  secure: location.protocol === 'https:',
};
const worker = Comlink.wrap<BenchWorker>(
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
);
const bridge = new MessageChannel();
openPageTransport({ room, member, signal, worker: bridge.port1 });
await worker.open(member, room, Comlink.transfer(bridge.port2, [bridge.port2]));

/** Of the bare channel, which both ends open by number. */
const RAW_CHANNEL = 200;
/** The next rank's page may not be there yet: it is called again after this time, in milliseconds. */
const RETRY_MS = 5000;

/** PeerJS's connections: to the next rank, and from the one before. */
let outgoing: DataConnection | undefined;
let receivePeer: ((message: PeerMessage) => void) | undefined;
let earlyPeer: PeerMessage[] = [];

/** PeerJS serializes it; typed arrays arrive as bytes. */
interface PeerMessage {
  readonly epoch: number;
  readonly round: number;
  readonly part: number;
  readonly payload: ArrayBuffer | Uint8Array<ArrayBuffer>;
}

/** Moved to the worker right after its creation, which is the only time when it can be. */
function moveRawChannel(
  connection: DataConnection,
  move: (channel: RTCDataChannel) => Promise<void>,
): Promise<void> {
  const channel = connection.peerConnection.createDataChannel('raw', {
    negotiated: true,
    id: RAW_CHANNEL,
    ordered: true,
  });
  return move(Comlink.transfer(channel, [channel]));
}

async function connect(name: string, rank: number, world: number): Promise<void> {
  // PeerJS declares a class for what is a plain object of options.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  const peer = new Peer(`bench-${name}-${rank}`, signal);
  await new Promise<void>((resolve) => peer.on('open', () => resolve()));
  const incoming = new Promise<void>((resolve) => {
    peer.on('connection', (connection) => {
      const moved = moveRawChannel(connection, (channel) => worker.receiveRawOn(channel));
      connection.on('data', (data) => {
        const message = data as PeerMessage;
        if (receivePeer === undefined) earlyPeer.push(message);
        else receivePeer(message);
      });
      connection.on('open', () => void moved.then(resolve));
    });
  });
  while (outgoing === undefined) {
    const connection = peer.connect(`bench-${name}-${(rank + 1) % world}`, { reliable: true });
    const moved = moveRawChannel(connection, (channel) => worker.sendRawOn(channel));
    const opened = await new Promise<boolean>((resolve) => {
      connection.on('open', () => resolve(true));
      setTimeout(() => resolve(false), RETRY_MS);
    });
    await moved;
    if (opened) outgoing = connection;
    else connection.close();
  }
  await incoming;
}

async function overPeerJs(run: Run): Promise<Measured> {
  const { rank, members, bytes, rounds, epoch } = run;
  const world = members.length;
  const loop: RingLoop = createRingLoop({
    rank,
    world,
    bytes,
    rounds,
    send(round, { part, payload }) {
      void outgoing?.send({
        epoch,
        round,
        part,
        payload: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength),
      });
    },
  });
  const before = (rank - 1 + world) % world;
  const start = performance.now();
  receivePeer = (message) => {
    if (message.epoch !== epoch) return;
    const { payload } = message;
    const copy = payload instanceof Uint8Array ? payload.slice().buffer : payload;
    loop.receive(before, message.round, message.part, new Int32Array(copy));
  };
  const waiting = earlyPeer;
  earlyPeer = [];
  waiting.forEach(receivePeer);
  await loop.done;
  receivePeer = undefined;
  return { ms: performance.now() - start, rounds, roundTripsMs: [], mostBufferedBytes: 0 };
}

window.bench = {
  member,
  connect,
  links: () => worker.links(),
  run: (run) => (run.kind === 'peerjs' ? overPeerJs(run) : worker.run(run)),
};

// The worker of one rank in the all-reduce benchmark: the product's transport and codec, and a bare channel beside them.

import * as Comlink from 'comlink';
import { combineLanes } from '../../../collective/lanes.ts';
import { isIncarnationId, isMemberId, type GenerationId, type MemberId } from '../../../ports/ids.ts';
import { decodeMessage, encodeLate } from '../../../protocol/codec.ts';
import { openWorkerTransport, type WorkerTransport } from '../../../transport/worker.ts';
import { RAW_FRAME_BYTES, RAW_HIGH_WATER_BYTES, type Measured, type Run } from './protocol.ts';
import { contributionOf, createRingLoop, layoutOf, type RingLoop } from './ring.ts';

const INCARNATION = `00000000-${'0'.repeat(32)}`;
const memberOf = (text: string | undefined): MemberId => {
  if (text === undefined || !isMemberId(text)) throw new TypeError(`Expected a member id, found ${text}.`);
  return text;
};

/** Names one run in every message, so that stragglers of another are told apart. */
const generationOf = (epoch: number): GenerationId => {
  if (!isIncarnationId(INCARNATION)) throw new TypeError('The benchmark has no incarnation id.');
  return { incarnation: INCARNATION, number: epoch };
};

let transport: WorkerTransport | undefined;
let raw: RTCDataChannel | undefined;
let rawReceived = 0;
let onRaw: (() => void) | undefined;
/** What parts of a run go to; those that come before it has begun here wait. */
let receiver:
  | {
      readonly epoch: number;
      take(from: MemberId, step: number, part: number, payload: Int32Array<ArrayBuffer>): void;
    }
  | undefined;
let early: {
  readonly epoch: number;
  readonly from: MemberId;
  readonly step: number;
  readonly part: number;
  readonly payload: Int32Array<ArrayBuffer>;
}[] = [];

const sendPart = (
  to: MemberId,
  epoch: number,
  step: number,
  part: number,
  payload: Int32Array<ArrayBuffer>,
): void => {
  const late = encodeLate({
    kind: 'part',
    generation: generationOf(epoch),
    round: { step, attempt: 0 },
    bucket: 0,
    part,
    payload,
  });
  const outcome = transport?.send(to, 'bulk', late);
  if (outcome !== 'sent') throw new RangeError(`A part could not be sent: ${outcome}.`);
};

/** The most that a channel of the transport has buffered: looked at where it can only have grown. */
let mostBufferedBytes = 0;
// Taken off the prototype to be called on each channel.
// eslint-disable-next-line @typescript-eslint/unbound-method
RTCDataChannel.prototype.send = new Proxy(RTCDataChannel.prototype.send, {
  apply(send, channel: RTCDataChannel, data: unknown[]) {
    Reflect.apply(send, channel, data);
    if (channel !== raw) mostBufferedBytes = Math.max(mostBufferedBytes, channel.bufferedAmount);
  },
});

/** A round trip on control: one byte of kind, four of its number. */
const PING = 1;
const PONG = 2;
const PING_BYTES = 5;
/** Between one ping and the next, in milliseconds. */
const PING_MS = 10;
let sentAt = new Map<number, number>();
let roundTripsMs: number[] = [];

const control = (kind: number, id: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(PING_BYTES);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, id);
  return bytes;
};

function hearControl(from: MemberId, bytes: Uint8Array<ArrayBuffer>): void {
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bytes[0] === PING) {
    transport?.send(from, 'control', control(PONG, id));
    return;
  }
  const at = sentAt.get(id);
  if (at === undefined) return;
  sentAt.delete(id);
  roundTripsMs.push(performance.now() - at);
}

async function pingedRing(run: Run): Promise<Measured> {
  const { rank, members } = run;
  const next = memberOf(members[(rank + 1) % members.length]);
  sentAt = new Map();
  roundTripsMs = [];
  let id = 0;
  const pinging = setInterval(() => {
    sentAt.set(id, performance.now());
    transport?.send(next, 'control', control(PING, id));
    id += 1;
  }, PING_MS);
  const measured = await ring(run);
  clearInterval(pinging);
  // What has not come back by now took at least this long.
  const now = performance.now();
  return { ...measured, roundTripsMs: [...roundTripsMs, ...[...sentAt.values()].map((at) => now - at)] };
}

async function timed(rounds: number, work: () => Promise<void>): Promise<Measured> {
  const start = performance.now();
  await work();
  return { ms: performance.now() - start, rounds, roundTripsMs: [], mostBufferedBytes };
}

function listen(epoch: number, take: NonNullable<typeof receiver>['take']): void {
  receiver = { epoch, take };
  const waiting = early;
  early = [];
  for (const { epoch: of, from, step, part, payload } of waiting)
    if (of === epoch) take(from, step, part, payload);
}

const ring = ({ rank, members, bytes, rounds, epoch }: Run): Promise<Measured> =>
  timed(rounds, () => {
    const ids = members.map(memberOf);
    const loop: RingLoop = createRingLoop({
      rank,
      world: ids.length,
      bytes,
      rounds,
      send: (round, out) => sendPart(memberOf(ids[out.toRank]), epoch, round, out.part, out.payload),
    });
    listen(epoch, (from, step, part, payload) => loop.receive(ids.indexOf(from), step, part, payload));
    return loop.done;
  });

/** Rank 0 adds up what the others send, and sends them the sum. */
const star = ({ rank, members, bytes, rounds, epoch }: Run): Promise<Measured> =>
  timed(rounds, async () => {
    const ids = members.map(memberOf);
    const layout = layoutOf(bytes);
    const others = ids.filter((_, i) => i !== 0);
    let round = 0;
    await new Promise<void>((resolve) => {
      const own = contributionOf(layout, rank);
      let sum = own.slice();
      let missing = others.length;
      const contribute = (): void => {
        if (rank !== 0) sendPart(memberOf(ids[0]), epoch, round, rank, own.slice());
      };
      listen(epoch, (_from, _step, _part, payload) => {
        if (rank === 0) {
          combineLanes(layout, sum, payload, 0);
          missing -= 1;
          if (missing > 0) return;
          for (const other of others) sendPart(other, epoch, round, 0, sum);
          sum = own.slice();
          missing = others.length;
        }
        round += 1;
        if (round === rounds) resolve();
        else contribute();
      });
      contribute();
    });
  });

/**
 * Sends so many bytes to the next rank while as many come from the one before, in each of the rounds. A round ends when all have come, as
 * an all-reduce does.
 */
const bare = ({ bytes, rounds }: Run): Promise<Measured> =>
  timed(rounds, async () => {
    const channel = raw;
    if (channel === undefined) throw new TypeError('There is no bare channel.');
    const frame = new Uint8Array(RAW_FRAME_BYTES);
    channel.bufferedAmountLowThreshold = RAW_HIGH_WATER_BYTES / 2;
    for (let round = 0; round < rounds; round++) {
      const received = new Promise<void>((resolve) => {
        onRaw = () => {
          if (rawReceived < bytes) return;
          rawReceived -= bytes;
          onRaw = undefined;
          resolve();
        };
        onRaw();
      });
      let sent = 0;
      while (sent < bytes) {
        while (sent < bytes && channel.bufferedAmount < RAW_HIGH_WATER_BYTES) {
          const size = Math.min(frame.length, bytes - sent);
          channel.send(frame.subarray(0, size));
          sent += size;
        }
        if (sent < bytes)
          await new Promise((resolve) =>
            channel.addEventListener('bufferedamountlow', resolve, { once: true }),
          );
      }
      await received;
    }
  });

const door = {
  open(self: string, room: string, port: MessagePort): void {
    transport = openWorkerTransport({
      port,
      self: memberOf(self),
      room,
      secret: 'benchmark',
      handlers: {
        linkUp: () => undefined,
        linkDown: () => undefined,
        refused: () => undefined,
        signalling: () => undefined,
        message(from, lane, bytes) {
          if (lane === 'control') {
            hearControl(from, bytes);
            return;
          }
          const message = decodeMessage(bytes);
          if (message.kind !== 'part') return;
          const { generation, round, part, payload } = message;
          if (receiver?.epoch === generation.number) receiver.take(from, round.step, part, payload);
          else early.push({ epoch: generation.number, from, step: round.step, part, payload });
        },
      },
    });
  },

  /** The bare channel to the next rank. A later one takes the place of one that did not open. */
  sendRawOn(channel: RTCDataChannel): void {
    raw = channel;
  },

  /** The bare channel from the rank before. */
  receiveRawOn(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      rawReceived += data.byteLength;
      onRaw?.();
    });
  },

  links: (): number => transport?.peers().length ?? 0,

  run(run: Run): Promise<Measured> {
    switch (run.kind) {
      case 'ring':
        return ring(run);
      case 'star':
        return star(run);
      case 'raw':
        return bare(run);
      case 'pinged-ring':
        return pingedRing(run);
      case 'peerjs':
        throw new TypeError("PeerJS's connections belong to the page.");
    }
  },
};
export type BenchWorker = typeof door;
Comlink.expose(door);

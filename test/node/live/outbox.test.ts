/** What a rank carries for others waits in its links' queues with what is its own, and leaves room for that. */
import { describe, expect, it } from 'vitest';
import { CARRIED, createOutbox } from '../../../src/live/outbox.ts';
import type { IncarnationId, MemberId } from '../../../src/ports/ids.ts';
import { MAX_QUEUED_BYTES, type Network } from '../../../src/ports/network.ts';
import type { Event } from '../../../src/protocol/effects.ts';
import type { Message } from '../../../src/protocol/messages.ts';

const member = (digit: number): MemberId => digit.toString(16).padStart(32, '0') as MemberId;
const MIB = 1024 * 1024;
const [self, far] = [member(1), member(2)];

const part = (bytes: number): Extract<Message, { kind: 'part' }> => ({
  kind: 'part',
  generation: { incarnation: `00000000-${member(9)}` as IncarnationId, number: 1 },
  round: { step: 3, attempt: 0 },
  bucket: 0,
  part: 1,
  payload: new Int32Array(bytes / 4).fill(-(2 ** 31)),
});
const carried = (to: MemberId, bytes: number): Message => ({
  kind: 'relay',
  origin: far,
  to,
  hops: 2,
  message: part(bytes),
});

/** Links that take and never deliver. */
function stuckLinks(peers: readonly MemberId[]) {
  const queued = new Map<MemberId, number>(peers.map((peer) => [peer, 0]));
  const network: Network = {
    send(peer, lane, bytes) {
      const waiting = queued.get(peer);
      if (waiting === undefined) return 'no-link';
      if (waiting > 0 && waiting + bytes.length > MAX_QUEUED_BYTES[lane]) return 'overflow';
      queued.set(peer, waiting + bytes.length);
      return 'sent';
    },
    queuedBytes: (peer) => queued.get(peer) ?? 0,
    drop: () => undefined,
    peers: () => peers,
  };
  const told: Event[] = [];
  const outbox = createOutbox({
    member: self,
    network: () => network,
    dispatch: (event) => told.push(event),
  });
  return { outbox, queued, told };
}

const peers = Array.from({ length: 8 }, (_, i) => member(3 + i));
const [first = far] = peers;

describe('a carrier', () => {
  it('takes for one member what half of the queue holds, and its own still goes', () => {
    const { outbox, queued, told } = stuckLinks(peers);
    for (let i = 0; i < 100; i++) outbox.transmit({ to: first, message: carried(first, MIB) });
    expect(queued.get(first)).toBeGreaterThan(CARRIED.forOne - 2 * MIB);
    expect(queued.get(first)).toBeLessThanOrEqual(CARRIED.forOne);
    expect(told.length).toBeGreaterThan(60);
    expect(told).toContainEqual({ kind: 'unsent', to: first });
    told.length = 0;
    outbox.transmit({ to: first, message: part(16 * MIB) });
    expect(told).toEqual([]);
  });

  it('has no more waiting for all of them than one link holds, however many it carries for', () => {
    const { outbox, queued } = stuckLinks(peers);
    for (let i = 0; i < 30; i++) for (const to of peers) outbox.transmit({ to, message: carried(to, MIB) });
    const all = [...queued.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(all).toBeGreaterThan(CARRIED.forAll - 2 * MIB);
    expect(all).toBeLessThanOrEqual(CARRIED.forAll);
  });

  it('takes one long message where nothing waits, and says its own by whatever way without a bound of this kind', () => {
    const { outbox, queued, told } = stuckLinks(peers);
    outbox.transmit({ to: first, message: carried(first, 2 * CARRIED.forOne + MIB) });
    expect(told).toEqual([]);
    const relayed = carried(first, MIB);
    if (relayed.kind === 'relay')
      for (const to of peers.slice(1)) outbox.transmit({ to, message: { ...relayed, origin: self } });
    expect([...queued.values()].every((bytes) => bytes > 0)).toBe(true);
  });
});

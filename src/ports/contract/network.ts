// What every network keeps: the browser's, the simulated one, and those that tests have in memory.

import type { MemberId } from '../ids.ts';
import { MAX_MESSAGE_BYTES, MAX_QUEUED_BYTES } from '../network.ts';
import type { Evidence, Lane, LateMessage, Network } from '../network.ts';
import { expectEqual, expectThat, pattern, sameBytes, type ContractCase, type Time } from './case.ts';

/** What a network told its rank, in order. */
export type Told =
  | { readonly kind: 'linkUp'; readonly peer: MemberId }
  | { readonly kind: 'linkDown'; readonly peer: MemberId; readonly evidence: Evidence }
  | {
      readonly kind: 'message';
      readonly peer: MemberId;
      readonly lane: Lane;
      readonly bytes: Uint8Array<ArrayBuffer>;
    };

export interface Station {
  readonly self: MemberId;
  readonly network: Network;
  readonly told: readonly Told[];
}

/** Two stations with a link. */
export interface NetworkHarness extends Time {
  readonly a: Station;
  readonly b: Station;
  /** Who is not there. */
  readonly stranger: MemberId;
  /** The connection ends on both sides, and is set up anew. */
  readonly reconnect: () => void;
  /** Station b goes in order. */
  readonly close: () => void;
}

/** A station, and a peer on another page, which sends back whatever it is sent. */
interface RemoteHarness extends Time {
  readonly a: Station;
  readonly peer: MemberId;
}

/** What can only be shown where the peer can be made to die without a word. */
export interface MortalHarness extends RemoteHarness {
  /** The peer is gone, and says nothing. */
  readonly kill: () => Promise<void>;
}

/** What can only be shown where the peer can be made to stand still, and the way to it to lead nowhere. */
export interface InterruptibleHarness extends RemoteHarness {
  /** The peer's worker stands still for so many milliseconds. */
  readonly freeze: (ms: number) => Promise<void>;
  /** From now on, or no more, nothing comes through between the two pages; connections try again. */
  readonly hold: (held: boolean) => Promise<void>;
  /** From now on nothing comes through, for good. */
  readonly cut: () => Promise<void>;
}

/** A browser hands the wire up to so much before its own queue begins. */
const ON_THE_WIRE = 512 * 1024;
const KIB = 1024;

const messages = ({ told }: Station, lane?: Lane) =>
  told.filter(
    (event): event is Extract<Told, { kind: 'message' }> =>
      event.kind === 'message' && (lane === undefined || event.lane === lane),
  );
const downs = ({ told }: Station) =>
  told.filter((event): event is Extract<Told, { kind: 'linkDown' }> => event.kind === 'linkDown');
const ups = ({ told }: Station) => told.filter(({ kind }) => kind === 'linkUp');

export const NETWORK_CONTRACT: readonly ContractCase<NetworkHarness>[] = [
  {
    name: 'a link is told once to both ends, and each then counts the other among its peers',
    async run({ a, b }) {
      expectEqual('what a was told', [...ups(a), ...downs(a)], [{ kind: 'linkUp', peer: b.self }]);
      expectEqual('what b was told', [...ups(b), ...downs(b)], [{ kind: 'linkUp', peer: a.self }]);
      expectEqual("a's peers", a.network.peers(), [b.self]);
      expectEqual("b's peers", b.network.peers(), [a.self]);
      await Promise.resolve();
    },
  },
  {
    name: 'a message of exactly the limit arrives whole, and one byte more is an overflow that breaks nothing',
    async run({ a, b, until }) {
      const sizes = [0, 1, MAX_MESSAGE_BYTES.control];
      for (const size of sizes)
        expectEqual(`sending ${size} bytes`, a.network.send(b.self, 'control', pattern(size, size)), 'sent');
      const longer = pattern(MAX_MESSAGE_BYTES.control + 1, 1);
      expectEqual('sending one byte more', a.network.send(b.self, 'control', longer), 'overflow');
      expectEqual('sending after that', a.network.send(b.self, 'control', pattern(7, 7)), 'sent');
      await until('all have arrived', () => messages(b).length === sizes.length + 1);
      expectEqual(
        'the sizes that arrived',
        messages(b).map(({ bytes }) => bytes.length),
        [...sizes, 7],
      );
      for (const { bytes } of messages(b))
        expectThat(sameBytes(bytes, pattern(bytes.length, bytes.length)), 'the bytes that were sent', bytes);
    },
  },
  {
    name: 'messages of a lane arrive in the order in which they were sent, in both directions',
    async run({ a, b, until }) {
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      for (const i of numbers) {
        a.network.send(b.self, 'control', pattern(1 + (i % 5) * 3000, i));
        b.network.send(a.self, 'bulk', pattern(1 + (i % 3) * 20_000, i));
      }
      await until('all have arrived', () => messages(a).length + messages(b).length === 400);
      for (const [station, step] of [
        [b, 3000],
        [a, 20_000],
      ] as const)
        messages(station).forEach(({ bytes }, i) => {
          const expected = pattern(1 + (i % (step === 3000 ? 5 : 3)) * step, i);
          expectThat(sameBytes(bytes, expected), `message ${i} in its place`, bytes.length);
        });
    },
  },
  {
    name: 'messages that are written late arrive as those that are written at once, between them and in order, on both lanes',
    async run({ a, b, until }) {
      const sizes = [1, 70_000, 3, 0, 300_000, 65_520, 20, 150_000];
      const late = (size: number, seed: number): LateMessage => ({
        length: size,
        write: (into) => into.set(pattern(size, seed)),
      });
      sizes.forEach((size, i) => {
        const make = i % 3 === 2 ? pattern : late;
        expectEqual(`sending ${size} bytes`, a.network.send(b.self, 'bulk', make(size, i)), 'sent');
        expectEqual('sending on control', a.network.send(b.self, 'control', make(size % 5000, i)), 'sent');
      });
      const longer = late(MAX_MESSAGE_BYTES.control + 1, 1);
      expectEqual('sending too long a one', a.network.send(b.self, 'control', longer), 'overflow');
      await until('all have arrived', () => messages(b).length === 2 * sizes.length);
      for (const lane of ['bulk', 'control'] as const)
        messages(b, lane).forEach(({ bytes }, i) => {
          const size = (sizes[i] ?? 0) % (lane === 'bulk' ? Infinity : 5000);
          expectThat(sameBytes(bytes, pattern(size, i)), `message ${i} in its place`, bytes.length);
        });
    },
  },
  {
    name: 'a control message does not wait for the bulk that was sent before it',
    async run({ a, b, until }) {
      expectEqual('sending bulk', a.network.send(b.self, 'bulk', pattern(8 * KIB * KIB, 1)), 'sent');
      expectEqual('sending control', a.network.send(b.self, 'control', pattern(10, 2)), 'sent');
      await until('both have arrived', () => messages(b).length === 2);
      expectEqual(
        'the order of arrival',
        messages(b).map(({ lane }) => lane),
        ['control', 'bulk'],
      );
    },
  },
  {
    name: 'the send queue fills to its limit, then a send is an overflow, and nothing is lost of what was accepted',
    async run({ a, b, until }) {
      const size = 32 * KIB;
      let accepted = 0;
      while (
        accepted * size <= 2 * MAX_QUEUED_BYTES.control &&
        a.network.send(b.self, 'control', pattern(size, accepted)) === 'sent'
      )
        accepted += 1;
      const most = MAX_QUEUED_BYTES.control + ON_THE_WIRE;
      const bytes = accepted * size;
      expectThat(bytes > MAX_QUEUED_BYTES.control - size, 'the queue to hold its limit', bytes);
      expectThat(bytes <= most, `at most ${most} bytes to be accepted`, bytes);
      expectThat(a.network.queuedBytes(b.self) > 0, 'bytes that wait', a.network.queuedBytes(b.self));
      await until('all that was accepted has arrived', () => messages(b).length === accepted);
      messages(b).forEach(({ bytes: got }, i) =>
        expectThat(sameBytes(got, pattern(size, i)), `message ${i} whole and in its place`, got.length),
      );
      await until('nothing waits any more', () => a.network.queuedBytes(b.self) === 0);
      expectEqual('sending again', a.network.send(b.self, 'control', pattern(1, 1)), 'sent');
    },
  },
  {
    name: 'there is no link with a stranger, and sending to one neither throws nor queues',
    async run({ a, stranger, pass }) {
      expectEqual('sending', a.network.send(stranger, 'control', pattern(1, 1)), 'no-link');
      expectEqual('what waits', a.network.queuedBytes(stranger), 0);
      a.network.drop(stranger, 'not there');
      await pass(50);
      expectEqual('links that went down', downs(a), []);
    },
  },
  {
    name: 'a dropped link is told to both ends: as misbehaviour here, once drop has returned, and as a closed channel there',
    async run({ a, b, until }) {
      a.network.drop(b.self, 'a test');
      expectEqual('what a was told while it dropped', downs(a), []);
      expectEqual('sending at once', a.network.send(b.self, 'control', pattern(1, 1)), 'no-link');
      await until('both were told', () => downs(a).length > 0 && downs(b).length > 0);
      expectEqual('what a was told', downs(a)[0]?.evidence, 'misbehaved');
      expectEqual('what b was told', downs(b)[0]?.evidence, 'channel-closed');
    },
  },
  {
    name: 'a connection that ends is told once, and its successor is a new link that carries nothing from before',
    async run({ a, b, until, reconnect }) {
      a.network.send(b.self, 'bulk', pattern(4 * KIB * KIB, 1));
      reconnect();
      await until('the link is up again', () => ups(a).length === 2 && ups(b).length === 2);
      expectEqual('times that a lost the link', downs(a).length, 1);
      expectEqual('times that b lost the link', downs(b).length, 1);
      const again = b.told.length;
      expectEqual('sending again', a.network.send(b.self, 'control', pattern(5, 5)), 'sent');
      await until('it has arrived', () => b.told.length > again);
      expectEqual('messages on the new link', messages(b).length, 1);
    },
  },
  {
    name: 'a station that goes in order is told as a goodbye, once, and is no peer any more',
    async run({ a, b, close, until, pass }) {
      close();
      await until('a was told', () => downs(a).length > 0);
      await pass(100);
      expectEqual(
        'what a was told',
        downs(a).map(({ evidence }) => evidence),
        ['goodbye'],
      );
      expectEqual("a's peers", a.network.peers(), []);
      expectEqual('sending', a.network.send(b.self, 'control', pattern(1, 1)), 'no-link');
    },
  },
];

/** Nobody told the station anything but that it has the link. */
const expectUnbroken = ({ a, peer }: RemoteHarness): void =>
  expectEqual(
    'what a was told of its link',
    a.told.filter(({ kind }) => kind !== 'message'),
    [{ kind: 'linkUp', peer }],
  );

/** Nothing is told for five seconds of a peer that has fallen silent; what is sent to it is taken meanwhile. */
async function expectSilence(harness: RemoteHarness): Promise<void> {
  const { a, peer, pass, until } = harness;
  await pass(5000);
  expectUnbroken(harness);
  expectEqual('sending meanwhile', a.network.send(peer, 'control', pattern(1, 1)), 'sent');
  await until('a was told', () => downs(a).length > 0);
  expectEqual('what a was told', downs(a)[0]?.evidence, 'ice');
  expectEqual('what came from the peer', messages(a).length, 0);
}

export const MORTAL_CONTRACT: readonly ContractCase<MortalHarness>[] = [
  {
    name: 'a silent death is told by nobody for seconds, and then as a failed connection, never as a goodbye',
    async run(harness) {
      await harness.kill();
      await expectSilence(harness);
    },
  },
];

/** A few messages go to the peer and, as they were sent, come back; not before they can. */
async function expectDelay(harness: RemoteHarness, begin: () => Promise<void>, end?: () => Promise<void>) {
  const { a, peer, pass, until } = harness;
  const sizes = Array.from({ length: 20 }, (_, i) => 1 + (i % 4) * 5000);
  await begin();
  await pass(200);
  for (const [i, size] of sizes.entries())
    expectEqual('sending', a.network.send(peer, 'control', pattern(size, i)), 'sent');
  await pass(2000);
  expectEqual('messages that came back meanwhile', messages(a).length, 0);
  expectUnbroken(harness);
  await end?.();
  await until('all have come back', () => messages(a).length === sizes.length);
  messages(a).forEach(({ bytes }, i) =>
    expectThat(sameBytes(bytes, pattern(sizes[i] ?? 0, i)), `message ${i} in its place`, bytes.length),
  );
  expectUnbroken(harness);
}

export const INTERRUPTED_CONTRACT: readonly ContractCase<InterruptibleHarness>[] = [
  {
    name: 'a peer that stands still is told by nobody, and awake it gets all that it was sent, in order',
    async run(harness) {
      await expectDelay(harness, () => harness.freeze(4000));
    },
  },
  {
    name: 'a way that leads nowhere for two seconds is told by nobody, and then all comes that was sent, in order',
    async run(harness) {
      await expectDelay(
        harness,
        () => harness.hold(true),
        () => harness.hold(false),
      );
    },
  },
  {
    name: 'a link that nothing comes through any more is told by nobody for seconds, and then as a failed connection',
    async run(harness) {
      await harness.cut();
      await expectSilence(harness);
    },
  },
];

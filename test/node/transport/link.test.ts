/** A link from the first frame to the last: who is let in, what is handed up, and how it ends. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isMemberId } from '../../../src/ports/ids.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { CREDIT_WINDOW_BYTES, FLOOD_FRAMES, encodeCredit } from '../../../src/transport/credit.ts';
import { FRAME_HEADER_BYTES, encodeLinkFrame, writeFrameHeader } from '../../../src/transport/frame.ts';
import { HANDSHAKE_MS, createLink } from '../../../src/transport/link.ts';
import type { Link } from '../../../src/transport/link.ts';
import { createMac } from '../../../src/transport/mac.ts';
import type { Mac } from '../../../src/transport/mac.ts';
import type { RefusalCode } from '../../../src/transport/refusal.ts';
import { fakeLanes, manualClock } from './fake-lane.ts';
import type { FakeLane, ManualClock } from './fake-lane.ts';

const MIB = 1024 * 1024;
const member = (digit: string): MemberId => {
  const id = digit.repeat(32);
  if (!isMemberId(id)) throw new Error(id);
  return id;
};

interface Side {
  readonly link: Link;
  readonly control: FakeLane;
  readonly bulk: FakeLane;
  /** What it told, in order, in words. */
  readonly told: string[];
}

/** Macs that WebCrypto computes at the moment, for all links of this file. */
let computing = 0;
const countedMac = (secret: string): Mac => {
  const mac = createMac(secret);
  return async (bytes) => {
    computing += 1;
    try {
      return await mac(bytes);
    } finally {
      computing -= 1;
    }
  };
};

function side(
  role: 'caller' | 'callee',
  self: MemberId,
  secret: string,
  lanes: readonly [FakeLane, FakeLane],
  clock: ManualClock,
  admit: (peer: MemberId) => RefusalCode | undefined,
): Side {
  const [control, bulk] = lanes;
  const told: string[] = [];
  const link = createLink({
    role,
    room: 'kitchen',
    self,
    mac: countedMac(secret),
    clock,
    control,
    bulk,
    maxMessageBytes: { control: 64 * 1024, bulk: 1024 * 1024 },
    events: {
      linked(peer) {
        const refused = admit(peer);
        if (refused === undefined) told.push(`linked ${peer.slice(0, 1)}`);
        return refused;
      },
      message: (peer, lane, bytes) => told.push(`${lane} ${bytes.length} from ${peer.slice(0, 1)}`),
      refused: ({ code, by }) => told.push(`refused ${code} by ${by}`),
      ended: (evidence) => told.push(`ended ${evidence ?? 'on purpose'}`),
      closed: () => told.push('closed'),
    },
  });
  return { link, control, bulk, told };
}

function pair(
  secrets: [string, string] = ['s', 's'],
  admit: (peer: MemberId) => RefusalCode | undefined = () => undefined,
) {
  const clock = manualClock();
  const [controlA, controlB] = fakeLanes();
  const [bulkA, bulkB] = fakeLanes();
  const a = side('caller', member('a'), secrets[0], [controlA, bulkA], clock, () => undefined);
  const b = side('callee', member('b'), secrets[1], [controlB, bulkB], clock, admit);
  /** Carries everything that is buffered until both ends are silent and no mac is computed any more. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 5;) {
      const carried = [controlA, controlB, bulkA, bulkB].reduce((sum, lane) => sum + lane.flush(), 0);
      quiet = carried > 0 || computing > 0 ? 0 : quiet + 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const connect = async (): Promise<void> => {
    for (const lane of [controlA, controlB, bulkA, bulkB]) lane.open();
    a.link.bind({ local: 'AA', remote: 'BB' });
    b.link.bind({ local: 'BB', remote: 'AA' });
    await settle();
  };
  return { a, b, clock, settle, connect };
}

const dataFrame = (
  lane: 'control' | 'bulk',
  messageLength: number,
  payloadBytes: number,
  messageId = 0,
): Uint8Array<ArrayBuffer> => {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes);
  writeFrameHeader(frame, { kind: 'data', lane, messageId, messageLength, offset: 0 });
  return frame;
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a link', () => {
  it('comes up on both sides and carries whole messages on both lanes', async () => {
    const { a, b, connect, settle } = pair();
    expect(a.link.send('control', Uint8Array.of(1))).toBe('no-link');
    await connect();
    expect([a.told, b.told]).toEqual([['linked b'], ['linked a']]);
    expect(a.link.send('bulk', new Uint8Array(300_000))).toBe('sent');
    expect(b.link.send('control', new Uint8Array(5))).toBe('sent');
    await settle();
    expect(b.told.at(-1)).toBe('bulk 300000 from a');
    expect(a.told.at(-1)).toBe('control 5 from b');
    expect(a.link.queuedBytes()).toBe(0);
  });

  it('hands up a message that overtakes the acceptance, after telling that the link is up', async () => {
    const { a, b, connect, settle } = pair();
    const held: Uint8Array<ArrayBuffer>[] = [];
    const { send } = b.control;
    // The acceptance, kind 3, is held back: the link is up at b, and not yet at a.
    b.control.send = (bytes) => (bytes[1] === 3 ? void held.push(bytes.slice()) : send(bytes));
    await connect();
    expect(a.told).toEqual([]);
    b.link.send('bulk', new Uint8Array(7));
    await settle();
    expect(a.told).toEqual(['linked b', 'bulk 7 from b']);
    for (const bytes of held) a.control.handlers?.frame(bytes);
    expect(a.told).toEqual(['linked b', 'bulk 7 from b']);
  });

  it('is refused on both sides when a secret is wrong, and hands nothing up', async () => {
    const { a, b, connect, settle, clock } = pair(['s', 'another']);
    await connect();
    clock.advance(1000);
    await settle();
    for (const { told } of [a, b]) {
      expect(told[0]).toMatch(/^refused wrong-secret/);
      expect(told).toEqual([told[0], 'ended on purpose', 'closed']);
    }
    expect(a.control.state).toBe('closed');
  });

  it('is refused when the handshake takes too long', async () => {
    const { a, b, clock } = pair();
    a.control.open();
    b.control.open();
    a.link.bind({ local: 'AA', remote: 'BB' });
    clock.advance(HANDSHAKE_MS + 1000);
    expect(a.told).toEqual(['refused timeout by self', 'ended on purpose', 'closed']);
  });

  it('ends when its host refuses the member, and both sides are told', async () => {
    const { a, b, connect, settle, clock } = pair(['s', 's'], () => 'duplicate-member');
    await connect();
    clock.advance(1000);
    await settle();
    expect(b.told).toEqual(['refused duplicate-member by self', 'ended on purpose', 'closed']);
    expect(a.told).toContain('refused duplicate-member by peer');
  });

  it('ends once, with the first evidence', async () => {
    const { a, connect } = pair();
    await connect();
    a.link.lost('goodbye');
    a.link.lost('ice');
    a.control.close();
    expect(a.told).toEqual(['linked b', 'ended goodbye', 'closed']);
    expect(a.link.send('bulk', Uint8Array.of(1))).toBe('no-link');
  });

  it('ends as closed when a channel closes and the page says nothing else', async () => {
    const { a, b, clock, connect } = pair();
    await connect();
    a.bulk.close();
    expect(b.link.send('control', Uint8Array.of(1))).toBe('no-link');
    clock.advance(100);
    expect(b.told).toEqual(['linked a', 'ended channel-closed', 'closed']);
  });

  it('ends with the goodbye that the page heard, although its channels were seen to close before', async () => {
    const { a, b, clock, connect } = pair();
    await connect();
    a.control.close();
    a.bulk.close();
    clock.advance(50);
    expect(b.told).toEqual(['linked a']);
    b.link.lost('goodbye');
    clock.advance(1000);
    expect(b.told).toEqual(['linked a', 'ended goodbye', 'closed']);
  });

  it('tells the peer when it is dropped on purpose', async () => {
    const { a, b, connect, settle, clock } = pair();
    await connect();
    a.link.drop('dropped', 'evicted');
    expect(a.told.at(-1)).toBe('ended on purpose');
    expect(a.link.send('control', Uint8Array.of(1))).toBe('no-link');
    await settle();
    expect(b.told).toContain('refused dropped by peer');
    expect(b.told).toContain('ended channel-closed');
    clock.advance(1000);
    expect(a.told.at(-1)).toBe('closed');
  });

  it('drops a peer that breaks the rules after the handshake, with a reason for both', async () => {
    const attacks: [string, (to: Side) => void][] = [
      ['a 1 GiB length field', ({ bulk }) => bulk.handlers?.frame(dataFrame('bulk', 2 ** 30, 10))],
      [
        'a length above the set bound',
        ({ bulk }) => bulk.handlers?.frame(dataFrame('bulk', 2 ** 20 + 1, 10)),
      ],
      ['a text message', ({ control }) => control.handlers?.frame(undefined)],
      ['a hello', ({ control }) => control.handlers?.frame(encodeLinkFrame('hello', new Uint8Array(48)))],
      ['noise', ({ bulk }) => bulk.handlers?.frame(Uint8Array.of(1, 2, 3))],
      ['another version', ({ bulk }) => bulk.handlers?.frame(Uint8Array.of(77))],
    ];
    for (const [name, attack] of attacks) {
      const { a, b, connect, settle, clock } = pair();
      await connect();
      attack(b);
      expect([name, ...b.told]).toEqual([name, 'linked a', 'refused misbehaved by self', 'ended misbehaved']);
      await settle();
      expect(a.told).toContain('refused misbehaved by peer');
      clock.advance(1000);
      expect(b.told.at(-1)).toBe('closed');
    }
  });

  it('never has more under way than its peer has given credit for, and goes on when credit comes', async () => {
    const { a, b, connect, settle } = pair();
    await connect();
    // What b is sent piles up in front of it, as in front of a worker that is held up.
    const { handlers } = b.bulk;
    const held: Uint8Array<ArrayBuffer>[] = [];
    b.bulk.handlers = handlers && {
      ...handlers,
      frame: (bytes) => {
        if (bytes !== undefined) held.push(bytes);
      },
    };
    for (let i = 0; i < 8; i++) expect(a.link.send('bulk', new Uint8Array(MIB))).toBe('sent');
    await settle();
    const bytesHeld = (): number => held.reduce((sum, { length }) => sum + length, 0);
    expect(bytesHeld()).toBeLessThanOrEqual(CREDIT_WINDOW_BYTES.bulk.least);
    expect(bytesHeld()).toBeGreaterThan(CREDIT_WINDOW_BYTES.bulk.least / 2);
    b.bulk.handlers = handlers;
    for (const bytes of held) handlers?.frame(bytes);
    await settle();
    expect(b.told.filter((said) => said === `bulk ${MIB} from a`)).toHaveLength(8);
    expect(a.link.queuedBytes()).toBe(0);
  });

  it('drops a peer that floods it, and one that gives credit for what was never sent', async () => {
    const attacks: [string, (to: Side) => void][] = [
      [
        'a flood of small messages',
        ({ control }) => {
          for (let i = 0; i <= FLOOD_FRAMES.control; i++)
            control.handlers?.frame(dataFrame('control', 1, 1, i));
        },
      ],
      [
        'credit out of nothing',
        ({ control }) =>
          control.handlers?.frame(encodeLinkFrame('credit', encodeCredit({ lane: 'bulk', bytes: 1 }))),
      ],
      [
        'credit without a size',
        ({ control }) => control.handlers?.frame(encodeLinkFrame('credit', new Uint8Array(8))),
      ],
    ];
    for (const [name, attack] of attacks) {
      const { b, connect } = pair();
      await connect();
      attack(b);
      expect([name, ...b.told.slice(-2)]).toEqual([name, 'refused misbehaved by self', 'ended misbehaved']);
    }
  });

  it('outlives any frames of a peer, random or mutated: it ends with a typed reason and holds no more than came', async () => {
    const whole = dataFrame('bulk', 100_000, 60_000);
    const mutated = fc
      .array(fc.tuple(fc.nat({ max: FRAME_HEADER_BYTES - 1 }), fc.nat({ max: 255 })), { maxLength: 4 })
      .map((flips) => {
        const frame = whole.slice();
        for (const [at, byte] of flips) frame[at] = byte;
        return frame;
      });
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes));
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.tuple(fc.constantFrom('control', 'bulk'), fc.oneof(mutated, noise)), { maxLength: 12 }),
        async (authenticated, frames) => {
          const { a, b, clock, connect, settle } = pair();
          if (authenticated) await connect();
          else {
            for (const lane of [b.control, b.bulk, a.control]) lane.open();
            b.link.bind({ local: 'BB', remote: 'AA' });
          }
          for (const [lane, bytes] of frames) b[lane].handlers?.frame(bytes);
          await settle();
          clock.advance(HANDSHAKE_MS + 1000);
          const refused = b.told.filter((said) => said.startsWith('refused'));
          expect(refused.length).toBeLessThanOrEqual(1);
          for (const said of refused)
            expect(said).toMatch(/^refused (version|malformed|misbehaved|timeout) by self$/);
          if (!authenticated)
            expect(b.told.filter((said) => /^linked|^bulk|^control/.test(said))).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('refuses a stranger who sends data, text or long frames before the handshake', async () => {
    const attacks: ((to: Side) => void)[] = [
      ({ bulk }) => bulk.handlers?.frame(dataFrame('bulk', 10, 10)),
      ({ control }) => control.handlers?.frame(undefined),
      ({ control }) => control.handlers?.frame(encodeLinkFrame('hello', new Uint8Array(5000))),
      ({ control }) => control.handlers?.frame(new Uint8Array(0)),
    ];
    for (const attack of attacks) {
      const { a, b } = pair();
      b.control.open();
      b.bulk.open();
      a.control.open();
      b.link.bind({ local: 'BB', remote: 'AA' });
      attack(b);
      expect(b.told.slice(0, 2)).toEqual(['refused malformed by self', 'ended on purpose']);
    }
  });
});

// Link faults in a virtual clock: what is cut vanishes, what is delayed keeps its order, and without faults nothing changes.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultyNetwork } from '../../../src/faults/network.ts';
import { seededSites } from '../../../src/faults/site-random.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { bytesOf } from '../../../src/ports/network.ts';
import type { Lane, Network, NetworkHandlers, SendOutcome } from '../../../src/ports/network.ts';
import { injectInto } from './inject-into.ts';
import { virtualClock } from './virtual-clock.ts';

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(32) as MemberId) as [MemberId, MemberId];
const rankOf = (rank: number): MemberId | undefined => [A, B][rank];
const MIB = 1024 * 1024;

/** A network in memory that writes down what it is asked, and whose wire the test plays. */
function wire() {
  const log: string[] = [];
  const up = new Set<MemberId>([A, B]);
  const state: { outcome: SendOutcome; handlers: NetworkHandlers | undefined } = {
    outcome: 'sent',
    handlers: undefined,
  };
  const network: Network = {
    send(peer, lane, message) {
      if (!up.has(peer)) return 'no-link';
      if (state.outcome === 'sent')
        log.push(`send ${peer[0] ?? ''} ${lane} ${bytesOf(message).subarray(0, 32).join()}`);
      return state.outcome;
    },
    queuedBytes: () => 7,
    drop: (peer, reason) => void log.push(`drop ${peer[0] ?? ''} ${reason}`),
    peers: () => [...up],
  };
  return { log, up, state, network };
}

function rank(seed = 1) {
  const clock = virtualClock();
  const inner = wire();
  const seen: string[] = [];
  const faulty = faultyNetwork(
    (handlers) => {
      inner.state.handlers = handlers;
      return inner.network;
    },
    clock,
    seededSites(seed),
  );
  const network = faulty.connect({
    linkUp: (peer) => void seen.push(`up ${peer[0] ?? ''}`),
    linkDown: (peer, evidence) => void seen.push(`down ${peer[0] ?? ''} ${evidence}`),
    message: (peer, lane, bytes) => void seen.push(`${peer[0] ?? ''} ${lane} ${[...bytes].join()}`),
  });
  const arrive = (peer: MemberId, lane: Lane, ...bytes: number[]): void =>
    inner.state.handlers?.message(peer, lane, Uint8Array.from(bytes));
  const send = (peer: MemberId, lane: Lane, ...bytes: number[]): SendOutcome =>
    network.send(peer, lane, Uint8Array.from(bytes));
  return { clock, inner, seen, network, faults: faulty.faults, arrive, send };
}

describe('jitter', () => {
  test('lets messages wait up to its time and never overtake each other', () => {
    const { send, inner, faults, clock } = rank();
    injectInto(faults, { kind: 'jitter', ms: 100 });
    for (let i = 1; i <= 20; i++) send(A, 'control', i);
    clock.pass(99);
    const early = inner.log.length;
    clock.pass(1);
    expect(early).toBeLessThanOrEqual(20);
    expect(inner.log).toEqual(Array.from({ length: 20 }, (_, i) => `send a control ${i + 1}`));
  });
});

describe('a silent link', () => {
  test('lets nothing pass, in neither direction, and nobody is told', () => {
    const { send, arrive, inner, seen, faults } = rank();
    const injected = injectInto(faults, { kind: 'silent-link', to: 0, forMs: 1000 }, rankOf);
    expect(send(A, 'control', 1)).toBe('sent');
    arrive(A, 'control', 2);
    send(B, 'control', 3);
    expect(inner.log).toEqual(['send b control 3']);
    expect(seen).toEqual([]);
    injected.heal();
    send(A, 'control', 4);
    expect(inner.log.at(-1)).toBe('send a control 4');
  });
});

describe('a partition', () => {
  test('cuts off from everybody on the other side, and from nobody on the own', () => {
    const { send, inner, faults } = rank();
    // Rank 0 is on this rank's side, rank 1 is not.
    injectInto(faults, { kind: 'partition', side: 0b101, forMs: 1000 }, rankOf);
    send(A, 'control', 1);
    send(B, 'control', 2);
    expect(inner.log).toEqual(['send a control 1']);
  });
});

describe('a stalled collective', () => {
  test('holds the bulk lane back and lets heartbeats pass, until it is healed', () => {
    const { send, inner, faults } = rank();
    const injected = injectInto(faults, { kind: 'stall-collective', to: 0, forMs: 1000 }, rankOf);
    send(A, 'bulk', 1);
    send(A, 'control', 2);
    expect(inner.log).toEqual(['send a control 2']);
    injected.heal();
    expect(inner.log).toEqual(['send a control 2', 'send a bulk 1']);
  });
});

describe('a reconnect storm', () => {
  test('ends the connection again and again, until it is healed', () => {
    const { inner, faults, clock } = rank();
    const injected = injectInto(
      faults,
      { kind: 'reconnect-storm', to: 1, everyMs: 500, forMs: 9000 },
      rankOf,
    );
    clock.pass(1200);
    injected.heal();
    clock.pass(5000);
    expect(inner.log).toEqual(Array.from({ length: 3 }, () => 'drop b reset by a fault'));
  });
});

describe('a limited bandwidth', () => {
  test('passes a message on when its last byte has been moved, one after the other', () => {
    const { network, inner, faults, clock } = rank();
    injectInto(faults, { kind: 'limit-bandwidth', bytesPerSecond: 1000 });
    const message = new Uint8Array(100);
    for (let i = 0; i < 3; i++) expect(network.send(A, 'bulk', message)).toBe('sent');
    const arrived = Array.from({ length: 6 }, () => {
      clock.pass(50);
      return inner.log.length;
    });
    expect(arrived).toEqual([0, 1, 1, 2, 2, 3]);
  });

  test('lets the send queue fill to its limit, and loses nothing of what was accepted', () => {
    const { network, inner, faults, clock } = rank();
    const limit = injectInto(faults, { kind: 'limit-bandwidth', bytesPerSecond: 1 });
    const message = new Uint8Array(4 * MIB);
    const outcomes = Array.from({ length: 5 }, () => network.send(A, 'bulk', message));
    expect(outcomes).toEqual(['sent', 'sent', 'sent', 'sent', 'overflow']);
    expect(network.queuedBytes(A)).toBe(16 * MIB + 7);
    limit.heal();
    clock.pass(0);
    expect(inner.log).toHaveLength(4);
  });
});

describe('a held link', () => {
  test('keeps what is sent until it is healed, and lets in what arrives', () => {
    const { send, arrive, inner, seen, faults, clock } = rank();
    const hold = injectInto(faults, { kind: 'hold-link', to: 0 }, rankOf);
    send(A, 'control', 1);
    send(A, 'control', 2);
    send(B, 'control', 3);
    arrive(A, 'control', 4);
    clock.pass(100_000);
    expect([inner.log, seen]).toEqual([['send b control 3'], ['a control 4']]);
    hold.heal();
    expect(inner.log.slice(1)).toEqual(['send a control 1', 'send a control 2']);
  });
});

describe('late repetition', () => {
  test('sends a second time, later, whatever has happened to the link meanwhile', () => {
    const { send, inner, faults, clock } = rank();
    const repeat = injectInto(faults, { kind: 'repeat-late', chance: 1, ms: 500 });
    send(A, 'control', 1);
    repeat.heal();
    inner.state.handlers?.linkDown(A, 'ice');
    inner.state.handlers?.linkUp(A);
    clock.pass(500);
    expect(inner.log).toEqual(['send a control 1', 'send a control 1']);
  });
});

describe('a reset', () => {
  test('drops the link once, and is over', () => {
    const { inner, faults, clock } = rank();
    const reset = injectInto(faults, { kind: 'reset-link', to: 0 }, rankOf);
    expect(inner.log).toEqual(['drop a reset by a fault']);
    expect(reset.ended).toBe(0);
    clock.pass(0);
    expect(reset.ended).toBe(1);
  });
});

describe('a cut', () => {
  test('lets messages to and from that peer vanish, and no others, until it is healed', () => {
    const { send, arrive, inner, seen, faults } = rank();
    const cut = injectInto(faults, { kind: 'cut', to: 0 }, rankOf);
    expect(send(A, 'control', 1)).toBe('sent');
    expect(send(B, 'control', 2)).toBe('sent');
    arrive(A, 'bulk', 3);
    arrive(B, 'bulk', 4);
    cut.heal();
    send(A, 'control', 5);
    arrive(A, 'control', 6);
    expect(inner.log).toEqual(['send b control 2', 'send a control 5']);
    expect(seen).toEqual(['b bulk 4', 'a control 6']);
  });

  test('of one direction leaves the other', () => {
    for (const direction of ['in', 'out'] as const) {
      const { send, arrive, inner, seen, faults } = rank();
      injectInto(faults, { kind: 'cut', direction });
      send(A, 'control', 1);
      arrive(A, 'control', 2);
      expect([inner.log.length, seen.length]).toEqual(direction === 'in' ? [1, 0] : [0, 1]);
    }
  });

  test('does not invent a link that is not there, nor hide one that goes', () => {
    const { send, inner, seen, faults } = rank();
    injectInto(faults, { kind: 'cut' });
    inner.up.delete(A);
    expect(send(A, 'control', 1)).toBe('no-link');
    inner.state.handlers?.linkDown(A, 'ice');
    expect(seen).toEqual(['down a ice']);
  });

  test('catches what is under way', () => {
    const { send, arrive, inner, seen, faults, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 100 });
    send(A, 'control', 1);
    arrive(A, 'control', 2);
    injectInto(faults, { kind: 'cut' });
    clock.pass(200);
    expect([...inner.log, ...seen]).toEqual([]);
  });
});

describe('a delay', () => {
  test('holds each message for its time, in both directions', () => {
    const { send, arrive, inner, seen, faults, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 100 });
    send(A, 'control', 1);
    clock.pass(60);
    arrive(A, 'control', 2);
    expect(inner.log).toEqual([]);
    clock.pass(40);
    expect(inner.log).toEqual(['send a control 1']);
    expect(seen).toEqual([]);
    clock.pass(60);
    expect(seen).toEqual(['a control 2']);
    expect(clock.timers).toBe(0);
  });

  test('that is healed lets go of what it held, in order, and holds nothing more', () => {
    const { send, inner, faults, clock } = rank();
    const delay = injectInto(faults, { kind: 'delay', ms: 60_000 });
    for (const byte of [1, 2, 3]) send(A, 'bulk', byte);
    delay.heal();
    send(A, 'bulk', 4);
    expect(inner.log).toEqual([1, 2, 3, 4].map((byte) => `send a bulk ${byte}`));
    expect(clock.timers).toBe(0);
  });

  test('counts what it holds as queued, and is full at 16 MiB', () => {
    const { network, faults, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 100 });
    expect(network.send(A, 'bulk', new Uint8Array(20 * MIB))).toBe('sent');
    expect(network.send(A, 'control', new Uint8Array(1))).toBe('overflow');
    expect(network.send(B, 'control', new Uint8Array(1))).toBe('sent');
    expect(network.queuedBytes(A)).toBe(20 * MIB + 7);
    clock.pass(100);
    expect(network.queuedBytes(A)).toBe(7);
    expect(network.send(A, 'control', new Uint8Array(1))).toBe('sent');
  });

  test('offers a message again when the queue behind it is full', () => {
    const { send, inner, faults, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 10 });
    inner.state.outcome = 'overflow';
    send(A, 'control', 1);
    send(A, 'control', 2);
    clock.pass(50);
    expect(inner.log).toEqual([]);
    inner.state.outcome = 'sent';
    clock.pass(50);
    expect(inner.log).toEqual(['send a control 1', 'send a control 2']);
  });

  test('hands over what had arrived before it says that a link is down, and sends nothing over the next', () => {
    const { send, arrive, inner, seen, faults, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 100 });
    arrive(A, 'control', 1);
    send(A, 'control', 2);
    inner.state.handlers?.linkDown(A, 'goodbye');
    inner.state.handlers?.linkUp(A);
    clock.pass(1000);
    expect(seen).toEqual(['a control 1', 'down a goodbye', 'up a']);
    expect(inner.log).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('forgets what it holds for a peer that is dropped', () => {
    const { send, arrive, inner, seen, faults, network, clock } = rank();
    injectInto(faults, { kind: 'delay', ms: 100 });
    arrive(A, 'control', 1);
    send(A, 'control', 2);
    network.drop(A, 'misbehaved');
    clock.pass(1000);
    expect([...seen, ...inner.log]).toEqual(['drop a misbehaved']);
  });

  test('keeps the order of each lane, whatever comes and goes', () => {
    const action = fc.oneof(
      fc.record({
        does: fc.constant('send' as const),
        lane: fc.constantFrom('control' as const, 'bulk' as const),
      }),
      fc.record({
        does: fc.constant('arrive' as const),
        lane: fc.constantFrom('control' as const, 'bulk' as const),
      }),
      fc.record({ does: fc.constant('delay' as const), ms: fc.nat(50) }),
      fc.record({ does: fc.constant('heal' as const) }),
      fc.record({ does: fc.constant('pass' as const), ms: fc.nat(30) }),
      fc.record({ does: fc.constant('full' as const), full: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { send, arrive, inner, seen, faults, clock } = rank();
        const healing: (() => void)[] = [];
        let count = 0;
        const sent: string[] = [];
        const arrived: string[] = [];
        for (const step of actions) {
          switch (step.does) {
            case 'send':
              if (send(A, step.lane, ++count) === 'sent') sent.push(`send a ${step.lane} ${count & 255}`);
              break;
            case 'arrive':
              arrive(A, step.lane, ++count);
              arrived.push(`a ${step.lane} ${count & 255}`);
              break;
            case 'delay':
              healing.push(injectInto(faults, { kind: 'delay', ms: step.ms }).heal);
              break;
            case 'heal':
              healing.pop()?.();
              break;
            case 'pass':
              clock.pass(step.ms);
              break;
            case 'full':
              inner.state.outcome = step.full ? 'overflow' : 'sent';
              break;
          }
        }
        inner.state.outcome = 'sent';
        for (const heal of healing) heal();
        clock.pass(100);
        const lane = (name: string, entries: readonly string[]): string[] =>
          entries.filter((entry) => entry.includes(name));
        for (const name of ['control', 'bulk']) {
          expect(lane(name, inner.log)).toEqual(lane(name, sent));
          expect(lane(name, seen)).toEqual(lane(name, arrived));
        }
        expect(clock.timers).toBe(0);
      }),
    );
  });
});

describe('a corrupting link', () => {
  test("flips exactly one bit of a message, leaves the sender's bytes alone, and the same ones for the same seed", () => {
    const run = (): { flipped: number; log: string[] } => {
      const { network, inner, faults, seen, arrive } = rank(5);
      injectInto(faults, { kind: 'corrupt', chance: 0.5 });
      let flipped = 0;
      for (let i = 0; i < 100; i++) {
        const bytes = new Uint8Array(20);
        network.send(A, 'control', bytes);
        expect(bytes.every((byte) => byte === 0)).toBe(true);
        arrive(A, 'control', 0, 0);
      }
      for (const line of [...inner.log, ...seen]) {
        const bytes = (line.split(' ').at(-1) ?? '').split(',').map(Number);
        const bits = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
        expect(bits).toBeLessThanOrEqual(1);
        flipped += bits;
      }
      return { flipped, log: [...inner.log, ...seen] };
    };
    const first = run();
    expect(first.flipped).toBeGreaterThan(60);
    expect(first.flipped).toBeLessThan(140);
    expect(run()).toEqual(first);
  });

  test('passes an empty message on', () => {
    const { send, inner, faults } = rank();
    injectInto(faults, { kind: 'corrupt', chance: 1 });
    send(A, 'control');
    expect(inner.log).toEqual(['send a control ']);
  });
});

describe('a full send queue', () => {
  test('takes no message for that peer, and says how full it is', () => {
    const { send, network, inner, faults } = rank();
    const full = injectInto(faults, { kind: 'fill-queue', to: 1 }, rankOf);
    expect(send(B, 'bulk', 1)).toBe('overflow');
    expect(send(A, 'bulk', 2)).toBe('sent');
    expect(network.queuedBytes(B)).toBe(16 * MIB);
    full.heal();
    expect(send(B, 'bulk', 3)).toBe('sent');
    expect(network.queuedBytes(B)).toBe(7);
    expect(inner.log).toEqual(['send a bulk 2', 'send b bulk 3']);
  });

  test('of an older browser ends the connection at the first message', () => {
    const { send, inner, faults } = rank();
    injectInto(faults, { kind: 'fill-queue', closes: true });
    expect(send(A, 'control', 1)).toBe('overflow');
    expect(inner.log).toEqual(['drop a its send queue overflowed']);
  });
});

describe('a link fault', () => {
  test('that names a rank which is not there is refused', () => {
    const { faults } = rank();
    expect(() => injectInto(faults, { kind: 'cut', to: 9 }, rankOf)).toThrow(
      'names rank 9, and there is no such rank',
    );
  });

  test('keeps to the member it was injected for when ranks are numbered anew', () => {
    const { send, inner, faults } = rank();
    const ranks = [A, B];
    injectInto(faults, { kind: 'cut', to: 0 }, (number) => ranks[number]);
    ranks.reverse();
    send(A, 'control', 1);
    send(B, 'control', 2);
    expect(inner.log).toEqual(['send b control 2']);
  });

  test('without being active changes nothing: a decorated network does what the bare one does', () => {
    const peer = fc.constantFrom(A, B);
    const lane = fc.constantFrom('control' as const, 'bulk' as const);
    const action = fc.oneof(
      fc.tuple(fc.constant('send' as const), peer, lane),
      fc.tuple(fc.constant('message' as const), peer, lane),
      fc.tuple(fc.constant('up' as const), peer, lane),
      fc.tuple(fc.constant('down' as const), peer, lane),
      fc.tuple(fc.constant('drop' as const), peer, lane),
      fc.tuple(fc.constant('full' as const), peer, lane),
      fc.tuple(fc.constant('once faulty' as const), peer, lane),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const { inner, seen, network, faults, clock } = rank();
        const bare = wire();
        const bareSeen: string[] = [];
        for (const [does, whom, on] of actions) {
          const bytes = Uint8Array.of(1, 2);
          const name = whom[0] ?? '';
          switch (does) {
            case 'send':
              expect(network.send(whom, on, bytes)).toBe(bare.network.send(whom, on, bytes));
              break;
            case 'message':
              inner.state.handlers?.message(whom, on, bytes);
              bareSeen.push(`${name} ${on} 1,2`);
              break;
            case 'up':
            case 'down':
              for (const one of [inner, bare])
                if (does === 'up') one.up.add(whom);
                else one.up.delete(whom);
              if (does === 'up') inner.state.handlers?.linkUp(whom);
              else inner.state.handlers?.linkDown(whom, 'ice');
              bareSeen.push(does === 'up' ? `up ${name}` : `down ${name} ice`);
              break;
            case 'drop':
              network.drop(whom, 'why');
              bare.network.drop(whom, 'why');
              break;
            case 'full':
              inner.state.outcome = bare.state.outcome = inner.state.outcome === 'sent' ? 'overflow' : 'sent';
              break;
            case 'once faulty':
              injectInto(faults, { kind: 'delay', ms: 10 }).heal();
              injectInto(faults, { kind: 'cut' }).heal();
              break;
          }
          expect(network.peers()).toEqual(bare.network.peers());
          expect(network.queuedBytes(whom)).toBe(bare.network.queuedBytes(whom));
          expect([inner.log, seen]).toEqual([bare.log, bareSeen]);
        }
        expect(clock.timers).toBe(0);
      }),
    );
  });
});

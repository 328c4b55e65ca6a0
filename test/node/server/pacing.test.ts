/** Pages that send too many messages are not read for a while, and nobody else waits for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPacing } from '../../../src/server/pacing.ts';
import { manualClock } from '../transport/fake-lane.ts';

const LIMITS = { ofOne: 1_000, ofNetwork: 4_000, atOnce: 500, bytesInTurn: 10_000, pagesInTurn: 3 };

function setup() {
  const clock = manualClock();
  const soon: (() => void)[] = [];
  const pacing = createPacing(LIMITS, clock, (act) => soon.push(act));
  /** Everybody was read: those that wait for their turn have it. */
  const turn = (): void => {
    for (const act of soon.splice(0)) act();
  };
  const page = (network: string) => {
    const log: string[] = [];
    const pace = pacing.open(network, {
      pause: () => void log.push('paused'),
      resume: () => void log.push('resumed'),
    });
    const send = (messages: number, bytes = 0): void => {
      for (let i = 0; i < messages; i++) pace.spend(bytes);
    };
    return { pace, log, send };
  };
  return { clock, page, turn };
}

describe('a page', () => {
  it('is read as long as it keeps to its pace, however long', () => {
    const { clock, page } = setup();
    const { log, send } = page('a');
    send(LIMITS.atOnce);
    for (let i = 0; i < 1_000; i++) {
      clock.advance(20);
      send(20);
    }
    expect(log).toEqual([]);
  });

  it('is paused once where it sends more, and read again when it has waited for all of that', () => {
    const { clock, page } = setup();
    const { pace, log, send } = page('a');
    send(LIMITS.atOnce + 3_000);
    expect(log).toEqual(['paused']);
    clock.advance(2_900);
    expect(pace.paused).toBe(true);
    clock.advance(200);
    expect(log).toEqual(['paused', 'resumed']);
    expect(pace.paused).toBe(false);
  });

  it('has its share where the others of its network all but flood', () => {
    const { clock, page } = setup();
    const others = Array.from({ length: 19 }, () => page('a'));
    const { log, send } = page('a');
    for (let i = 0; i < 500; i++) {
      clock.advance(20);
      for (const other of others) if (!other.pace.paused) other.send(19);
      send(4);
    }
    expect(log).toEqual([]);
    expect(others.every((other) => other.log.includes('paused'))).toBe(true);
  });

  it('does not wait for the floods of others, of its own network or of another', () => {
    const { clock, page } = setup();
    const floods = Array.from({ length: 100 }, () => page('a'));
    for (const { send } of floods) send(5_000);
    const [near, far] = [page('a'), page('b')];
    for (let i = 0; i < 100; i++) {
      clock.advance(50);
      near.send(1);
      far.send(50);
    }
    expect([...near.log, ...far.log]).toEqual([]);
    expect(floods.every(({ pace }) => pace.paused)).toBe(true);
  });

  it('leaves nothing behind when it goes while it is paused', () => {
    const { clock, page } = setup();
    const { pace, log, send } = page('a');
    send(10_000);
    pace.close();
    clock.advance(60_000);
    expect(log).toEqual(['paused']);
    const other = page('a');
    other.send(LIMITS.atOnce + 1_000);
    clock.advance(1_100);
    expect(other.log).toEqual(['paused', 'resumed']);
  });
});

describe('a page that sends long messages', () => {
  it('is read for a turn of them, and again once all others were read, however long that goes on', () => {
    const { clock, page, turn } = setup();
    const { pace, log, send } = page('a');
    for (let i = 0; i < 100; i++) {
      send(1, 6_000);
      expect(pace.paused).toBe(false);
      send(3, 6_000);
      expect(pace.paused).toBe(true);
      turn();
      expect(pace.paused).toBe(false);
      clock.advance(10);
    }
    expect(log).toEqual(Array.from({ length: 100 }, () => ['paused', 'resumed']).flat());
  });

  it('has its turn after those of its network that have waited longer, and does not wait for another network', () => {
    const { page, turn } = setup();
    const pages = Array.from({ length: 7 }, () => page('a'));
    const other = page('b');
    for (const { send } of [...pages, other]) send(1, 20_000);
    const resumed = (): readonly number[] =>
      [...pages, other].map(({ log }) => log.filter((word) => word === 'resumed').length);
    turn();
    expect(resumed()).toEqual([1, 1, 1, 0, 0, 0, 0, 1]);
    pages[0]?.send(1, 20_000);
    turn();
    expect(resumed()).toEqual([1, 1, 1, 1, 1, 1, 0, 1]);
    turn();
    expect(resumed()).toEqual([2, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('is not read before it may send messages again, where it sent too many of them as well', () => {
    const { clock, page, turn } = setup();
    const { log, send } = page('a');
    send(LIMITS.atOnce + 100, 100);
    turn();
    expect(log).toEqual(['paused']);
    clock.advance(200);
    expect(log).toEqual(['paused', 'resumed']);
  });

  it('leaves no turn behind when it goes', () => {
    const { page, turn } = setup();
    const { pace, log, send } = page('a');
    send(1, 20_000);
    pace.close();
    turn();
    expect(log).toEqual(['paused']);
  });
});

describe('pages of one network that send without an end', () => {
  it('are read for no more than the network’s share and what each may send at once, and always again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 300 }), (pages, chunk) => {
        const { clock, page } = setup();
        const all = Array.from({ length: pages }, () => page('a'));
        const sent = all.map(() => 0);
        const ms = 20_000;
        for (let at = 0; at < ms; at += 10) {
          all.forEach(({ pace, send }, i) => {
            if (pace.paused) return;
            send(chunk);
            sent[i] = (sent[i] ?? 0) + chunk;
          });
          clock.advance(10);
        }
        const most = Math.min(pages * LIMITS.ofOne, LIMITS.ofNetwork) * (ms / 1000) + LIMITS.ofNetwork;
        expect(sent.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(
          most + pages * (LIMITS.atOnce + chunk),
        );
        for (const one of sent) expect(one).toBeGreaterThan(LIMITS.atOnce);
      }),
      { numRuns: 30 },
    );
  });
});

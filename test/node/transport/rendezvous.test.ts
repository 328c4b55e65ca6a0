/** Places, greetings and calls: what pages say to find each other, and what is not taken for it. */
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../src/transport/fingerprint.ts';
import {
  MAX_SLOTS,
  backoff,
  calls,
  checkRoomName,
  parseCall,
  parseGreeting,
  parsePageWord,
  peerIdOf,
  slotOf,
  slotsToGreet,
} from '../../../src/transport/rendezvous.ts';

const PAGE = 'a'.repeat(32);

describe('a place', () => {
  it('has one name, and the name gives it back', () => {
    expect(peerIdOf('red-fox', 12)).toBe('rankfall-red-fox-12');
    expect(slotOf('red-fox', 'rankfall-red-fox-12')).toBe(12);
    for (const other of [
      'rankfall-red-12',
      'rankfall-red-fox-012',
      'rankfall-red-fox-',
      `rankfall-red-fox-${MAX_SLOTS}`,
      'x',
    ]) {
      expect(slotOf('red-fox', other)).toBeUndefined();
    }
  });

  it('needs a room name that a PeerServer takes', () => {
    for (const good of ['a', 'red-fox', 'R2_d2', 'x'.repeat(64)]) checkRoomName(good);
    for (const bad of ['', '-a', 'a-', 'a--b', 'a b', 'ä', 'x'.repeat(65), 'a/b']) {
      expect(() => checkRoomName(bad)).toThrow(/Expected a room name/);
    }
  });

  it('is greeted unless it is our own or linked, up to a window beyond what is known', () => {
    expect(slotsToGreet(0, [], new Set())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(slotsToGreet(2, [11], new Set([0]))).toEqual([1, ...Array.from({ length: 17 }, (_, i) => i + 3)]);
    expect(slotsToGreet(MAX_SLOTS - 1, [], new Set())).toHaveLength(MAX_SLOTS - 1);
  });
});

describe('greetings and calls', () => {
  it('are read from the server’s messages, with the sender that the server names', () => {
    const payload = { rankfall: 'hello', page: PAGE, linked: false };
    const message = { type: 'CANDIDATE', src: 'rankfall-fox-3', dst: 'rankfall-fox-0', payload };
    expect(parseGreeting('fox', message)).toEqual({ slot: 3, greeting: payload });
    for (const other of [
      null,
      'hello',
      { ...message, type: 'OFFER' },
      { ...message, src: 'rankfall-cat-3' },
      { ...message, payload: { ...payload, page: 'short' } },
      { ...message, payload: { candidate: {}, type: 'data', connectionId: 'dc_1' } },
    ]) {
      expect(parseGreeting('fox', other)).toBeUndefined();
    }
  });

  it('come from one side of each pair only', () => {
    const [a, b] = ['0'.repeat(32), 'f'.repeat(32)];
    expect([calls(a, b), calls(b, a)]).toEqual([false, true]);
    expect(calls(a, a)).toBe(false);
  });

  it('name the calling page', () => {
    expect(parseCall({ rankfall: 'call', page: PAGE })?.page).toBe(PAGE);
    for (const other of [undefined, {}, { page: PAGE }, { rankfall: 'call', page: 1 }]) {
      expect(parseCall(other)).toBeUndefined();
    }
  });
});

describe('words between pages', () => {
  it('are goodbyes and places, and nothing else', () => {
    expect(parsePageWord('{"say":"goodbye"}')).toEqual({ say: 'goodbye' });
    expect(parsePageWord('{"say":"slots","slots":[0,5]}')).toEqual({ say: 'slots', slots: [0, 5] });
    for (const other of [
      new ArrayBuffer(3),
      '',
      '{',
      '{"say":"slots","slots":[-1]}',
      `{"say":"slots","slots":[${MAX_SLOTS}]}`,
      `{"say":"slots","slots":[${'1,'.repeat(5000)}1]}`,
      '{"say":"goodbye","and":1}',
    ]) {
      expect(parsePageWord(other)).toBeUndefined();
    }
  });
});

describe('backoff', () => {
  it('doubles up to its most, and chance only shortens it', () => {
    expect([0, 1, 2, 3, 9].map((attempt) => backoff(attempt, 500, 3000, 0))).toEqual([
      500, 1000, 2000, 3000, 3000,
    ]);
    expect(backoff(0, 1000, 3000, 0.999)).toBe(750);
    expect(backoff(10_000, 500, 15_000, 0)).toBe(15_000);
  });
});

describe('a fingerprint', () => {
  it('is read from a session description in one spelling', () => {
    const sdp =
      'v=0\r\na=fingerprint:SHA-256 ab:CD:01\r\nm=application 9\r\na=fingerprint:sha-256 AB:cd:01\r\n';
    expect(fingerprintOf(sdp)).toBe('sha-256 AB:CD:01');
  });

  it('is none where there is none, or where there are two', () => {
    expect(fingerprintOf('v=0\r\n')).toBeUndefined();
    expect(fingerprintOf('a=fingerprint:sha-256 AA\r\na=fingerprint:sha-256 BB\r\n')).toBeUndefined();
  });
});

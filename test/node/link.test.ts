// Links survive the round trip through an address bar, and what is not a link is refused with a typed error.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { RankOptions } from '../../src/live/api.ts';
import {
  CODE_LETTERS,
  LinkError,
  encodeRankOptions,
  formatRoomLink,
  newRoom,
  parseRankOptions,
  parseRoomLink,
} from '../../src/live/link.ts';
import type { LinkFault } from '../../src/live/link.ts';

const SECRET = 'AAECAwQFBgcICQoLDA0ODw';

/** Links as `newRoom` makes them, from bytes that fast-check chooses. */
const rooms = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((chosen) => {
  let next = 0;
  return newRoom((bytes) => {
    for (let i = 0; i < bytes.length; i++, next++) {
      // Shifted at each turn, so that no choice of bytes is refused for ever.
      bytes[i] = (chosen[next % chosen.length] ?? 0) + next;
    }
  });
});

function faultOf(parse: () => unknown): LinkFault | 'accepted' {
  try {
    parse();
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(LinkError);
    return error instanceof LinkError ? error.fault : 'accepted';
  }
}

describe('a room link', () => {
  it('survives the round trip through a real address', () => {
    fc.assert(
      fc.property(rooms, (link) => {
        const url = new URL('http://localhost:5173/?engine=cpu');
        url.hash = formatRoomLink(link);
        expect(parseRoomLink(new URL(url.href).hash)).toEqual(link);
      }),
    );
  });

  it('carries the 128 random bits, each of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (secret) => {
        const link = newRoom((bytes) => bytes.set(bytes.length === 16 ? secret : [7]));
        expect([...Buffer.from(link.secret, 'base64url')]).toEqual([...secret]);
        expect(link.secret).toHaveLength(22);
      }),
    );
  });

  it('has six letters that cannot be mistaken for digits', () => {
    fc.assert(
      fc.property(rooms, ({ room }) => {
        expect(room).toHaveLength(6);
        for (const letter of room) expect(CODE_LETTERS).toContain(letter);
      }),
    );
    expect(CODE_LETTERS).not.toMatch(/[ILO]/);
  });

  it('uses every letter equally often', () => {
    let next = 0;
    const seen = new Map<string, number>();
    // 253 of the 256 byte values are kept: 11 for each of the 23 letters.
    for (let i = 0; i < 253; i++) {
      const { room } = newRoom((bytes) => {
        for (let j = 0; j < bytes.length; j++) bytes[j] = bytes.length === 1 ? next++ % 256 : 0;
      });
      for (const letter of room) seen.set(letter, (seen.get(letter) ?? 0) + 1);
    }
    expect(new Set(seen.values())).toEqual(new Set([66]));
  });

  it('may be typed in lower case', () => {
    expect(parseRoomLink(`#room=kqwert.${SECRET}`)).toEqual({ room: 'KQWERT', secret: SECRET });
  });

  it('is absent from an empty fragment', () => {
    expect(parseRoomLink('')).toBeUndefined();
    expect(parseRoomLink('#')).toBeUndefined();
  });

  it.each([
    ['#about', 'malformed'],
    [`#room=KQWERT.${SECRET}.${SECRET}`, 'malformed'],
    ['#room=', 'room'],
    [`#room=KQWER.${SECRET}`, 'room'],
    [`#room=KQWERTY.${SECRET}`, 'room'],
    [`#room=KQWER0.${SECRET}`, 'room'],
    [`#room=.${SECRET}`, 'room'],
    ['#room=KQWERT', 'secret'],
    ['#room=KQWERT.', 'secret'],
    [`#room=KQWERT.${SECRET.slice(1)}`, 'secret'],
    [`#room=KQWERT.${SECRET}A`, 'secret'],
    [`#room=KQWERT.${SECRET.slice(0, -1)}x`, 'secret'],
    [`#room=KQWERT.${SECRET.slice(0, -1)}+`, 'secret'],
    [`#room=KQWERT.${'A'.repeat(10_000)}`, 'too-long'],
  ] as const)('refuses %s', (hash, fault) => {
    expect(faultOf(() => parseRoomLink(hash))).toBe(fault);
  });

  it('never throws anything but a LinkError, whatever the fragment', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `#room=${text}`),
        ),
        (hash) => {
          faultOf(() => parseRoomLink(hash));
        },
      ),
    );
  });
});

describe("a rank's options", () => {
  const options: fc.Arbitrary<RankOptions> = fc.record({
    room: rooms.map((link) => link.room),
    secret: rooms.map((link) => link.secret),
    fresh: fc.boolean(),
    autostart: fc.boolean(),
    tune: fc.boolean(),
    engine: fc.constantFrom('auto', 'webgpu', 'cpu'),
    job: fc.record({
      ...Object.fromEntries(Object.entries(DEFAULT_JOB).map(([key, value]) => [key, fc.constant(value)])),
      name: fc.stringMatching(/^[\w .-]{1,64}$/),
      seed: fc.integer({ min: 0, max: 0xffffffff }),
      steps: fc.integer({ min: 1, max: 10_000_000 }),
    }) as fc.Arbitrary<RankOptions['job']>,
  });

  it('survive the round trip through a frame’s address', () => {
    fc.assert(
      fc.property(options, (given) => {
        const url = new URL(`http://localhost:5173/rank.html${encodeRankOptions(given)}`);
        expect(parseRankOptions(new URL(url.href).hash)).toEqual(given);
      }),
    );
  });

  it('may name a PeerServer and ICE servers, which are read before they are used', () => {
    const given: RankOptions = {
      room: 'KQWERT',
      secret: SECRET,
      fresh: true,
      engine: 'auto',
      autostart: false,
      tune: true,
      signal: 'http://peers.example.org:9000/',
      ice: 'turn:1900000000%3Aann:a%2Fb%3D@turn.example.org:3478?transport=udp',
      job: DEFAULT_JOB,
    };
    expect(parseRankOptions(encodeRankOptions(given))).toEqual(given);
    for (const broken of [
      { ...given, signal: 'peers' },
      { ...given, ice: 'turn:nobody@' },
    ])
      expect(faultOf(() => parseRankOptions(encodeRankOptions(broken)))).toBe('options');
  });

  const valid = encodeRankOptions({
    room: 'KQWERT',
    secret: SECRET,
    fresh: true,
    engine: 'auto',
    autostart: false,
    tune: true,
    job: DEFAULT_JOB,
  });

  it.each([
    ['', 'room'],
    [valid.replace('KQWERT', 'kqwert'), 'room'],
    [valid.replace(SECRET, 'short'), 'secret'],
    [valid.replace('engine=auto', 'engine=quantum'), 'options'],
    [valid.replace('fresh=1', 'fresh=yes'), 'options'],
    [valid.replace('%22globalBatch%22%3A64', '%22globalBatch%22%3A63'), 'options'],
    [valid.replace(/job=.*$/, 'job=%7B'), 'options'],
    [`${valid}&extra=1`, 'options'],
    [`${valid}&engine=cpu`, 'options'],
    [`${valid}&x=${'y'.repeat(40_000)}`, 'too-long'],
  ] as const)('are refused when broken (%#)', (hash, fault) => {
    expect(faultOf(() => parseRankOptions(hash))).toBe(fault);
  });

  it('say which part of the job is wrong', () => {
    const broken = valid.replace('%22steps%22%3A400', '%22steps%22%3A0');
    expect(() => parseRankOptions(broken)).toThrow(/job\.steps/);
  });
});

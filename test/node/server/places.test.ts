/** What a server has only so many of, it shares out by networks; and what a page may have passed on is bounded. */
import { describe, expect, it, vi } from 'vitest';
import { createPlaces, networkOf } from '../../../src/server/places.ts';
import { createRefusals } from '../../../src/server/refusals.ts';
import { createSignalGate } from '../../../src/server/signal-gate.ts';

describe('a network', () => {
  it('is an address of IPv4, and the first 64 bits of one of IPv6', () => {
    expect(networkOf('192.168.1.7')).toBe('192.168.1.7');
    expect(networkOf('::ffff:192.168.1.7')).toBe('192.168.1.7');
    const same = ['2001:db8:0:7::1', '2001:0db8:0000:0007:ffff:1:2:3', '2001:db8::7:0:0:0:9'];
    expect(new Set(same.map(networkOf))).toEqual(new Set(['2001:db8:0:7::/64']));
    expect(networkOf('2001:db8:0:8::1')).not.toBe(networkOf('2001:db8:0:7::1'));
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf(undefined)).toBe('');
  });
});

describe('places', () => {
  it('are taken by one network up to its limit, and are there again when given back', () => {
    const places = createPlaces<number>({ all: 10, ofOne: 2 });
    expect([1, 2, 3].map((holder) => places.take('a', holder).taken)).toEqual([true, true, false]);
    places.give('a', 1);
    places.give('a', 1);
    expect(places.mayTake('a')).toBe(true);
    expect(places.take('a', 4)).toEqual({ taken: true });
    expect(places.mayTake('a')).toBe(false);
  });

  it('are given up by whoever holds the most, its newest first, until all who ask hold as many', () => {
    const places = createPlaces<string>({ all: 4, ofOne: 4 });
    for (const holder of ['a1', 'a2', 'a3', 'a4']) places.take('a', holder);
    expect(places.take('a', 'a5')).toEqual({ taken: false });
    expect(places.take('b', 'b1')).toEqual({ taken: true, givenUp: 'a4' });
    expect(places.take('b', 'b2')).toEqual({ taken: true, givenUp: 'a3' });
    expect(places.mayTake('b')).toBe(false);
    expect(places.take('c', 'c1')).toEqual({ taken: true, givenUp: 'a2' });
    // A network that has given one up holds one at least, and so does everybody.
    expect(places.take('d', 'd1')).toEqual({ taken: true, givenUp: 'b2' });
    expect(places.take('e', 'e1')).toEqual({ taken: false });
  });
});

describe('the gate before the signalling server', () => {
  const message = (dst: string, characters = 10): string =>
    JSON.stringify({ type: 'CANDIDATE', dst, payload: 'x'.repeat(characters) });
  const reads = (): number => 0;
  const isAbsent = (): undefined => undefined;

  it('passes what PeerJS says, and nothing else', () => {
    const page = createSignalGate().open();
    const passes = (said: unknown): boolean => page.passes(JSON.stringify(said), 0, reads);
    const offer = { sdp: { type: 'offer', sdp: 'v=0' }, metadata: { rankfall: 'call' } };
    expect(passes({ type: 'HEARTBEAT' })).toBe(true);
    expect(passes({ type: 'OFFER', dst: 'b', payload: offer })).toBe(true);
    for (const wrong of [null, 7, 'x', [], {}, { type: 'OFFER' }, { type: {}, dst: 'b', payload: 0 }])
      expect(passes(wrong)).toBe(false);
    for (const dst of ['', 'b'.repeat(129), 7, null, {}, ['b']])
      expect(passes({ type: 'OFFER', dst, payload: offer })).toBe(false);
    expect(page.passes('{', 0, reads)).toBe(false);
  });

  it('ends a flood at its page, and hears the page again later', () => {
    const gate = createSignalGate();
    const [flooding, honest] = [gate.open(), gate.open()];
    const passed = Array.from({ length: 5_000 }, () => flooding.passes(message('b'), 0, reads));
    expect(passed.filter(Boolean)).toHaveLength(2_000);
    expect(honest.passes(message('b'), 0, reads)).toBe(true);
    expect(flooding.passes(message('b'), 1_000, reads)).toBe(true);
    const long = Array.from({ length: 100 }, () => honest.passes(message('b', 60_000), 1_000, reads));
    expect(long.filter(Boolean).length).toBeLessThan(80);
  });

  it('holds a few MiB at most for pages that are not there, and for one that does not read', () => {
    const gate = createSignalGate();
    const pages = Array.from({ length: 10 }, () => gate.open());
    const passed = pages.flatMap((page) =>
      Array.from({ length: 30 }, (_, i) => page.passes(message(`n${i}`, 60_000), 0, isAbsent)),
    );
    expect(passed).toHaveLength(300);
    expect(passed.filter(Boolean).length * 60_000).toBeLessThan(9 * 1024 * 1024);
    expect(gate.open().passes(message('b'), 0, () => 2 * 1024 * 1024)).toBe(false);
  });
});

describe('what the server refuses', () => {
  it('is counted, and said once in ten seconds with the network that most of it came from', () => {
    vi.useFakeTimers();
    const lines: string[] = [];
    const refusals = createRefusals((line) => lines.push(line));
    for (let i = 0; i < 1_000; i++) refusals.count('messages', i % 3 === 0 ? '10.0.0.8' : '10.0.0.7');
    refusals.count('sites', '10.0.0.9');
    vi.advanceTimersByTime(9_000);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1_000);
    const said = [
      'Refused in 10 s: 1000 messages that no page sends, or too many of them, most from 10.0.0.7.',
      'Refused in 10 s: 1 pages of another site, most from 10.0.0.9.',
    ];
    expect(lines).toEqual(said);
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual(said);
    // However many networks take part.
    for (let i = 0; i < 100_000; i++) refusals.count('connections', `10.1.${i >> 8}.${i & 255}`);
    refusals.close();
    expect(lines.at(-1)).toBe(
      'Refused in 10 s: 100000 connections beyond the share of one network, most from others.',
    );
    vi.useRealTimers();
  });
});

/** What a signalling server passes on is heard only as far as a tab can bear it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, createAdmission } from '../../../src/transport/admission.ts';

const callsIn = (admission: ReturnType<typeof createAdmission>, from: number, to: number): number => {
  let admitted = 0;
  for (let now = from; now < to; now += 10) if (admission.call(now)) admitted += 1;
  return admitted;
};

describe('admission', () => {
  it('lets a flood of calls cost less than a hundred connections in five minutes', () => {
    const admission = createAdmission();
    expect(callsIn(admission, 0, 300_000)).toBeLessThan(100);
    expect(admission.turnedAway()).toBe(30_000 - callsIn(createAdmission(), 0, 300_000));
    expect(admission.turnedAway()).toBe(0);
  });

  it('lets a thousand peers in at once where each proves itself', () => {
    const admission = createAdmission();
    for (let i = 0; i < 1000; i++) {
      expect(admission.call(0)).toBe(true);
      admission.proven();
    }
  });

  it('hears a caller again some time after a flood', () => {
    const admission = createAdmission();
    callsIn(admission, 0, 10_000);
    expect(admission.call(10_000)).toBe(true);
    expect(admission.call(10_001)).toBe(false);
    expect(admission.call(30_000)).toBe(true);
  });

  it('hears no more than some hundred greetings a second', () => {
    const admission = createAdmission();
    const heard = (now: number): number =>
      Array.from({ length: 2000 }, () => admission.greeting(now)).filter(Boolean).length;
    expect(heard(0)).toBe(500);
    expect(heard(1000)).toBe(500);
  });
});

describe('messages of a signalling server', () => {
  it('are offers, greetings, negotiation or the server’s own, and all else is noise', () => {
    expect(classify({ type: 'OFFER', src: 'a', payload: {} })).toEqual({ kind: 'offer' });
    expect(classify({ type: 'CANDIDATE', src: 'a', payload: { rankfall: 'hello' } })).toEqual({
      kind: 'greeting',
    });
    expect(classify({ type: 'ANSWER', src: 'a', payload: { connectionId: 'c' } })).toEqual({
      kind: 'negotiation',
      from: 'a',
      connection: 'c',
    });
    expect(classify({ type: 'OPEN' })).toEqual({ kind: 'server' });
    for (const noise of [
      undefined,
      'OFFER',
      { type: 'HEARTBEAT' },
      { type: 'CANDIDATE', src: 'a', payload: {} },
      { type: 'ANSWER', src: 7, payload: { connectionId: 'c' } },
      { type: 'ANSWER', src: 'a', payload: { connectionId: 'c'.repeat(300) } },
    ])
      expect(classify(noise)).toEqual({ kind: 'noise' });
  });

  it('never make the reader throw', () => {
    fc.assert(fc.property(fc.anything(), (data) => void classify(data)));
  });
});

/** Two ends link only when both hold the room's secret on one and the same connection; everyone else is told why not. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isMemberId } from '../../../src/ports/ids.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import {
  HANDSHAKE_START,
  NONCE_BYTES,
  equalInConstantTime,
  stepHandshake,
} from '../../../src/transport/handshake.ts';
import type {
  ChannelBinding,
  HandshakeConfig,
  HandshakeEffect,
  HandshakeEvent,
  HandshakeState,
} from '../../../src/transport/handshake.ts';
import { createMac } from '../../../src/transport/mac.ts';
import type { RefusalCode } from '../../../src/transport/refusal.ts';

const member = (digit: string): MemberId => {
  const id = digit.repeat(32);
  if (!isMemberId(id)) throw new Error(id);
  return id;
};

type Sent = Extract<HandshakeEffect, { kind: 'send' }>;

interface End {
  state: HandshakeState;
  readonly config: HandshakeConfig;
  readonly secret: string;
  /** What it wants to send and the wire has not taken yet. */
  readonly outgoing: Sent[];
  readonly log: HandshakeEffect[];
}

const ANNA = { local: 'sha-256 AA', remote: 'sha-256 BB' };
const BERT = { local: 'sha-256 BB', remote: 'sha-256 AA' };

let nonces = 0;
beforeEach(() => {
  nonces = 0;
});

function end(role: 'caller' | 'callee', self: MemberId, secret = 'of the room', room = 'kitchen'): End {
  const nonce = new Uint8Array(NONCE_BYTES).fill(++nonces);
  return {
    state: HANDSHAKE_START,
    config: { role, room, self, nonce },
    secret,
    outgoing: [],
    log: [],
  };
}

async function give(to: End, event: HandshakeEvent): Promise<void> {
  const next = stepHandshake(to.config, to.state, event);
  to.state = next.state;
  for (const effect of next.effects) {
    to.log.push(effect);
    if (effect.kind === 'send') to.outgoing.push(effect);
    if (effect.kind === 'mac') {
      const mac = createMac(to.secret);
      await give(to, { kind: 'macs', own: await mac(effect.own), expected: await mac(effect.expected) });
    }
  }
}

type Tamper = (sent: Sent, from: End) => Sent | undefined;

/** Carries frames between two ends until both are silent. */
async function converse(a: End, b: End, tamper: Tamper = (sent) => sent): Promise<void> {
  for (;;) {
    const [from, to] = a.outgoing.length > 0 ? [a, b] : [b, a];
    const sent = from.outgoing.shift();
    if (sent === undefined) return;
    const arrives = tamper(sent, from);
    if (arrives !== undefined) {
      await give(to, { kind: 'frame', frame: arrives.frame, payload: arrives.payload });
    }
  }
}

async function meet(
  a: End,
  b: End,
  bindings: [ChannelBinding, ChannelBinding] = [ANNA, BERT],
  tamper?: Tamper,
) {
  await give(a, { kind: 'open', binding: bindings[0] });
  await give(b, { kind: 'open', binding: bindings[1] });
  await converse(a, b, tamper);
}

/** How it ended: the peer it is linked with, or who refused and why. */
function outcome({ log }: End): string {
  const ends = log.filter((effect) => effect.kind === 'linked' || effect.kind === 'refused');
  expect(ends.length).toBeLessThanOrEqual(1);
  const [last] = ends;
  if (last === undefined) return 'open';
  if (last.kind === 'linked') return `linked with ${last.peer.slice(0, 1)}`;
  return `${last.refusal.code} by ${last.refusal.by}`;
}
const outcomes = (a: End, b: End): string[] => [outcome(a), outcome(b)];

describe('the handshake', () => {
  it('links two members who hold the secret, whoever speaks first', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b);
    expect(outcomes(a, b)).toEqual(['linked with b', 'linked with a']);
    const [c, d] = [end('caller', member('c')), end('callee', member('d'))];
    await meet(d, c, [BERT, ANNA]);
    expect(outcomes(c, d)).toEqual(['linked with d', 'linked with c']);
  });

  it('keeps a hello that comes before the channel is known to be open here', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await give(a, { kind: 'open', binding: ANNA });
    await converse(a, b);
    expect(b.state.phase).toBe('waiting');
    await give(b, { kind: 'open', binding: BERT });
    await converse(a, b);
    expect(outcomes(a, b)).toEqual(['linked with b', 'linked with a']);
  });

  it('refuses a wrong secret on both sides', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'), 'of another room')];
    await meet(a, b);
    expect(outcome(a)).toMatch(/^wrong-secret/);
    expect(outcome(b)).toMatch(/^wrong-secret/);
  });

  it('refuses the secret of a room in another room', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'), 'of the room', 'cellar')];
    await meet(a, b);
    expect(outcome(a)).toMatch(/^wrong-secret/);
  });

  it('refuses when the fingerprints differ, which is what a man in the middle cannot avoid', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b, [
      { local: 'sha-256 AA', remote: 'sha-256 MM' },
      { local: 'sha-256 BB', remote: 'sha-256 MM' },
    ]);
    expect(outcome(a)).toMatch(/^wrong-secret/);
    expect(outcome(b)).toMatch(/^wrong-secret/);
  });

  it('refuses a member id that was changed on the way', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b, undefined, (sent, from) => {
      if (from !== b || sent.frame !== 'hello') return sent;
      const payload = sent.payload.slice();
      payload.fill(0xcc, NONCE_BYTES);
      return { ...sent, payload };
    });
    expect(outcome(a)).toMatch(/^wrong-secret/);
    expect(outcome(b)).toMatch(/^wrong-secret/);
  });

  it('links nobody where any bit of a hello or a proof was changed on the way, or its end was cut off', async () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), bit: fc.nat() }),
      fc.record({ kind: fc.constant('cut' as const), bit: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('hello' as const, 'proof' as const),
        fc.boolean(),
        change,
        async (frame, ofCaller, { kind, bit }) => {
          const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
          await meet(a, b, undefined, (sent, from) => {
            if (sent.frame !== frame || (from === a) !== ofCaller) return sent;
            const at = bit % (8 * sent.payload.length);
            const payload = kind === 'cut' ? sent.payload.slice(0, at >> 3) : sent.payload.slice();
            if (kind === 'flip') payload[at >> 3] = (payload[at >> 3] ?? 0) ^ (1 << (at & 7));
            return { ...sent, payload };
          });
          for (const how of outcomes(a, b)) expect(how).toMatch(/^(wrong-secret|malformed|self) by/);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('survives frames that are lost, doubled, exchanged or renamed: whoever it links with has proved the secret to it', async () => {
    const kinds = ['hello', 'proof', 'accept', 'refuse'] as const;
    const trick = fc.record({ at: fc.nat(7), how: fc.constantFrom('lose', 'double', 'hold', ...kinds) });
    await fc.assert(
      fc.asyncProperty(fc.array(trick, { maxLength: 5 }), fc.boolean(), async (tricks, knows) => {
        const secret = knows ? 'of the room' : 'of another room';
        const [a, b] = [end('caller', member('a')), end('callee', member('b'), secret)];
        let count = 0;
        let held: Sent | undefined;
        await meet(a, b, undefined, (sent, from) => {
          const how = tricks.find(({ at }) => at === count)?.how;
          count += 1;
          if (how === undefined) return sent;
          if (how === 'lose') return undefined;
          if (how === 'double') from.outgoing.unshift(sent);
          else if (how === 'hold') {
            const before = held;
            held = sent;
            return before;
          } else return { ...sent, frame: how };
          return sent;
        });
        for (const how of outcomes(a, b))
          if (!knows) expect(how).not.toMatch(/^linked/);
          else expect(how).toMatch(/^(open|linked with [ab]|[a-z-]+ by (self|peer))$/);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses a proof recorded from an earlier handshake of the same members', async () => {
    const recorded: Sent[] = [];
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b, undefined, (sent, from) => {
      if (from === b) recorded.push(sent);
      return sent;
    });
    expect(outcome(a)).toBe('linked with b');
    const again = end('caller', member('a'));
    await give(again, { kind: 'open', binding: ANNA });
    for (const { frame, payload } of recorded) await give(again, { kind: 'frame', frame, payload });
    expect(outcome(again)).toBe('wrong-secret by self');
  });

  it('refuses its own messages reflected', async () => {
    const a = end('caller', member('a'));
    await give(a, { kind: 'open', binding: { local: 'sha-256 AA', remote: 'sha-256 AA' } });
    for (let sent = a.outgoing.shift(); sent !== undefined; sent = a.outgoing.shift()) {
      await give(a, { kind: 'frame', frame: sent.frame, payload: sent.payload });
    }
    expect(outcome(a)).toBe('self by self');
  });

  it('refuses a reflected proof under another member id, because a proof says which end it is from', async () => {
    const a = end('caller', member('a'));
    await give(a, { kind: 'open', binding: { local: 'sha-256 AA', remote: 'sha-256 AA' } });
    const [hello] = a.outgoing.splice(0);
    const forged = Uint8Array.from(hello?.payload ?? []);
    forged.fill(0x99, NONCE_BYTES);
    await give(a, { kind: 'frame', frame: 'hello', payload: forged });
    const [proof] = a.outgoing.splice(0);
    expect(proof?.frame).toBe('proof');
    await give(a, { kind: 'frame', frame: 'proof', payload: proof?.payload ?? new Uint8Array(0) });
    expect(outcome(a)).toBe('wrong-secret by self');
  });

  it('refuses a stranger who says anything else first', async () => {
    const cases: [HandshakeEvent, RefusalCode][] = [
      [{ kind: 'frame', frame: 'data', payload: new Uint8Array(10) }, 'malformed'],
      [{ kind: 'frame', frame: 'accept', payload: new Uint8Array(0) }, 'malformed'],
      [{ kind: 'frame', frame: 'proof', payload: new Uint8Array(32) }, 'malformed'],
      [{ kind: 'frame', frame: 'hello', payload: new Uint8Array(3) }, 'malformed'],
      [{ kind: 'garbled', fault: 'version', detail: 'expected 1, found 7' }, 'version'],
      [{ kind: 'garbled', fault: 'malformed', detail: 'an empty frame' }, 'malformed'],
      [{ kind: 'timeout' }, 'timeout'],
    ];
    for (const [event, code] of cases) {
      const a = end('callee', member('a'));
      await give(a, { kind: 'open', binding: ANNA });
      await give(a, event);
      expect(outcome(a)).toBe(`${code} by self`);
      expect(a.outgoing.at(-1)?.frame).toBe('refuse');
    }
  });

  it('does not link before the peer has accepted, nor with a peer that only accepts', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b, undefined, (sent, from) => (from === b && sent.frame === 'accept' ? undefined : sent));
    expect(outcomes(a, b)).toEqual(['open', 'linked with a']);
    await give(a, { kind: 'timeout' });
    expect(outcome(a)).toBe('timeout by self');
  });

  it('takes data from an authenticated peer as its acceptance, since lanes may overtake each other', async () => {
    const [a, b] = [end('caller', member('a')), end('callee', member('b'))];
    await meet(a, b, undefined, (sent, from) => (from === b && sent.frame === 'accept' ? undefined : sent));
    await give(a, { kind: 'frame', frame: 'data', payload: new Uint8Array(1) });
    expect(outcome(a)).toBe('linked with b');
  });

  it('shows what the peer refused, without its control characters', async () => {
    const a = end('caller', member('a'));
    await give(a, { kind: 'open', binding: ANNA });
    const detail = new TextEncoder().encode('no\u001b[31m entry\u0000');
    await give(a, { kind: 'frame', frame: 'refuse', payload: Uint8Array.of(0, ...detail) });
    const told = a.log.find((effect) => effect.kind === 'refused');
    expect(told).toMatchObject({ refusal: { code: 'wrong-secret', by: 'peer' } });
    expect(JSON.stringify(told)).toContain('no[31m entry');
  });
});

describe('the comparison of proofs', () => {
  it('is equality', () => {
    expect(equalInConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalInConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalInConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
    expect(equalInConstantTime(Uint8Array.of(), Uint8Array.of())).toBe(true);
  });
});

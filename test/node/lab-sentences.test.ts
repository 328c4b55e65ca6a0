// The event log reads as sentences: every kind of event has one, whatever its details.

import { describe, expect, it } from 'vitest';
import { plainText, sentenceOf, sentences, toneOf, topicOf } from '../../src/lab/sentences.ts';
import { chinese } from '../../src/lab/sentences-zh.ts';
import type { GenerationId, IncarnationId, MemberId, SeatId, StateHash } from '../../src/ports/ids.ts';
import type { Evidence } from '../../src/ports/network.ts';
import type { TraceEvent } from '../../src/trace/events.ts';

const a = 'a3f1'.padEnd(32, '0') as MemberId;
const b = 'b207'.padEnd(32, '0') as MemberId;
const seat = '5ea7'.padEnd(32, '0') as SeatId;
const hash = 'c0ffee11'.padEnd(32, '0') as StateHash;
const generation: GenerationId = { incarnation: `00000000-${'1'.repeat(32)}` as IncarnationId, number: 4 };
const ballot = { round: 2, proposer: a };

/** At least one of each kind; the compiler asks for the missing ones. */
const EVENTS: {
  readonly [Kind in TraceEvent['kind']]: readonly Extract<TraceEvent, { readonly kind: Kind }>[];
} = {
  phase: [{ kind: 'phase', phase: 'regrouping' }],
  linkUp: [{ kind: 'linkUp', peer: b }],
  linkCarried: [
    { kind: 'linkCarried', peer: b, carrier: 'relay' },
    { kind: 'linkCarried', peer: b, carrier: 'broadcast' },
  ],
  linkDown: [{ kind: 'linkDown', peer: b, evidence: 'ice' }],
  stalled: [
    {
      kind: 'stalled',
      ...{ generation, operation: 'all-reduce', step: 41, attempt: 0, bucket: 3, peer: b, cause: 'missing' },
      ...{ forMs: 1200, said: { phase: 'computing', step: 41, agoMs: 140 } },
    },
    {
      kind: 'stalled',
      ...{ generation, operation: 'contribution', step: 41, attempt: 1, bucket: undefined, peer: a },
      ...{ cause: 'slow', forMs: 800, said: undefined },
    },
  ],
  suspected: [{ kind: 'suspected', peer: b, evidence: 'heartbeat' }],
  founded: [
    { kind: 'founded', generation, step: 0, why: 'new' },
    { kind: 'founded', generation, step: 40, why: 'resumed' },
    { kind: 'founded', generation, step: 40, why: 'forced' },
  ],
  prepared: [{ kind: 'prepared', generation, ballot }],
  promised: [
    { kind: 'promised', generation, seat, ballot, stored: true },
    { kind: 'promised', generation, seat, ballot, stored: false },
  ],
  voted: [
    { kind: 'voted', generation, seat, ballot, value: '5:a3f1', stored: true },
    { kind: 'voted', generation, seat, ballot, value: '5:a3f1', stored: false },
  ],
  chosen: [{ kind: 'chosen', generation, value: '5:a3f1' }],
  installed: [
    { kind: 'installed', generation, base: undefined, members: [a], seats: [seat] },
    { kind: 'installed', generation, base: generation, members: [a, b], seats: [seat] },
    { kind: 'installed', generation, base: generation, members: [a, b], seats: [seat], apart: [[a, b]] },
  ],
  left: [
    { kind: 'left', generation, why: 'evicted' },
    { kind: 'left', generation, why: 'dissolved' },
    { kind: 'left', generation, why: 'leave' },
  ],
  aborted: [{ kind: 'aborted', generation, step: 12 }],
  contributed: [
    { kind: 'contributed', generation, step: 12, attempt: 0, microBatches: [] },
    { kind: 'contributed', generation, step: 12, attempt: 1, microBatches: [3] },
    { kind: 'contributed', generation, step: 12, attempt: 0, microBatches: [3, 4] },
  ],
  overflowed: [{ kind: 'overflowed', generation, step: 12 }],
  applied: [
    { kind: 'applied', generation, step: 12, hash, counts: [1], loss: 0.5, correct: 60, samples: 64 },
    { kind: 'applied', generation, step: 12, hash, counts: [], loss: NaN, correct: 0, samples: 0 },
  ],
  committed: [
    { kind: 'committed', generation, step: 1, hash },
    { kind: 'committed', generation, step: 12, hash },
  ],
  healed: [
    { kind: 'healed', generation, donor: b, step: 12, hash, by: 'gradient', bytes: 2000 },
    { kind: 'healed', generation, donor: b, step: 12, hash, by: 'state', bytes: 2_000_000 },
  ],
  learns: [{ kind: 'learns', teacher: b, step: 12, pieces: 3, of: 41 }],
  learned: [
    { kind: 'learned', generation, teacher: b, step: 12, hash, by: 'state', bytes: 2_000_000 },
    { kind: 'learned', generation, teacher: b, step: 13, hash, by: 'gradient', bytes: 2000 },
  ],
  lessonOver: (['caught-up', 'come-in', 'ask-another', 'teacher-gone', 'silent', 'differs'] as const).map(
    (why) => ({ kind: 'lessonOver', teacher: b, step: 14, why }),
  ),
  donated: [
    { kind: 'donated', generation, to: b, step: 12, by: 'gradient' },
    { kind: 'donated', generation, to: b, step: 12, by: 'state' },
    { kind: 'donated', generation, to: b, step: 12, by: 'state', piece: 7 },
  ],
  rejected: [
    { kind: 'rejected', from: b, message: 'part', reason: 'fenced' },
    { kind: 'rejected', from: b, message: 'part', reason: 'malformed' },
    { kind: 'rejected', from: b, message: 'part', reason: 'unexpected' },
  ],
  resent: [{ kind: 'resent', to: b, step: 12 }],
  checkpointed: [{ kind: 'checkpointed', generation, step: 12, hash }],
  checkpointFailed: [{ kind: 'checkpointFailed', generation, step: 12, reason: 'The quota is used up.' }],
  checkpointSkipped: [{ kind: 'checkpointSkipped', step: 12, reason: '' }],
  sampleRefused: [{ kind: 'sampleRefused', generation, step: 12, row: 7 }],
  quarantined: [
    { kind: 'quarantined', generation, step: 12, rows: [7] },
    { kind: 'quarantined', generation, step: 12, rows: [7, 90] },
  ],
  heldUp: [{ kind: 'heldUp', step: 12, ms: 3.2 }],
  restored: [{ kind: 'restored', step: 12, hash }],
  seatAcquired: [{ kind: 'seatAcquired', seat }],
  waitingForQuorum: [
    { kind: 'waitingForQuorum', seats: [seat], members: [b] },
    { kind: 'waitingForQuorum', seats: [seat], members: [] },
  ],
  exactness: [
    { kind: 'exactness', promise: { kind: 'exact' } },
    { kind: 'exactness', promise: { kind: 'unpromised', since: 12 } },
  ],
  faultInjected: [{ kind: 'faultInjected', fault: 'cut', detail: 'to all peers for 5 s' }],
  faultHealed: [{ kind: 'faultHealed', fault: 'cut', detail: 'after 5 s.' }],
  engine: [{ kind: 'engine', detail: 'cpu on TypeScript: it was asked for.' }],
  coloured: [{ kind: 'coloured', slot: 3 }],
  turnedAway: [
    { kind: 'turnedAway', peer: undefined, reason: 'Expected a handshake message.' },
    { kind: 'turnedAway', peer: a, reason: 'Expected a handshake message.' },
  ],
  refused: [
    { kind: 'refused', by: undefined, reason: 'The secret is wrong.' },
    { kind: 'refused', by: b, reason: 'the jobs differ' },
  ],
  stopped: [
    { kind: 'stopped', reason: 'engine-lost', detail: 'the device went away.' },
    { kind: 'stopped', reason: 'left', detail: '' },
  ],
  violated: [{ kind: 'violated', invariant: 3, sentence: 'A micro-batch was counted twice.' }],
};

const all: readonly TraceEvent[] = Object.values(EVENTS).flat();

describe('the event log', () => {
  it.each(all.map((event) => [event.kind, event] as const))('has a whole sentence for %s', (_, event) => {
    const text = plainText(sentenceOf(event));
    expect(text).toMatch(/\.$/);
    expect(text).not.toMatch(/undefined|NaN|\[object|\.\.$| {2}|^\s/);
  });

  it.each(all.map((event) => [event.kind, event] as const))('says %s in Chinese as well', (_, event) => {
    const text = plainText(chinese.sentenceOf(event));
    expect(text).toMatch(/\p{Script=Han}.*。$/u);
    expect(text).not.toMatch(/undefined|NaN|\[object|。。$| {2}|^\s/);
  });

  it('keeps ranks as ranks, so that they can wear their colours', () => {
    const sentence = sentenceOf({ kind: 'suspected', peer: b, evidence: 'lock-released' });
    expect(sentence).toContainEqual({ member: b });
    expect(plainText(sentence)).toBe('thinks that b207 is gone: the browser released its lock.');
  });

  it('names the members of a generation in ring order', () => {
    const text = plainText(
      sentenceOf({ kind: 'installed', generation, base: undefined, members: [b, a], seats: [] }),
    );
    expect(text).toBe('entered generation 4 of 2 ranks: b207, a3f1.');
  });

  it('files every event under a topic, and takes it plainly, as good or as bad', () => {
    for (const event of all) {
      expect(['membership', 'state', 'faults', 'votes', 'links', 'steps']).toContain(topicOf(event));
      expect(['plain', 'good', 'bad']).toContain(toneOf(event));
    }
    expect(toneOf({ kind: 'violated', invariant: 1, sentence: 'x' })).toBe('bad');
  });

  it('has words for every kind of evidence', () => {
    const kinds: readonly Evidence[] = [
      'goodbye',
      'lock-released',
      'heartbeat',
      'ice',
      'channel-closed',
      'progress',
      'misbehaved',
      'leave',
    ];
    expect(Object.keys(sentences.evidence).sort()).toEqual([...kinds].sort());
  });
});

it('what happens in the course of a step is told where every step is, so that it covers nothing that changed', () => {
  const quiet = (['phase', 'contributed', 'applied', 'committed', 'overflowed'] as const).flatMap(
    (kind): readonly TraceEvent[] => EVENTS[kind],
  );
  expect(quiet.length).toBeGreaterThan(4);
  expect([...new Set(quiet.map(topicOf))]).toEqual(['steps']);
});

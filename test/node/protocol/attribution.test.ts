// Who is named for a wait, by what a rank knows of the others: one case for each way in which a step can stand still.

import { describe, expect, it } from 'vitest';
import { attribute, type Wait, type Word } from '../../../src/protocol/attribution.ts';
import type { IncarnationId, MemberId } from '../../../src/ports/ids.ts';

const member = (digit: string): MemberId => digit.repeat(32) as MemberId;
const [self, b, c, d] = [member('a'), member('b'), member('c'), member('d')];
const HEARTBEAT_MS = 100;

const wait = (over: Partial<Wait> = {}): Wait => ({
  self,
  generation: { incarnation: `00000000-${self}` as IncarnationId, number: 3 },
  operation: 'all-reduce',
  step: 41,
  attempt: 0,
  bucket: 3,
  peer: b,
  forMs: 612.4,
  ...over,
});

const word = (over: Partial<Word> = {}): Word => ({
  linked: true,
  silentMs: 80,
  phase: 'reducing',
  step: 41,
  attempt: 0,
  waiting: undefined,
  misfit: false,
  ...over,
});

const named = (of: Wait, words: readonly (readonly [MemberId, Word])[]) => {
  const { peer, operation, cause, bucket } = attribute(of, (m) => new Map(words).get(m), HEARTBEAT_MS);
  return { peer, operation, cause, bucket };
};

describe('attribution', () => {
  it.each([
    {
      means: 'a peer that is heard and has contributed lacks a part on the wire',
      words: [[b, word()]],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'a peer that says nothing is missing, whatever it said last',
      words: [[b, word({ silentMs: 700, phase: 'computing' })]],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'a peer whose link has gone is missing',
      words: [[b, word({ linked: false })]],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'a peer that computes is slow with its contribution',
      words: [[b, word({ phase: 'computing' })]],
      says: { peer: b, operation: 'contribution', cause: 'slow', bucket: 3 },
    },
    {
      means: 'a peer that applies the step before is slow with that',
      words: [[b, word({ phase: 'applying', step: 40 })]],
      says: { peer: b, operation: 'apply', cause: 'slow', bucket: 3 },
    },
    {
      means: 'a peer that heals is slow with that, at whatever step it is',
      words: [[b, word({ phase: 'healing', step: 3 })]],
      says: { peer: b, operation: 'heal', cause: 'slow', bucket: 3 },
    },
    {
      means: 'a peer that rests is at another operation',
      words: [[b, word({ phase: 'idle' })]],
      says: { peer: b, operation: 'all-reduce', cause: 'different-operation', bucket: 3 },
    },
    {
      means: 'a peer that is at the barrier of the step is at another operation',
      words: [[b, word({ attempt: -1 })]],
      says: { peer: b, operation: 'all-reduce', cause: 'different-operation', bucket: 3 },
    },
    {
      means: 'a peer that is steps away is at another operation',
      words: [[b, word({ step: 37 })]],
      says: { peer: b, operation: 'all-reduce', cause: 'different-operation', bucket: 3 },
    },
    {
      means: 'a peer whose part did not fit the layout has another size',
      words: [[b, word({ misfit: true })]],
      says: { peer: b, operation: 'all-reduce', cause: 'different-size', bucket: 3 },
    },
    {
      means: 'the rank at the root of a chain is named, not the neighbour that waits for it',
      words: [
        [b, word({ waiting: c })],
        [c, word({ waiting: d })],
        [d, word({ phase: 'computing' })],
      ],
      says: { peer: d, operation: 'contribution', cause: 'slow', bucket: 3 },
    },
    {
      means: 'a chain ends at one that is not heard any more: what it waited for may long be over',
      words: [
        [b, word({ waiting: c })],
        [c, word({ waiting: d, silentMs: 900 })],
        [d, word()],
      ],
      says: { peer: c, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'a peer that waits for this rank lacks what this rank has sent',
      words: [[b, word({ waiting: self })]],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'of ranks that wait for each other, the neighbour is named',
      words: [
        [b, word({ waiting: c })],
        [c, word({ waiting: b })],
      ],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
    {
      means: 'a peer of which nothing is known is missing',
      words: [],
      says: { peer: b, operation: 'all-reduce', cause: 'missing', bucket: 3 },
    },
  ] as const)('$means', ({ words, says }) => {
    expect(named(wait(), words)).toEqual(says);
  });

  it('a voter or a donor that is heard is slow, and one that is not is missing', () => {
    for (const operation of ['vote', 'standing', 'heal'] as const) {
      const asked = wait({ operation, bucket: undefined });
      expect(named(asked, [[b, word({ phase: 'regrouping' })]])).toMatchObject({ operation, cause: 'slow' });
      expect(named(asked, [[b, word({ silentMs: 2000 })]])).toMatchObject({ operation, cause: 'missing' });
    }
  });

  it('a rank that waits for its own engine names itself, and says what else is known in whole milliseconds', () => {
    const own = attribute(
      wait({ operation: 'contribution', peer: self, bucket: undefined }),
      () => undefined,
      HEARTBEAT_MS,
    );
    expect(own).toMatchObject({ peer: self, operation: 'contribution', cause: 'slow', forMs: 612 });
    const other = attribute(wait(), () => word({ silentMs: 80.6 }), HEARTBEAT_MS);
    expect(other.said).toEqual({ phase: 'reducing', step: 41, agoMs: 81 });
  });
});

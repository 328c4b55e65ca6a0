import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAOS_KINDS, followChaos } from '../../../src/faults/chaos.ts';
import type { Fault } from '../../../src/faults/vocabulary.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { chaosOf } from '../../../src/lab/model/chaos.ts';
import { parseFault } from '../../../src/faults/injector.ts';
import type { DueFault } from '../../../src/faults/schedule.ts';

/** What strikes within so many milliseconds in a room of so many ranks, asked every 50 ms. */
function strikes(
  seed: number,
  everyMs: number,
  ms: number,
  ranks = 4,
  kinds = CHAOS_KINDS,
): readonly DueFault[] {
  const cursor = followChaos({ seed, everyMs, kinds });
  const found: DueFault[] = [];
  for (let now = 0; now <= ms; now += 50) found.push(...cursor.due({ step: 0, ms: now, ranks }));
  return found;
}

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(32) as MemberId) as [MemberId, MemberId];

describe('chaos in the lab', () => {
  /** A page with rank 0 in it, of a room of two. */
  function page(running: boolean) {
    const done: string[] = [];
    const lab = {
      room: {
        value: {
          running,
          ranks: [
            { member: A, rank: 0 },
            { member: B, rank: 1 },
          ],
        },
      },
      locals: { value: [{ member: A }] },
      inject: (member: MemberId, { kind }: Fault) =>
        Promise.resolve(void done.push(`${kind} ${member[0] ?? ''}`)),
      removeRank: (member: MemberId, goodbye: boolean) =>
        void done.push(`${goodbye ? 'close' : 'kill'} ${member[0] ?? ''}`),
      addRank: () => Promise.resolve(void done.push('add')),
    };
    const look = chaosOf(lab as never, { seed: 3, everyMs: 1000, kinds: ['kill', 'cut'] });
    for (let ms = 0; ms < 20_000; ms += 250) look(ms);
    return done;
  }

  it('strikes the ranks of its page alone, and brings back those that it took away', () => {
    const done = page(true);
    expect(new Set(done)).toEqual(new Set(['kill a', 'add', 'cut a']));
    expect(done.filter((what) => what === 'add')).toHaveLength(
      done.filter((what) => what === 'kill a').length,
    );
  });

  it('leaves a room alone that does not train', () => {
    expect(page(false)).toEqual([]);
  });
});

describe('chaos', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(strikes(7, 1000, 60_000)).toEqual(strikes(7, 1000, 60_000));
    expect(strikes(7, 1000, 60_000)).not.toEqual(strikes(8, 1000, 60_000));
  });

  it('draws valid faults of each kind once before any comes again, and towards other ranks only', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 2, max: 8 }), (seed, ranks) => {
        const found = strikes(seed, 500, 30_000, ranks);
        const first = found.slice(0, CHAOS_KINDS.length).map(({ fault }) => fault.kind);
        const drawn = CHAOS_KINDS.map((kind) => (kind === 'jank' ? 'freeze' : kind));
        expect(first.toSorted()).toEqual(drawn.toSorted());
        for (const { rank, fault } of found) {
          if (fault.kind !== 'lose-gpu-process') expect(parseFault(fault)).toEqual(fault);
          expect(rank).toBeLessThan(ranks);
          if ('to' in fault) expect(fault.to).not.toBe(rank);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps to the mean time between two faults', () => {
    const found = strikes(1, 1000, 600_000).length;
    expect(found).toBeGreaterThan(500);
    expect(found).toBeLessThan(650);
  });

  it('does not make up for the time in which nobody asked', () => {
    const cursor = followChaos({ seed: 1, everyMs: 1000, kinds: ['kill'] });
    const asked = { step: 0, ms: 600_000, ranks: 4 };
    expect(cursor.due(asked)).toHaveLength(1);
    expect(cursor.due({ ...asked, ms: asked.ms + 1 })).toHaveLength(0);
  });

  it('strikes nobody who is alone', () => {
    expect(strikes(1, 500, 10_000, 1)).toEqual([]);
  });
});

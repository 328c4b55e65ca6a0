import { describe, expect, it } from 'vitest';
import type { IncarnationId, MemberId, StateHash } from '../../../src/ports/ids.ts';
import type { Standing } from '../../../src/protocol/messages.ts';
import { RULES } from '../../../src/protocol/rules.ts';

const [A, B, C] = ['a', 'b', 'c'] as MemberId[] as [MemberId, MemberId, MemberId];
const at = (number: number, step: number): Standing => ({
  lineage: { incarnation: '00000001-a' as IncarnationId, number },
  step,
  hash: `${number}-${step}` as StateHash,
});

describe('where states of one step differ', () => {
  const incarnation = '00000001-a' as IncarnationId;
  const [D, E] = ['d', 'e'] as MemberId[] as [MemberId, MemberId];
  const other = (standing: Standing, hash: string): Standing => ({ ...standing, hash: hash as StateHash });
  const goesOnFrom = (standings: readonly (readonly [MemberId, Standing | undefined])[]) =>
    RULES.target(RULES.believed(standings, incarnation), incarnation);

  it('the one that more ranks have is gone on from', () => {
    const target = goesOnFrom([
      [A, other(at(3, 8), 'x')],
      [B, at(3, 8)],
      [C, at(3, 8)],
    ]);
    expect(target).toMatchObject({ hash: '3-8', donors: [B, C] });
  });

  it('none is believed where as many have the one as the other', () => {
    expect(
      goesOnFrom([
        [A, other(at(3, 8), 'x')],
        [B, at(3, 8)],
      ]),
    ).toBeUndefined();
    expect(
      goesOnFrom([
        [A, other(at(3, 8), 'x')],
        [B, other(at(3, 8), 'y')],
        [C, at(3, 8)],
      ]),
    ).toBeUndefined();
  });

  it('a state that is older, and that nobody disputes, is gone on from instead', () => {
    const target = goesOnFrom([
      [A, other(at(3, 8), 'x')],
      [B, at(3, 8)],
      [C, at(3, 7)],
      [D, at(3, 7)],
      [E, undefined],
    ]);
    expect(target).toMatchObject({ step: 7, donors: [C, D] });
  });
});

describe('when the newest state is lost, the new incarnation is founded by', () => {
  it('who holds the newest state, wherever it is: by generation, then by step', () => {
    expect(
      RULES.founder([
        [A, at(1, 90)],
        [B, at(3, 20)],
        [C, at(3, 10)],
      ]),
    ).toBe(B);
  });

  it('the first in the ring among equals', () => {
    expect(
      RULES.founder([
        [A, undefined],
        [B, at(2, 5)],
        [C, at(2, 5)],
      ]),
    ).toBe(B);
  });

  it('who has taken the most steps when no generation has vouched for any', () => {
    const unvouched: Standing = { ...at(1, 0), lineage: undefined };
    expect(
      RULES.founder([
        [A, unvouched],
        [B, { ...unvouched, step: 2 }],
        [C, undefined],
      ]),
    ).toBe(B);
  });
});

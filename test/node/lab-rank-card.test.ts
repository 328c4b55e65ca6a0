// What a rank's card says, as text.

import type { ComponentChild, VNode } from 'preact';
import { afterEach, describe, expect, it } from 'vitest';
import { speak } from '../../src/lab/language/language.ts';
import type { Lab } from '../../src/lab/model/lab.ts';
import { nothingKnown, type RankView } from '../../src/lab/model/room-view.ts';
import { RankCard } from '../../src/lab/view/RankCard.tsx';
import type { MemberId } from '../../src/ports/ids.ts';

const RANK: RankView = {
  ...nothingKnown('a'.repeat(32) as MemberId, 0),
  local: true,
  activity: 'joining',
  links: 3,
};

/** The text in a tree whose components are functions without a state of their own. */
function textOf(node: ComponentChild): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node);
  if (Array.isArray(node)) return node.map(textOf).join('');
  if (node === null || typeof node !== 'object') return '';
  const { type, props } = node as VNode<{ readonly children?: ComponentChild }>;
  return textOf(
    typeof type === 'function' ? (type as (given: unknown) => ComponentChild)(props) : props.children,
  );
}

const textOfCard = (change: Partial<RankView>): string =>
  textOf(RankCard({ lab: {} as Lab, rank: { ...RANK, ...change }, microBatches: 8 }));

afterEach(async () => {
  await speak('en');
});

describe("a rank's card", () => {
  it.each(['joining', 'healing'] as const)(
    'says how much of the state is here while it comes to a rank that is %s',
    (activity) => {
      expect(textOfCard({ activity, incoming: { pieces: 12, of: 40 } })).toContain('12 of 40 pieces');
      expect(textOfCard({ activity })).not.toContain('pieces');
    },
  );

  it('says so in Chinese', async () => {
    await speak('zh-Hans');
    expect(textOfCard({ activity: 'healing', incoming: { pieces: 12, of: 40 } })).toContain(
      '40 块中已有 12 块',
    );
  });
});

// Branches of a recorded run: the past stays as it was, and what chance could still have avoided shows.

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadProtocol } from '../../src/cli/guest/load.ts';
import type { BranchRequest } from '../../src/lab/simulation/api.ts';
import { branch } from '../../src/lab/simulation/branches.ts';
import { firstDifference } from '../../src/lab/diagram/difference.ts';
import { parseRaceFragment } from '../../src/lab/simulation/race-link.ts';
import { drawGuest } from '../../src/simulator/guest/drawing.ts';
import { drawGuestExperiment } from '../../src/simulator/guest/experiment.ts';
import { runGuest } from '../../src/simulator/guest/run.ts';
import { guestReplayOf, replayGuest, shrinkGuest } from '../../src/simulator/guest/shrink.ts';
import { pasteable } from '../../src/simulator/pasteable.ts';

const FILE = fileURLToPath(new URL('../../examples/torchft-quorum.ts', import.meta.url));
const { protocol, hash } = await loadProtocol(FILE);
const found = guestReplayOf(protocol, drawGuestExperiment(4, protocol, hash));
const small = shrinkGuest(protocol, found, { now: () => 0, budgetMs: 1 }).replay;

function branched(replay: typeof small, request: BranchRequest) {
  return branch(replay, request, (make) => {
    const drawing = drawGuest();
    const outcome = runGuest(protocol, replay.experiment, { ...drawing, ...make(drawing.moments) });
    return { invariant: outcome.invariant, diagram: drawing.diagram(outcome) };
  });
}

function drawn(replay: typeof small) {
  const drawing = drawGuest();
  return drawing.diagram(replayGuest(protocol, replay, drawing));
}

describe.each([
  ['as it was found', found],
  ['made small', small],
])('a run %s', (_what, replay) => {
  const diagram = drawn(replay);

  it('can be avoided at its start, and no more at its end', () => {
    const early = branched(replay, { kind: 'chance', seq: 0, futures: 20 });
    expect(early.violated).toBeLessThan(20);
    const late = branched(replay, { kind: 'chance', seq: diagram.end.seq, futures: 5 });
    expect(late.violated).toBe(5);
    expect(firstDifference(diagram, late.example)).toBeUndefined();
  });

  it('is the same up to the moment at which it branches', () => {
    const seq = Math.floor(diagram.end.seq / 2);
    const difference = firstDifference(
      diagram,
      branched(replay, { kind: 'chance', seq, futures: 3 }).example,
    );
    for (const moment of [difference?.left, difference?.right])
      expect(moment?.seq ?? Infinity).toBeGreaterThan(seq);
  });

  it('has another course when one message comes later, from its arrival on', () => {
    const arrow = diagram.arrows.find(({ received }) => received !== undefined);
    if (arrow?.received === undefined) throw new Error('no message');
    const { example } = branched(replay, { kind: 'later', seq: arrow.sent.seq, ms: 200 });
    const difference = firstDifference(diagram, example);
    expect(difference?.left?.seq).toBeLessThanOrEqual(arrow.received.seq);
    expect(difference?.left?.seq).toBeGreaterThan(arrow.sent.seq);
  });
});

describe('the fragment of a race link', () => {
  it('is a race of whichever version, too long, or none', () => {
    const text = pasteable(small);
    expect(parseRaceFragment(`#${text}`)).toEqual({ kind: 'race', text });
    expect(parseRaceFragment('#rf77:abc')).toEqual({ kind: 'race', text: 'rf77:abc' });
    expect(parseRaceFragment(`#rf1:${'a'.repeat(20_000)}`)).toEqual({
      kind: 'too-long',
      characters: 20_004,
    });
    expect(parseRaceFragment('#room=KQWERT.short')).toBeUndefined();
  });
});

// A state of many pieces on its way to a newcomer of a simulated room, and what can happen to it there.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import { RULES } from '../../../src/protocol/rules.ts';
import { referenceRun } from '../../../src/simulator/compute.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { createWorld, hashesOf, type World } from '../../../src/simulator/world.ts';

/** The simulated state has 39 bytes. */
const PIECES = 13;
const MINUTE = 60_000;
const JOB: Job = { ...DEFAULT_JOB, steps: 40, policies: { ...DEFAULT_JOB.policies, checkpointEvery: 5 } };
const COMPUTE = { ...hashCompute(JOB.seed, JOB.microBatches, 'uniform'), pieces: PIECES };

/** Pieces that came to one page, in order, and who asked whom where. */
interface Watched {
  readonly world: World;
  readonly late: MemberId;
  readonly came: { readonly from: MemberId; readonly piece: number }[];
  readonly heals: { readonly to: MemberId; readonly piece: number }[];
  /** Pieces that are in the donor's hands or on the wire at most. */
  readonly mostAsked: () => number;
}

/** A room of three that trains, and a newcomer that is about to heal. */
function newcomer(seed: number): Watched {
  const came: Watched['came'] = [];
  const heals: Watched['heals'] = [];
  const page: { late?: MemberId } = {};
  let asked = 0;
  let most = 0;
  const world = createWorld({
    seed,
    job: JOB,
    compute: COMPUTE,
    onSend(from, to, message: Message) {
      if (from.member !== page.late) return;
      if (message.kind === 'heal') {
        heals.push({ to: to.member, piece: message.piece });
        asked = 0;
      }
      if (message.kind === 'want') asked += message.pieces.length;
      most = Math.max(most, asked);
    },
    onMessage(from, to, message) {
      if (to.member !== page.late || (message.kind !== 'state' && message.kind !== 'piece')) return;
      came.push({ from: from.member, piece: message.piece });
      if (message.kind === 'piece') asked -= 1;
    },
  });
  for (const [i, profile] of ['a', 'b', 'c'].entries()) world.open(profile, { fresh: i === 0 });
  expect(world.runUntil(() => world.committed() >= 10, MINUTE)).toBe(true);
  const late = world.open('d');
  page.late = late;
  return { world, late, came, heals, mostAsked: () => most };
}

function expectExactEnd(world: World): void {
  const ended = world.runUntil(() => world.living().every(({ core }) => core.phase === 'done'), 5 * MINUTE);
  expect(world.violations).toEqual([]);
  expect(ended).toBe(true);
  expect(new Set(hashesOf(world))).toEqual(new Set([referenceRun(COMPUTE, JOB.steps).at(-1)]));
}

const piecesOf = ({ came }: Watched): number[] => came.map(({ piece }) => piece).sort((a, b) => a - b);
const all = Array.from({ length: PIECES }, (_, i) => i);

describe('a state of many pieces', () => {
  it('comes piece by piece, each once, and never more than a window at a time', () => {
    const watched = newcomer(1);
    expectExactEnd(watched.world);
    expect(piecesOf(watched)).toEqual(all);
    expect(watched.mostAsked()).toBeLessThanOrEqual(4);
    expect(watched.mostAsked()).toBeGreaterThan(1);
  });

  it('goes on from another donor when the first dies in mid-heal, and no piece comes twice', () => {
    const watched = newcomer(2);
    const { world, came, heals } = watched;
    world.runUntil(() => came.length >= 8, MINUTE);
    const [first] = came;
    if (first === undefined) throw new Error('eight pieces have come');
    world.depart(first.from, 'kill');
    expectExactEnd(world);
    const others = came.filter(({ from }) => from !== first.from);
    // What was on the wire when the donor died may come as well: within the window.
    expect(others.length).toBeGreaterThan(PIECES - 8 - 5);
    expect(others.length).toBeLessThanOrEqual(PIECES - 8);
    expect(new Set(piecesOf(watched))).toEqual(new Set(all));
    expect(piecesOf(watched).length).toBe(PIECES);
    expect(heals.at(-1)?.piece).toBeGreaterThanOrEqual(8);
  });

  it('is asked of another donor after half the deadline by a rank that has seen how fast pieces come, though its donor is heard', () => {
    const watched = newcomer(6);
    const { world, late, heals } = watched;
    const isBack = (): boolean => world.ranks.get(late)?.core.membership?.synced === true;
    expect(world.runUntil(isBack, MINUTE)).toBe(true);
    // Out, and many steps behind.
    world.freeze(late);
    world.runUntil(() => false, 4000);
    world.wake(late);
    expect(world.runUntil(() => !isBack(), MINUTE)).toBe(true);
    const first = heals.length;
    expect(world.runUntil(() => heals.length > first, MINUTE)).toBe(true);
    const donor = heals[first]?.to;
    const host = donor === undefined ? undefined : world.ranks.get(donor);
    if (host === undefined) throw new Error('a donor was asked');
    host.gpu.slowdowns.push({ factor: 1e6, until: world.now() + MINUTE });
    const asked = world.now();
    expect(world.runUntil(() => heals.length > first + 1, MINUTE)).toBe(true);
    const { collectiveMs } = JOB.policies;
    expect(world.now() - asked).toBeGreaterThan(collectiveMs / 2 - 10);
    expect(world.now() - asked).toBeLessThan(collectiveMs / 2 + 10);
    expect(heals.at(-1)?.to).not.toBe(donor);
  });

  it('asks for a damaged piece once more, and for nothing else', () => {
    const watched = newcomer(3);
    const { world, came, late } = watched;
    world.runUntil(() => came.length >= 8, MINUTE);
    const donor = came[0]?.from ?? ('' as MemberId);
    world.setLink(donor, late, { kind: 'corrupt', chance: 1 });
    const garbled = (): number =>
      world.log.filter(({ member, event }) => member === late && event.kind === 'rejected').length;
    world.runUntil(() => garbled() >= 1, MINUTE);
    world.setLink(donor, late, undefined);
    const damaged = garbled();
    const before = world.now();
    world.runUntil(() => world.ranks.get(late)?.core.membership?.synced === true, MINUTE);
    // No deadline had to pass.
    expect(world.now() - before).toBeLessThan(1000);
    expectExactEnd(world);
    expect(new Set(piecesOf(watched))).toEqual(new Set(all));
    expect(piecesOf(watched).length).toBeLessThanOrEqual(PIECES + damaged);
  });

  it('is refused where its list is longer than a state of this job can be', () => {
    const pieces = 3 * PIECES;
    expect(pieces).toBeGreaterThan(RULES.mostPieces(COMPUTE.layout.gradient));
    const world = createWorld({ seed: 4, job: JOB, compute: { ...COMPUTE, pieces } });
    for (const [i, profile] of ['a', 'b'].entries()) world.open(profile, { fresh: i === 0 });
    const refused = (): boolean =>
      world.log.some(
        ({ event }) =>
          event.kind === 'rejected' && event.message === 'state' && event.reason === 'unexpected',
      );
    expect(world.runUntil(refused, MINUTE)).toBe(true);
    for (const { core } of world.living()) expect(core.incoming).toBeUndefined();
  });

  it('is let go of by its donors once all have it', () => {
    const { world } = newcomer(5);
    expectExactEnd(world);
    for (const { core } of world.living()) {
      expect(core.donation).toBeUndefined();
      expect(core.incoming).toBeUndefined();
    }
  });
});

// A room of live ranks whose arithmetic is struck: what the others notice, and that all end where an undisturbed rank ends.

import { describe, expect, test } from 'vitest';
import { engineFaults } from '../../../src/faults/engine.ts';
import type { EngineFaultsAtPort } from '../../../src/faults/engine.ts';
import { seededSites } from '../../../src/faults/site-random.ts';
import type { FaultOf } from '../../../src/faults/vocabulary.ts';
import { injectInto } from '../faults/inject-into.ts';
import { createRoom } from './room.ts';
import type { Room, TestRank } from './room.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';

interface Struck {
  readonly room: Room;
  readonly ranks: readonly TestRank[];
  /** The faults of the last rank's engine. */
  readonly port: EngineFaultsAtPort;
}

async function threeRanks(): Promise<Struck> {
  const room = createRoom(SMALL_JOB);
  const { clock } = room;
  const port = engineFaults({ clock, random: seededSites(1), destroyDevice: () => false });
  const options = { autostart: false };
  const ranks = [
    await room.open({ options: { ...options, fresh: true } }),
    await room.open({ options }),
    await room.open({
      options,
      ports: { openEngine: (job) => Promise.resolve(port.wrap(smallEngine(job))) },
    }),
  ];
  await clock.until('three are members', () =>
    ranks.every(({ host }) => host.status().members.length === 3 && host.status().phase === 'idle'),
  );
  ranks[0]?.host.command('start');
  return { room, ranks, port };
}

async function undisturbed(): Promise<string | undefined> {
  const { clock, open } = createRoom(SMALL_JOB);
  const { host } = await open({ options: { fresh: true } });
  await clock.until('the single rank is done', () => host.status().phase === 'done');
  return host.status().stateHash;
}

const eventsOf = (ranks: readonly TestRank[]): readonly string[] =>
  ranks.flatMap(({ host }) => host.log(0, 100_000)).map(({ event }) => event.kind);

type EngineFault = FaultOf<'flip-bit' | 'lose-device' | 'hang-kernel' | 'slow-map'>;

describe('a rank among three', () => {
  const cases: readonly (readonly [string, EngineFault, string])[] = [
    ['with a flipped bit in its moments heals', { kind: 'flip-bit', where: 'moments' }, 'healed'],
    ['that loses its device heals', { kind: 'lose-device' }, 'healed'],
    ['whose results come late is waited for', { kind: 'slow-map', ms: 300, forMs: 1000 }, 'committed'],
  ];
  test.each(cases)('%s, and all end where an undisturbed rank ends', async (_, fault, event) => {
    const { room, ranks, port } = await threeRanks();
    await room.clock.until('some steps are committed', () =>
      ranks.every(({ host }) => host.status().committed >= 5),
    );
    const injected = injectInto(port.faults, fault);
    if (fault.kind === 'slow-map') room.clock.after(fault.forMs, injected.heal);
    await room.clock.until('all are done', () => ranks.every(({ host }) => host.status().phase === 'done'));
    const hash = await undisturbed();
    expect(ranks.map(({ host }) => host.status().stateHash)).toEqual([hash, hash, hash]);
    expect(eventsOf(ranks)).toContain(event);
  });

  test('with a flipped bit in its weights heals, and all agree: one gradient has come of it by then', async () => {
    const { room, ranks, port } = await threeRanks();
    await room.clock.until('some steps are committed', () =>
      ranks.every(({ host }) => host.status().committed >= 5),
    );
    injectInto(port.faults, { kind: 'flip-bit', where: 'parameters' });
    await room.clock.until('all are done', () => ranks.every(({ host }) => host.status().phase === 'done'));
    expect(new Set(ranks.map(({ host }) => host.status().stateHash)).size).toBe(1);
    expect(eventsOf(ranks)).toContain('healed');
  });
});

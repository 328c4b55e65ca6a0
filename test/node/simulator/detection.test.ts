// Detection in the simulated world: who is put out, how soon, who is not, and whom a stalled step names.

import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, type Job } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { createEntropy } from '../../../src/simulator/random.ts';
import { createWorld, type World } from '../../../src/simulator/world.ts';
import type { TraceEvent, TraceRecord } from '../../../src/trace/events.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const job = (steps: number): Job => ({
  ...DEFAULT_JOB,
  steps,
  policies: { ...DEFAULT_JOB.policies, checkpointEvery: 20 },
});

function openRoom(world: World, profiles: readonly string[]): readonly MemberId[] {
  const members = profiles.map((profile, i) => world.open(profile, { fresh: i === 0 }));
  const together = (): boolean =>
    world.living().every((rank) => rank.core.membership?.generation.members.length === members.length);
  expect(world.runUntil(together, MINUTE)).toBe(true);
  expect(world.runUntil(() => world.committed() >= 20, 10 * MINUTE)).toBe(true);
  return members;
}

const of = <Kind extends TraceEvent['kind']>(
  log: readonly TraceRecord[],
  kind: Kind,
): readonly (TraceRecord & { readonly event: Extract<TraceEvent, { readonly kind: Kind }> })[] =>
  log.filter(
    (record): record is TraceRecord & { readonly event: Extract<TraceEvent, { readonly kind: Kind }> } =>
      record.event.kind === kind,
  );

/** The world with whoever is at this place, and what its room records from now on. */
function struck(
  profiles: readonly string[],
  place: number,
  engineMs: readonly [number, number] = [5, 40],
  heed: (record: TraceRecord) => void = () => undefined,
) {
  const records: TraceRecord[] = [];
  const world = createWorld({
    seed: 5,
    job: job(100_000),
    engineMs,
    onRecord: (record) => {
      records.push(record);
      heed(record);
    },
  });
  const members = openRoom(world, profiles);
  const victim = members[place];
  const host = world.ranks.get(victim ?? ('' as MemberId));
  if (victim === undefined || host === undefined) throw new Error(`no rank at place ${place}`);
  records.length = 0;
  return { world, members, victim, host, records, at: world.now() };
}

describe('a rank that falls silent', () => {
  it('is found in under two seconds when it freezes, with no proof that it is gone', () => {
    const { world, victim, records, at } = struck(['a', 'b', 'c', 'd'], 2);
    world.freeze(victim);
    world.runUntil(() => of(records, 'suspected').length === 3, MINUTE);
    const found = of(records, 'suspected');
    expect(found.map(({ event }) => event.peer)).toEqual([victim, victim, victim]);
    for (const record of found) expect(record.at - at).toBeLessThan(2 * SECOND);
  });

  it('is found as soon when it has fallen silent before, however often and however lately', () => {
    const { world, victim, records } = struck(['a', 'b', 'c', 'd'], 2);
    const isIn = (): boolean =>
      world.living().every(({ core }) => core.membership?.generation.members.length === 4) &&
      world.ranks.get(victim)?.core.membership?.synced === true;
    for (let time = 0; time < 5; time++) {
      records.length = 0;
      const at = world.now();
      world.freeze(victim);
      world.runUntil(() => of(records, 'suspected').length === 3, MINUTE);
      for (const record of of(records, 'suspected')) expect(record.at - at).toBeLessThan(2 * SECOND);
      // Long dead by then.
      world.runUntil(() => false, 3 * SECOND);
      world.wake(victim);
      expect(world.runUntil(isIn, MINUTE)).toBe(true);
      world.runUntil(() => false, 200);
    }
    expect(world.violations).toEqual([]);
  });

  it('is found as soon by those who have borne with many of its pauses', () => {
    const { world, victim, records, at } = struck(['a', 'b', 'c', 'd'], 2);
    for (let ms = 0; ms < 3 * MINUTE; ms += 2 * SECOND) {
      world.at(at + ms, () => world.freeze(victim));
      world.at(at + ms + 950, () => world.wake(victim));
    }
    world.runUntil(() => false, 3 * MINUTE);
    expect(of(records, 'suspected')).toEqual([]);
    const frozen = world.now();
    world.freeze(victim);
    world.runUntil(() => of(records, 'suspected').length === 3, MINUTE);
    for (const record of of(records, 'suspected')) expect(record.at - frozen).toBeLessThan(2 * SECOND);
  });

  it('is found by ranks that are held up themselves again and again, which doubt themselves first', () => {
    const { world, members, victim, records, at } = struck(['a', 'b', 'c', 'd'], 2);
    world.freeze(victim);
    const others = members.filter((member) => member !== victim);
    // Every second, each of the others stands still for 600 ms.
    for (let ms = 0; ms < 20 * SECOND; ms += SECOND)
      for (const [i, member] of others.entries()) {
        world.at(at + ms + 100 * i, () => world.freeze(member));
        world.at(at + ms + 100 * i + 600, () => world.wake(member));
      }
    world.runUntil(() => of(records, 'suspected').length > 0, MINUTE);
    const [first] = of(records, 'suspected');
    expect(first?.event.peer).toBe(victim);
    expect((first?.at ?? Infinity) - at).toBeLessThan(6 * SECOND);
    expect(of(records, 'suspected').every(({ event }) => event.peer === victim)).toBe(true);
  });
});

describe('an hour', () => {
  it('of tabs that stand still for up to a second, or are in the background, puts nobody out', () => {
    const { world, members, records, at } = struck(['a', 'a', 'b', 'c'], 0, [400, 490]);
    const entropy = createEntropy(11);
    const draw = (site: string, low: number, high: number): number =>
      entropy.between('workload', site, low, high);
    for (let ms = 0; ms < HOUR; ms += draw('pause', 1500, 6000)) {
      const member = members[draw('who', 0, members.length - 1)];
      const host = member === undefined ? undefined : world.ranks.get(member);
      if (member === undefined || host === undefined) continue;
      if (draw('what', 0, 3) > 0) {
        world.at(at + ms, () => world.freeze(member));
        world.at(at + ms + draw('jank', 50, 1000), () => world.wake(member));
      } else {
        world.at(at + ms, () => world.hide(member, true));
        world.at(at + ms + draw('hidden', 1000, 60_000), () => world.hide(member, false));
      }
    }
    world.runUntil(() => false, HOUR);
    expect(of(records, 'suspected')).toEqual([]);
    expect(of(records, 'installed')).toEqual([]);
    expect(world.committed()).toBeGreaterThan(1000);
    expect(world.violations).toEqual([]);
  }, 60_000);
});

describe('a step that stalls', () => {
  it('names within a second the rank that is frozen', () => {
    const { world, victim, records, at } = struck(['a', 'b', 'c', 'd'], 2);
    world.freeze(victim);
    world.runUntil(() => of(records, 'stalled').length >= 3, 2 * SECOND);
    for (const { member, event, at: said } of of(records, 'stalled')) {
      expect(member).not.toBe(victim);
      expect(event).toMatchObject({ peer: victim, cause: 'missing' });
      expect(said - at).toBeLessThan(SECOND);
    }
    expect(of(records, 'stalled').length).toBeGreaterThanOrEqual(3);
  });

  it('names within a second the rank whose engine is slow, in what it does, also where it is not a neighbour', () => {
    const { world, victim, host, records, at } = struck(['a', 'b', 'c', 'd'], 1);
    host.gpu.slowdowns.push({ factor: 200, until: at + 2500 });
    world.runUntil(() => false, 2 * SECOND);
    const said = of(records, 'stalled');
    expect(new Set(said.map(({ member }) => member)).size).toBe(4);
    for (const { event } of said) expect(event).toMatchObject({ peer: victim, cause: 'slow' });
    expect(said.map(({ event }) => event.operation)).toContain('contribution');
    for (const record of said.slice(0, 3)) expect(record.at - at).toBeLessThan(1100);
    // It is heard, and not put out.
    expect(of(records, 'suspected')).toEqual([]);
  });

  it('blames nobody for a step that is done twice, where each time alone is borne with', () => {
    // Every eighth step of the hash chain overflows, and all compute it again: here one rank takes four seconds for it, both times.
    const REDONE = 45;
    let heed: (record: TraceRecord) => void = () => undefined;
    const { world, host, victim, records } = struck(['a', 'b', 'c'], 2, [5, 40], (record) => {
      heed(record);
    });
    heed = ({ member, event }) => {
      const isNext = event.kind === 'applied' && event.step === REDONE - 1;
      const isAgain = event.kind === 'overflowed' && event.step === REDONE;
      if (member === victim && (isNext || isAgain)) host.gpu.busyUntil = world.now() + 4 * SECOND;
    };
    const from = world.now();
    expect(world.runUntil(() => world.committed() > REDONE, MINUTE)).toBe(true);
    expect(world.now() - from).toBeGreaterThan(8 * SECOND);
    expect(of(records, 'overflowed').length).toBeGreaterThan(0);
    expect(of(records, 'suspected')).toEqual([]);
  });

  it('says nothing while everything takes its usual time, however long that is', () => {
    const { world, records } = struck(['a', 'b', 'c'], 0, [700, 760]);
    world.runUntil(() => false, MINUTE);
    expect(of(records, 'stalled')).toEqual([]);
  });

  it('names a part that is lost, and the bucket that it is of', () => {
    const { world, members, victim, records } = struck(['a', 'b'], 1);
    const [first] = members;
    if (first === undefined) throw new Error('two were opened');
    // Heartbeats pass: what is bulk does not.
    world.setLink(victim, first, { kind: 'bandwidth', bytesPerMs: 0.05 });
    world.runUntil(() => of(records, 'stalled').length > 0, 5 * SECOND);
    const [said] = of(records, 'stalled');
    expect(said?.event).toMatchObject({ operation: 'all-reduce', bucket: 0 });
  });
});

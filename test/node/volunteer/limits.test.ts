// A volunteer's limits: time of day, traffic by the hour, and the part of the time in which an engine works.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hourOfTraffic, lastsMs } from '../../../src/lab/volunteer/hour.ts';
import { nextTime } from '../../../src/lab/volunteer/limits.ts';
import { volunteerLink } from '../../../src/lab/volunteer/volunteer-link.ts';
import { timedLoader, workingPartOfTheTime } from '../../../src/live/engine-share.ts';
import { parseRankOptions, encodeRankOptions, newRoom, parseRoomLink } from '../../../src/live/link.ts';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { LoaderError } from '../../../src/ports/loader.ts';

const HOUR_MS = 3_600_000;

describe('the traffic of an hour', () => {
  it('is what was moved in it, over all ranks that were opened', () => {
    const hour = hourOfTraffic();
    hour.note(100, 0);
    hour.note(250, 1000);
    hour.opened();
    hour.note(50, 2000);
    expect(hour.read(3000)).toBe(300);
    expect(hour.read(HOUR_MS + 120_000)).toBe(0);
  });

  it('is below its cap again at the time that it names, and not a minute before', () => {
    const moved = fc.array(fc.record({ bytes: fc.nat(1000), afterMs: fc.nat(600_000) }), { minLength: 1 });
    fc.assert(
      fc.property(moved, fc.integer({ min: 1, max: 4000 }), (steps, cap) => {
        const hour = hourOfTraffic();
        let [now, total] = [0, 0];
        for (const { bytes, afterMs } of steps) {
          now += afterMs;
          total += bytes;
          hour.note(total, now);
        }
        const freeAt = hour.freeAt(cap, now);
        if (freeAt > now + 60_000) expect(hour.read(freeAt - 60_000)).toBeGreaterThanOrEqual(cap);
        expect(hour.read(freeAt)).toBeLessThan(cap);
      }),
    );
  });
});

describe('a pace', () => {
  it('is that of the last seconds of one rank, once there are some', () => {
    const hour = hourOfTraffic();
    hour.note(5000, 0);
    hour.note(6000, 1000);
    expect(hour.pace(1000)).toBeUndefined();
    for (let second = 2; second <= 30; second++) hour.note(5000 + 1000 * second, 1000 * second);
    expect(hour.pace(30_000)).toBe(1000);
    hour.opened();
    expect(hour.pace(30_000)).toBeUndefined();
  });

  it('says how long the rest of a cap lasts, unless an hour has room for all of it', () => {
    expect(lastsMs(1000, 400, 10)).toBe(60_000);
    expect(lastsMs(1000, 1200, 10)).toBe(0);
    expect(lastsMs(36_000, 400, 10)).toBeUndefined();
  });
});

describe('a time to stop', () => {
  it('is the next at which the clock shows it: today, or tomorrow', () => {
    const noon = new Date(2026, 5, 10, 12, 0).getTime();
    expect(nextTime('13:30', noon)).toBe(new Date(2026, 5, 10, 13, 30).getTime());
    expect(nextTime('11:59', noon)).toBe(new Date(2026, 5, 11, 11, 59).getTime());
    expect(nextTime('12:00', noon)).toBe(new Date(2026, 5, 11, 12, 0).getTime());
  });
});

describe('an engine that may work a part of the time', () => {
  /** A clock that stands still but for rests, which it notes, and for what a test adds. */
  function restingClock() {
    const time = { now: 0, rests: [] as number[] };
    const clock: Clock = {
      now: () => time.now,
      after(ms, callback) {
        time.rests.push(ms);
        time.now += ms;
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    return { time, clock };
  }
  const neverWaited = (): number => 0;
  const request = { step: 0, microBatches: [0] };

  it('rests after each piece of work in proportion, and delivers nothing before', async () => {
    const { time, clock } = restingClock();
    const delivered: number[] = [];
    const engine: Pick<Engine, 'contributeInBuckets' | 'apply' | 'job'> = {
      job: DEFAULT_JOB,
      contributeInBuckets: (_, deliver) => {
        deliver(0, new Int32Array(1));
        time.now += 100;
        return Promise.resolve();
      },
      apply: () => {
        time.now += 10;
        return Promise.reject(new Error('no'));
      },
    };
    const limited = workingPartOfTheTime(engine as Engine, 25, clock, neverWaited);
    await limited.contributeInBuckets(request, () => delivered.push(time.now));
    expect(time.rests).toEqual([300]);
    expect(delivered).toEqual([400]);
    await expect(limited.apply({ step: 0, reduced: new Int32Array(0), mode: 'native' })).rejects.toThrow(
      'no',
    );
    expect(workingPartOfTheTime(engine as Engine, 100, clock, neverWaited)).toBe(engine);
  });

  it('earns no rest by waiting for data, and never rests so long that the others would take it for stuck', async () => {
    const { time, clock } = restingClock();
    const { loader, waitedMs } = timedLoader(
      {
        format: { type: 'f32', shape: [1], positions: 1, classes: 2 },
        sizes: { train: 1, test: 1 },
        load: () => {
          time.now += 1300;
          return Promise.reject(new LoaderError('not there yet'));
        },
      },
      clock,
    );
    let workMs = 40;
    const engine: Pick<Engine, 'contributeInBuckets' | 'job'> = {
      job: DEFAULT_JOB,
      contributeInBuckets: async () => {
        await loader.load('train', Int32Array.of(0)).catch(() => undefined);
        time.now += workMs;
      },
    };
    const limited = workingPartOfTheTime(engine as Engine, 20, clock, waitedMs);
    await limited.contributeInBuckets(request, () => undefined);
    workMs = 60_000;
    await limited.contributeInBuckets(request, () => undefined);
    expect(time.rests).toEqual([160, DEFAULT_JOB.policies.regroupMs / 2]);
  });

  it('is told its part by the link of its frame', () => {
    const options = {
      ...newRoom(),
      fresh: false,
      engine: 'cpu',
      autostart: false,
      tune: false,
      job: DEFAULT_JOB,
    } as const;
    expect(parseRankOptions(encodeRankOptions({ ...options, share: 25 })).share).toBe(25);
    expect(() => parseRankOptions(encodeRankOptions({ ...options, share: 0 }))).toThrow('share');
  });
});

describe('the link for volunteers', () => {
  it('holds the room, and where its pages meet, and nothing else of the host’s address', () => {
    const room = newRoom();
    const link = new URL(
      volunteerLink(room, 'https://host.example/lab/?job=moons&ice=stun:a.example&autostart=1#room=X'),
    );
    expect(link.pathname).toBe('/lab/volunteer.html');
    expect([...link.searchParams.keys()]).toEqual(['ice']);
    expect(parseRoomLink(link.hash)).toEqual(room);
  });
});

// A rank asks the others what they were at last; whoever is gone or does not answer is left out.

import { describe, expect, test } from 'vitest';
import { createRoom } from './room.ts';
import { SMALL_JOB } from './small-job.ts';

describe('a recall', () => {
  test('brings the flights of the others, and does not wait for one that is gone', async () => {
    const { clock, openAll } = createRoom(SMALL_JOB);
    const [first, second, third] = await openAll(3);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were opened');
    first.host.command('start');
    await clock.until('all are done', () => first.host.status().phase === 'done');
    const asked = first.host.recall();
    let flights: Awaited<typeof asked> = [];
    void asked.then((answer) => (flights = answer));
    await clock.until('they have answered', () => flights.length > 0);
    expect(flights.map(({ member }) => member).sort()).toEqual([second.member, third.member].sort());
    for (const { entries } of flights) {
      expect(entries.map(({ operation }) => operation)).toContain('all-reduce');
      expect(entries.at(-1)?.step).toBe(SMALL_JOB.steps);
    }
    third.kill();
    let answered = false;
    const again = second.host.recall();
    void again.then(() => (answered = true));
    await clock.until('time is up, or all have answered', () => answered);
    expect((await again).map(({ member }) => member)).toEqual([first.member]);
  });
});

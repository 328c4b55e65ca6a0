/** A page that knows where a room meets tries whatever it can; the room refuses it, counts it, and trains on undisturbed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { RankStatus } from '../../src/live/api.ts';
import { newRoom } from '../../src/live/link.ts';
import type { RefusalCode } from '../../src/transport/refusal.ts';
import type { HostileWindow } from './fixtures/hostile-page.ts';
import { openFrames, openLab, until } from './frames.ts';
import type { Lab } from './frames.ts';

const JOB: Job = { ...DEFAULT_JOB, steps: 100_000 };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab.close();
});

const refused = (statuses: readonly RankStatus[], code: RefusalCode): number =>
  statuses
    .flatMap(({ refusals }) => refusals)
    .reduce((sum, refusal) => sum + (refusal.code === code ? refusal.count : 0), 0);

test('strangers, guesses, replays, a 1 GiB length and floods are refused and counted, and the room trains on', async () => {
  const frames = await openFrames(lab);
  const room = newRoom();
  const options = { ...room, engine: 'cpu', tune: false, autostart: true, job: JOB } as const;
  const ranks = [
    await frames.open({ ...options, fresh: true }),
    await frames.open({ ...options, fresh: false }),
  ];
  const before = await until('two ranks train', ranks, (all) =>
    all.every(({ step, members }) => step >= 3 && members.length === 2),
  );

  const page = await lab.context.newPage();
  await page.goto(`${lab.origin}/test/e2e/fixtures/hostile.html#room=${room.room}`);
  await page.waitForFunction(() => 'hostile' in window);
  const counted = (code: RefusalCode, atLeast: number): Promise<readonly RankStatus[]> =>
    until(`${code} is counted`, ranks, (all) => refused(all, code) >= atLeast);

  await page.evaluate(() => (window as unknown as HostileWindow).hostile.guess(0));
  await counted('wrong-secret', 1);
  await page.evaluate(() => (window as unknown as HostileWindow).hostile.replay(0, 1));
  await counted('wrong-secret', 2);
  await page.evaluate(() => (window as unknown as HostileWindow).hostile.babble(1));
  await counted('malformed', 1);
  await page.evaluate(
    (secret) => (window as unknown as HostileWindow).hostile.claimGigabyte(0, secret),
    room.secret,
  );
  await counted('misbehaved', 1);
  await page.evaluate((secret) => (window as unknown as HostileWindow).hostile.flood(1, secret), room.secret);
  await counted('misbehaved', 2);
  await page.evaluate(() => {
    (window as unknown as HostileWindow).hostile.offer(0, 300);
  });
  const during = await counted('flood', 1);

  const after = await until('they train on', ranks, (all) =>
    all.every(({ step }, i) => step >= (during[i]?.step ?? 0) + 5),
  );
  for (const [i, status] of after.entries()) {
    // Nobody was suspected, nobody regrouped, nobody else got in.
    expect(status.generation).toEqual(before[i]?.generation);
    expect(status.members.map(({ member }) => member)).toEqual(
      before[i]?.members.map(({ member }) => member),
    );
    expect(status.links).toEqual(before[i]?.links);
    expect(status.exactness.kind).toBe('exact');
  }

  // A newcomer still finds its way in, past a flood that goes on.
  await page.evaluate(() => {
    setInterval(() => {
      (window as unknown as HostileWindow).hostile.offer(0, 20);
    }, 100);
  });
  const newcomer = await frames.open({ ...options, fresh: false });
  await until('a third rank trains', [...ranks, newcomer], (all) =>
    all.every(({ members, phase }) => members.length === 3 && phase !== 'joining'),
  );
});

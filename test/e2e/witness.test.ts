/** Two of four tabs, all that one browser had of the room, vanish without a word: with the server's witness the other two are a majority. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import { newRoom } from '../../src/live/link.ts';
import { openWitness, type RunningWitness } from '../../src/server/witness/witness-host.ts';
import { openBrowser, openFrames, openLab, until, type Lab } from './frames.ts';

const room = newRoom();
let lab: Lab;
let elsewhere: Lab;
let folder: string;
let witness: RunningWitness;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
  elsewhere = await openBrowser(lab.origin);
  folder = await mkdtemp(join(tmpdir(), 'rankfall-witness-'));
  witness = await openWitness({
    url: `${lab.origin}/`,
    ...room,
    file: join(folder, 'ballots'),
    abstained: (reason) => expect.fail(reason),
  });
});
afterAll(async () => {
  await witness.close();
  await elsewhere.close();
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

test('two of four ranks vanish without a word, and the half that the witness reaches goes on', async () => {
  const [here, there] = [await openFrames(lab), await openFrames(elsewhere)];
  const options = {
    ...room,
    engine: 'cpu',
    tune: false,
    autostart: true,
    job: { ...DEFAULT_JOB, steps: 100_000 },
  } as const;
  const staying = [
    await here.open({ ...options, fresh: true }),
    await here.open({ ...options, fresh: false }),
  ];
  const vanishing = [
    await there.open({ ...options, fresh: false }),
    await there.open({ ...options, fresh: false }),
  ];
  const [first] = staying;
  await until('four ranks train', [...staying, ...vanishing], (all) =>
    all.every(({ step, members }) => step >= 3 && members.length === 4),
  );
  await expect
    .poll(async () => (await first?.log())?.findLast(({ event }) => event.kind === 'installed')?.event, {
      timeout: 30_000,
    })
    .toMatchObject({ witness: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
  expect(witness.peers()).toHaveLength(4);
  expect((await first?.status())?.witness).toMatchObject({ votes: true, reached: true });

  const before = Math.max(
    ...(await Promise.all(staying.map((rank) => rank.status()))).map(({ step }) => step),
  );
  for (const rank of vanishing) await rank.kill();
  const after = await until('the two go on', staying, (all) =>
    all.every(({ step, members }) => step >= before + 5 && members.length === 2),
  );
  expect(after.map(({ exactness }) => exactness.kind)).toEqual(['exact', 'exact']);
});

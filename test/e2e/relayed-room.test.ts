// Two machines' worth of pages whose browsers themselves forbid direct connections train as one room.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import { newRoom } from '../../src/live/link.ts';
import { openBrowser, openFrames, openLab, until } from './frames.ts';
import type { Lab } from './frames.ts';

const JOB: Job = { ...DEFAULT_JOB, steps: 40 };

let here: Lab;
let there: Lab;
beforeAll(async () => {
  here = await openLab({ pages: 'built', webRtc: 'forbidden' });
  there = await openBrowser(here.origin, { webRtc: 'forbidden' });
});
afterAll(async () => {
  await there.close();
  await here.close();
});

/** What the browser finds to connect over: nothing, or the room would not need its relay. */
const candidates = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const connection = new RTCPeerConnection();
    connection.createDataChannel('probe');
    const found: string[] = [];
    const done = new Promise<void>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve();
        else if (candidate.protocol === 'udp') found.push(candidate.candidate);
      };
    });
    await connection.setLocalDescription();
    await done;
    connection.close();
    return found;
  });

test('a room over the relay loses a rank, goes on, and ends in the state of one rank alone', async () => {
  const [mine, theirs] = [await openFrames(here), await openFrames(there)];
  expect(await candidates(mine.page)).toEqual([]);
  expect(await candidates(theirs.page)).toEqual([]);
  const options = { ...newRoom(), engine: 'cpu', autostart: false, tune: false, job: JOB } as const;
  const ranks = [
    await mine.open({ ...options, fresh: true }),
    await mine.open({ ...options, fresh: false }),
    await theirs.open({ ...options, fresh: false }),
    await theirs.open({ ...options, fresh: false }),
  ];
  const [first, second, third, fourth] = await until('four ranks are members', ranks, (all) =>
    all.every(({ phase, members }) => phase === 'idle' && members.length === 4),
  );
  expect(first?.carried).toHaveLength(3);
  const over = (peer: string | undefined): string | undefined =>
    first?.carried.find((link) => link.peer === peer)?.carrier;
  expect([second, third, fourth].map((status) => over(status?.member))).toEqual([
    'broadcast',
    'relay',
    'relay',
  ]);
  await ranks[0]?.ask('start');
  await until('they train', ranks, (all) => all.every(({ step }) => step >= 5));
  await ranks[3]?.kill();
  const left = ranks.slice(0, 3);
  const done = await until('the three that are left are done', left, (all) =>
    all.every(({ phase }) => phase === 'done'),
  );
  expect(new Set(done.map(({ stateHash }) => stateHash)).size).toBe(1);
  expect(done.map(({ exactness }) => exactness.kind)).toEqual(['exact', 'exact', 'exact']);

  const alone = await theirs.open({ ...options, ...newRoom(), fresh: true, autostart: true });
  const [reference] = await until('one rank alone is done', [alone], ([status]) => status?.phase === 'done');
  expect(done[0]?.stateHash).toBe(reference?.stateHash);
});

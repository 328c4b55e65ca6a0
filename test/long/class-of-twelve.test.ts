/**
 * A class on a bad conference network: twelve participants in one room, 20 ms away from each other, one message in fifty lost, and no
 * direct connection to or from half of them.
 *
 * What is emulated, and how: each participant has a browser profile of its own, so that nothing but the network joins them. Latency and
 * loss come from the fault injector at each rank's network port, half of them at either end of a link: a lost message is one whose
 * checksum is wrong when it arrives, and is refused. Six of the twelve find no path of their own to anybody, and are carried by the server.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../../src/faults/vocabulary.ts';
import type { RankStatus } from '../../src/live/api.ts';
import { createClassroom } from '../../src/server/classroom/classroom.ts';
import { openServerAndBrowser } from '../support/server-and-browser.ts';
import type { ServerAndBrowser } from '../support/server-and-browser.ts';
import { blockDirectLinks } from '../e2e/frames.ts';

const PARTICIPANTS = 12;
const STEPS = 4;
const PATIENCE_MS = 150_000;
/** Both ends of a link add theirs, to what they send and to what they receive: 20 ms one way, and 1 in 50. */
const NETWORK: readonly Fault[] = [
  { kind: 'delay', ms: 10 },
  { kind: 'corrupt', chance: 0.01 },
];

const classroom = createClassroom();
let place: ServerAndBrowser;
beforeAll(async () => {
  place = await openServerAndBrowser({ mode: 'preview', classroom });
});
afterAll(async () => {
  await place.close();
});

/** Half of them find a way to each other. */
const finds = (index: number): boolean => index % 2 === 0;

/** A page in a profile of its own. */
async function open(path: string, direct: boolean): Promise<Page> {
  const context = await place.browser.newContext();
  if (!direct) await blockDirectLinks(context);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${place.server.url}${path}`);
  return page;
}

async function join(index: number): Promise<Page> {
  const page = await open('?engine=cpu&tune=0&steps=100000', finds(index));
  await page.getByLabel('Nickname').fill(`P${index}`);
  await page.getByLabel('Class code').fill(classroom.code);
  await page.getByRole('button', { name: 'Join' }).click();
  return page;
}

/** Undefined while the page has no rank, or goes to another room. */
const statusOf = (page: Page): Promise<RankStatus | undefined> =>
  page.evaluate(() => [...(window.rankfall?.ranks.values() ?? [])][0]?.status()).catch(() => undefined);

/** Looks at all of them until it holds; says how they are when it never does. */
async function until(
  pages: readonly Page[],
  what: string,
  holds: (status: RankStatus) => boolean,
): Promise<readonly RankStatus[]> {
  const limit = Date.now() + PATIENCE_MS;
  for (;;) {
    const statuses = await Promise.all(pages.map(statusOf));
    const known = statuses.filter((status) => status !== undefined);
    if (known.length === pages.length && known.every(holds)) return known;
    if (Date.now() > limit) {
      const seen = known.map(({ phase, step, members }) => `${phase} at ${step} among ${members.length}`);
      throw new Error(`It never came true that ${what}: ${seen.join('; ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test('twelve participants train as one room, 20 ms apart, with 2 % loss, half of them over the server', async () => {
  const console = await open(`console.html#key=${classroom.key}`, true);
  await console.getByText('Nobody yet.').waitFor();
  const pages: Page[] = [];
  // Three at a time, as people come in.
  for (let first = 0; first < PARTICIPANTS; first += 3)
    pages.push(...(await Promise.all([0, 1, 2].map((i) => join(first + i)))));
  await console.getByText(`${PARTICIPANTS} here`).first().waitFor();
  await console.getByLabel('Rooms of').selectOption(String(PARTICIPANTS));
  await console.getByLabel('that learn').selectOption({ label: 'Two moons' });
  await console.getByRole('button', { name: 'Form rooms' }).click();
  await console.getByRole('button', { name: 'Form them' }).click();
  const joined = await until(
    pages,
    'all are members of one room',
    ({ phase, members }) => phase === 'idle' && members.length === PARTICIPANTS,
  );
  expect(new Set(joined.map(({ room }) => room)).size).toBe(1);
  // Who finds no path has none to anybody. Among the others a link that takes too long is carried as well, for a while.
  const apart = joined.filter((_, i) => !finds(i)).map(({ member }) => member);
  const relayed = joined.map(({ carried }) =>
    carried.filter(({ carrier }) => carrier === 'relay').map(({ peer }) => peer),
  );
  relayed.forEach((peers, i) => {
    if (finds(i)) expect(peers, `P${i}`).toEqual(expect.arrayContaining(apart));
    else expect(peers, `P${i}`).toHaveLength(PARTICIPANTS - 1);
  });
  expect(joined.filter((_, i) => finds(i)).some(({ links, carried }) => carried.length < links.length)).toBe(
    true,
  );

  for (const page of pages)
    await page.evaluate(async (faults) => {
      const [rank] = window.rankfall?.ranks.values() ?? [];
      for (const fault of faults) await rank?.inject(fault);
    }, NETWORK);
  await console.getByRole('button', { name: 'Start all' }).click();
  await until(pages, `all have done ${STEPS} steps`, ({ committed }) => committed >= STEPS);
  await console.getByRole('button', { name: 'Pause all' }).click();
  const ended = await until(
    pages,
    'all rest at the same step',
    ({ phase, members }) => phase === 'idle' && members.length === PARTICIPANTS,
  );
  const newest = Math.max(...ended.map(({ step }) => step));
  expect(new Set(ended.filter(({ step }) => step === newest).map(({ stateHash }) => stateHash)).size).toBe(1);
  expect(ended.every(({ members }) => members.length === PARTICIPANTS)).toBe(true);
}, 300_000);

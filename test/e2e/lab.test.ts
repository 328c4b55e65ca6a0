// The lab as a visitor meets it: the page in a real browser, against the real server, with real ranks behind the buttons.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { loadProtocol } from '../../src/cli/guest/load.ts';
import { CORE_VERSION } from '../../src/simulator/core-version.ts';
import { drawExperiment } from '../../src/simulator/draw-experiment.ts';
import type { Experiment } from '../../src/simulator/experiment.ts';
import { drawGuest } from '../../src/simulator/guest/drawing.ts';
import { GuestExperimentSchema } from '../../src/simulator/guest/experiment.ts';
import { replayGuest } from '../../src/simulator/guest/shrink.ts';
import { pasteable } from '../../src/simulator/pasteable.ts';
import { parseReplayOf } from '../../src/simulator/replay.ts';
import type { Fault } from '../../src/faults/vocabulary.ts';
import { parseIncident } from '../../src/protocol/recording/incident.ts';
import { replayRecording } from '../../src/simulator/replay-recording.ts';
import { SCENARIOS, scenarioExperiment } from '../../src/simulator/scenarios.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';
import { ofCore } from '../support/of-core.ts';
import { violations } from './axe.ts';
import { openLab } from './frames.ts';
import type { Lab } from './frames.ts';

const STEP_MS = 60_000;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
});
afterAll(async () => {
  await lab.close();
});

/** As the browser reports a layout that shifts. */
interface Shift {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly {
    readonly node: Node | null;
    readonly previousRect: DOMRectReadOnly;
    readonly currentRect: DOMRectReadOnly;
  }[];
}

/** A shift, as the page under test keeps it. */
interface Moved {
  readonly value: number;
  /** Within half a second of somebody's press. */
  readonly isPressed: boolean;
  readonly what: string;
}

interface Visit {
  readonly page: Page;
  readonly complaints: readonly string[];
}

async function visit(path = '/?engine=cpu'): Promise<Visit> {
  const page = await lab.context.newPage();
  page.setDefaultTimeout(STEP_MS);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${lab.origin}${path}`);
  return { page, complaints };
}

const stateIs = (page: Page, state: string) => page.getByText(state, { exact: true }).first().waitFor();

function namedExperiment(name: string, seed: number, ranks: number): Experiment {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenarioExperiment(scenario, { seed, ranks });
}

/** Cards in the generation that say they train. */
const training = (page: Page) => page.locator('.card[data-activity=training]');

async function untilStep(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (least) => Number(document.querySelector('.ring-step')?.textContent) >= least,
    step,
  );
}

async function untilCount(page: Page, selector: string, count: number): Promise<void> {
  await page.waitForFunction(([wanted, n]) => document.querySelectorAll(wanted).length === n, [
    selector,
    count,
  ] as const);
}

/** A protocol that looks around before it starts, and promises that it has found nothing. */
const SPY = (origin: string, script: string): string => `
const reached = [];
const attempts = {
  page: () => document.title,
  storage: () => indexedDB.open('rankfall'),
  caches: () => caches.keys(),
  site: () => fetch('${origin}/'),
  module: () => import('${script}'),
  server: () => new Promise((resolve, reject) => {
    const socket = new WebSocket('${origin}'.replace('http', 'ws'));
    socket.onopen = resolve;
    socket.onerror = reject;
  }),
};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    reached.push(name);
  } catch {}
}
export const protocol = {
  name: 'spy',
  ranks: 2,
  create: () => ({}),
  step: () => [],
  invariants: { 'it reaches nothing': () => reached.length === 0 || reached.join() },
};
`;

/** What has moved so far, of what counts. What is good for one burst of five seconds is a tenth (web.dev/articles/cls). */
async function expectStill(page: Page, counts: (moved: Moved) => boolean): Promise<void> {
  const all = await page.evaluate(() => (window as unknown as { readonly moved: readonly Moved[] }).moved);
  const moved = all.filter(counts);
  const told = moved.map(({ value, what }) => `${value.toFixed(4)}: ${what}`).join('; ');
  expect(
    moved.reduce((sum, { value }) => sum + value, 0),
    told,
  ).toBeLessThan(0.05);
}

describe('a first visit', () => {
  test('makes a room, starts four ranks, kills one, adds one, and sees the others go on with equal states', async () => {
    const { page } = await visit();
    await stateIs(page, 'Ready to train');
    expect(new URL(page.url()).hash).toMatch(/^#room=[A-Z]{6}\.[\w-]{22}$/);
    await page.getByRole('button', { name: 'Start four ranks' }).click();
    await untilCount(page, '.card[data-activity=training]', 4);
    await untilStep(page, 5);

    const victim = await training(page).nth(1).getAttribute('data-rank');
    await training(page).nth(1).getByRole('button', { name: /^Kill/ }).click();
    await page.waitForFunction(
      (member) =>
        document.querySelectorAll('.card[data-activity=training]').length === 3 &&
        document.querySelector(`.card[data-rank="${String(member)}"][data-activity=training]`) === null,
      victim,
    );
    await page.getByText('the browser released its lock').first().waitFor();

    await page.getByRole('button', { name: 'Add rank' }).click();
    await untilCount(page, '.card[data-activity=training]', 4);
    await page.getByText('same as 3 others').first().waitFor();
    expect(await page.getByText('differs from the others').count()).toBe(0);

    const curve = await page.getByRole('img', { name: /^Loss \d/ }).getAttribute('aria-label');
    expect(curve).toMatch(/^Loss \d\.\d+ at step \d+\.$/);
    await page.close();
  });

  test.each([2000, 1280, 1000, 800, 390])(
    'sees nothing move when it starts or breaks something, on a page of %i pixels',
    async (width) => {
      const page = await lab.context.newPage();
      page.setDefaultTimeout(STEP_MS);
      await page.setViewportSize({ width, height: 850 });
      await page.addInitScript(() => {
        const moved: Moved[] = [];
        Object.assign(window, { moved });
        new PerformanceObserver((entries) => {
          for (const { value, hadRecentInput, sources } of entries.getEntries() as unknown as Shift[])
            moved.push({
              value,
              isPressed: hadRecentInput,
              what: sources
                .map(
                  ({ node, previousRect, currentRect }) =>
                    `${node instanceof Element ? node.className : '?'} from ${previousRect.y} to ${currentRect.y}`,
                )
                .join(', '),
            });
        }).observe({ type: 'layout-shift', buffered: true });
      });
      await page.goto(`${lab.origin}/?engine=cpu`);
      await stateIs(page, 'Ready to train');
      await page.getByRole('button', { name: 'Start four ranks' }).click();
      await untilCount(page, '.card[data-activity=training]', 4);
      await untilStep(page, 5);
      // Nothing makes room for what Start brings: the four have their places, and the ring has the greeting's.
      await expectStill(page, () => true);
      await training(page).last().getByRole('button', { name: /^Kill/ }).click();
      await untilCount(page, '.card', 3);
      await page.locator('.add-here').waitFor();
      await expectStill(page, ({ isPressed }) => !isPressed);
      await page.close();
    },
  );

  test('pauses, saves a checkpoint by hand, resumes, and leaves in order', async () => {
    const { page } = await visit('/?engine=cpu&autostart=1');
    await untilStep(page, 3);
    await page.getByRole('button', { name: 'Pause' }).click();
    await stateIs(page, 'Paused');
    await page.getByRole('button', { name: 'Checkpoint', exact: true }).click();
    await page.getByText(/^Checkpoint saved at step \d+/).waitFor();
    await page.locator('.checkpoint').first().waitFor();
    const at = Number(await page.locator('.ring-step').textContent());
    await page.getByRole('button', { name: 'Resume' }).click();
    await untilStep(page, at + 2);
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: /^You have left room/ }).waitFor();
    await untilCount(page, 'iframe', 0);
    await page.close();
  });
});

describe('a language model', () => {
  test('learns a file that a person brings, and writes while it trains', async () => {
    const { page, complaints } = await visit();
    await stateIs(page, 'Ready to train');
    await page.getByLabel('A text file of yours').check();
    const text = 'It was the best of times, it was the worst of times. '.repeat(60);
    await page
      .locator('input[type=file][name=text]')
      .setInputFiles({ name: 'times.txt', mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.getByRole('button', { name: 'Start four ranks' }).click();
    await page.waitForURL(/text=[0-9a-f]{64}/);
    await untilStep(page, 2);
    await page.getByLabel('Prompt').fill('It was');
    await page.getByRole('button', { name: 'Write' }).click();
    await page.waitForFunction(() => (document.querySelector('.written')?.textContent ?? '').length > 30);
    expect(await page.locator('.written').textContent()).toMatch(/^It was[\s\w.,]+$/);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

describe("the lab's door", () => {
  test('draws curves, and asks what the model makes of its data, once somebody can see them, and not before', async () => {
    const { page, complaints } = await visit('/?engine=cpu&autostart=1');
    await page.setViewportSize({ width: 800, height: 600 });
    await page.reload();
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/data/digits.bin') && request.frame() === page.mainFrame())
        asked.push(request.url());
    });
    await untilStep(page, 20);
    expect(asked).toEqual([]);
    expect(await page.locator('.uplot').count()).toBe(0);
    await page.locator('.panel.loss').scrollIntoViewIfNeeded();
    await page.locator('.panel.loss .uplot').waitFor();
    await page.locator('.panel.look').scrollIntoViewIfNeeded();
    await page.locator('.panel.look .digits').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('gives each rank one colour on all its pages, whoever dies and comes, and on a page that joins later', async () => {
    const { page } = await visit('/?engine=cpu&ranks=3&autostart=1&steps=100000');
    const train = (count: number, ...pages: readonly Page[]) =>
      Promise.all(pages.map((one) => untilCount(one, '.card[data-activity=training]', count)));
    const strike = (one: Page) =>
      one.evaluate(async () => {
        const door = window.rankfall;
        const [, second] = [...(door?.ranks.keys() ?? [])];
        if (door === undefined || second === undefined) throw new Error('no rank to kill');
        await door.killRank(second);
        await door.addRank();
      });
    // One that was killed on this very page is shown as gone for a while.
    const worn = (one: Page) =>
      one.locator('.card:not([data-activity=gone])').evaluateAll((cards) =>
        cards.map((card): readonly [string, string] => {
          if (!(card instanceof HTMLElement)) throw new Error('no card');
          const look = ['--rank', '--rank-ring'].map((name) => card.style.getPropertyValue(name));
          return [card.dataset['rank'] ?? '', look.join(' ')];
        }),
      );
    const byRank = async (one: Page) => new Map(await worn(one));
    await train(3, page);
    await strike(page);
    await train(3, page);
    const late = await lab.context.newPage();
    // With three ranks of its own, as the link says.
    await late.goto(page.url());
    const seen = async () => {
      const [here, there] = await Promise.all([byRank(page), byRank(late)]);
      return {
        alike: isDeepStrictEqual(here, there),
        ranks: here.size,
        colours: new Set(here.values()).size,
      };
    };
    const untilAgreed = () =>
      expect.poll(seen, { timeout: STEP_MS }).toEqual({ alike: true, ranks: 6, colours: 6 });
    await train(6, page, late);
    await untilAgreed();
    const before = await byRank(page);
    await strike(page);
    await train(6, page, late);
    await untilAgreed();
    const after = await byRank(page);
    for (const [rank, look] of after) expect(before.get(rank) ?? look).toBe(look);
    await late.close();
    await page.close();
  });

  test('opens and kills ranks for scripts, and knows the link', async () => {
    const { page } = await visit('/?engine=cpu&ranks=2&autostart=1');
    await untilCount(page, '.card[data-activity=training]', 2);
    const seen = await page.evaluate(async () => {
      const door = window.rankfall;
      if (door === undefined) throw new Error('no door');
      const added = await door.addRank();
      const three = door.ranks.size;
      await door.killRank(added);
      const phase = (await [...door.ranks.values()][0]?.status())?.phase;
      return { three, two: door.ranks.size, phase, link: door.link };
    });
    expect(seen).toMatchObject({ three: 3, two: 2, link: page.url() });
    expect(seen.phase).toBeDefined();
    await page.close();
  });
});

describe('the log of the ranks', () => {
  test('is downloaded after a kill, runs again to what the survivors decided, and is drawn in the laboratory', async () => {
    const { page } = await visit('/?engine=cpu&ranks=3&autostart=1');
    await untilCount(page, '.card[data-activity=training]', 3);
    await untilStep(page, 3);
    await page.evaluate(async () => {
      const door = window.rankfall;
      const victim = [...(door?.ranks.keys() ?? [])].at(-1);
      if (door === undefined || victim === undefined) throw new Error('no rank');
      await door.killRank(victim);
    });
    await page.getByText('2 ranks ·').first().waitFor();
    const download = page.waitForEvent('download');
    const button = page.getByRole('button', { name: 'Download log' });
    await button.focus();
    await page.keyboard.press('Enter');
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^rankfall-[A-Z]{6}\.log\.gz$/);
    const lines = gunzipSync(readFileSync(await file.path()))
      .toString()
      .split('\n');
    const outcome = replayRecording(lines);
    expect(outcome).toMatchObject({ verdict: 'held', divergence: undefined });
    expect(outcome.ranks).toHaveLength(2);
    expect(outcome.committed).toBeGreaterThanOrEqual(3);
    expect(outcome.records.some(({ event }) => event.kind === 'suspected')).toBe(true);

    const second = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download incident' }).click();
    const incident = await second;
    expect(incident.suggestedFilename()).toMatch(/^rankfall-[A-Z]{6}\.incident\.gz$/);
    const [head = '', ...recordings] = gunzipSync(readFileSync(await incident.path()))
      .toString()
      .split('\n');
    const { ranks, flights } = parseIncident(head);
    expect(ranks.map(({ gone }) => gone ?? 'here').sort()).toEqual(['here', 'here', 'killed']);
    expect(flights).toHaveLength(1);
    expect(flights[0]?.entries.length).toBeGreaterThan(0);
    expect(replayRecording(recordings)).toMatchObject({ verdict: 'held' });

    await page.getByRole('button', { name: 'See it as a diagram' }).click();
    const shown = page.locator('.race-log');
    await shown.getByText('Held.', { exact: true }).waitFor();
    expect(await shown.locator('.diagram-views canvas').count()).toBeGreaterThan(0);
    const lanes = shown.getByRole('group', { name: 'Lanes' }).getByRole('button');
    expect(await lanes.count()).toBe(2);
    // Each in the colour that it wears on the ring, whatever the order in which they came.
    const worn = await page.locator('.card').evaluateAll((cards) =>
      cards.flatMap((card) => {
        const id = card.getAttribute('data-rank')?.slice(0, 4) ?? '';
        return card.getAttribute('data-activity') === 'gone'
          ? []
          : [`rank ${id} ${(card as HTMLElement).style.getPropertyValue('--rank')}`];
      }),
    );
    const drawn = await lanes
      .locator('.rank-name')
      .evaluateAll((names) =>
        names.map((name) => `${name.textContent} ${(name as HTMLElement).style.getPropertyValue('--rank')}`),
      );
    expect(drawn.sort()).toEqual(worn.sort());
    await shown.getByRole('button', { name: 'all-reduce part', exact: true }).waitFor();
    const moment = shown.getByRole('slider', { name: 'Moment' });
    await moment.focus();
    await page.keyboard.press('ArrowLeft');
    await shown.getByRole('list', { name: 'What each lane says of itself then' }).waitFor();

    const bring = async (name: string, path: string | Buffer): Promise<void> => {
      const buffer = typeof path === 'string' ? readFileSync(path) : path;
      await page
        .locator('.race-form input[type=file]')
        .setInputFiles({ name, mimeType: 'application/gzip', buffer });
    };
    await bring('room.incident.gz', await incident.path());
    await shown.getByRole('heading', { name: 'room.incident.gz' }).waitFor();
    await shown.getByText('Incident in room', { exact: false }).waitFor();
    // The one that was killed left no recording, and is drawn by what it was at last.
    expect(await lanes.count()).toBe(3);

    // A file that is none is refused with its sentence, and takes nothing away.
    const broken = readFileSync(await incident.path());
    await bring('broken.gz', broken.subarray(0, broken.length - 30));
    const alert = page.locator('.race .race-problem');
    await alert.getByText('broken.gz was not opened: expected a whole gzip file').waitFor();
    await bring('hostile.log', Buffer.from('{"format":"rankfall-recording","version":2,"member":"<b>"}\n'));
    await alert.getByText('hostile.log was not opened: The log is wrong at line 1, member').waitFor();
    expect(await lanes.count()).toBe(3);
    await page.close();
  });
});

describe('the race laboratory', () => {
  // One page for all of it, as one visitor uses it.
  let page: Page;
  let complaints: readonly string[];
  beforeAll(async () => {
    ({ page, complaints } = await visit());
  });
  afterAll(async () => {
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('loads the simulator when it is opened, and shows the trace hash that Node comes to', async () => {
    await stateIs(page, 'Ready to train');
    const loaded = (): Promise<number> =>
      page.evaluate(
        () =>
          performance.getEntriesByType('resource').filter(({ name }) => /RaceLaboratory-/.test(name)).length,
      );
    expect(await loaded()).toBe(0);
    await page.getByRole('button', { name: 'Open the simulator' }).click();
    // Typed before the worker has told the usual number, or after it: it stays.
    const ranks = page.getByRole('spinbutton', { name: 'Ranks' });
    await ranks.fill('7');
    await page.locator('.race-form button[type=submit]:enabled').waitFor();
    expect(await ranks.inputValue()).toBe('7');
    expect(await loaded()).toBeGreaterThan(0);
    const runs = [
      { scenario: 'split-brain', seed: 3, experiment: namedExperiment('split-brain', 3, 5) },
      { scenario: '', seed: 11, experiment: drawExperiment(11, { ranks: 5 }) },
    ];
    for (const { scenario, seed, experiment } of runs) {
      await page.getByLabel('Scenario').selectOption(scenario);
      await page.getByRole('spinbutton', { name: 'Seed' }).fill(String(seed));
      await page.getByRole('spinbutton', { name: 'Ranks' }).fill('5');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      const { traceHash } = runExperiment(experiment, { hash: true });
      await page.locator(`[data-trace-hash="${traceHash}"]`).waitFor();
    }
    await page.getByText('npx rankfall sim --seed 11 --ranks 5').waitFor();
    expect(await page.locator('.race-events li').count()).toBeGreaterThan(10);
    expect(await violations(page)).toEqual([]);

    // A run that is on the page is told anew in the language that is chosen: lanes, faults and what came of them.
    await page.getByRole('button', { name: '中文', exact: true }).click();
    await page.locator('.race-events').getByText('打开了房间').first().waitFor();
    await page
      .locator('.diagram-tools')
      .getByText(/^页面 0 · /)
      .waitFor();
    await page.getByRole('button', { name: 'English', exact: true }).click();
    await page.locator('.race-events').getByText('opened the room').first().waitFor();
    expect(
      await page
        .locator('.diagram-tools')
        .getByText(/^page \d · /)
        .allTextContents(),
    ).toEqual(
      Array.from({ length: 5 }, (_, number) => expect.stringMatching(`^page ${number} · `) as string),
    );
  });

  test('hunts through an example on all cores, and what it finds replays in Node to the same trace', async () => {
    await page.getByLabel('Protocol').selectOption('torchft-quorum');
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
    await page.getByRole('button', { name: 'Hunt', exact: true }).click();
    await page.getByText(/^Seed 4, made small: \d+ decisions are left to tell$/).waitFor();
    await page.getByText('Violated: “a step is committed by one quorum only”.').waitFor();
    // However long the command is, it scrolls within its own line.
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const command = (await page.locator('.race-command').textContent()) ?? '';
    const [, file = '', text = ''] = /--protocol (\S+) '(rf1:[\w-]+)'$/.exec(command) ?? [];
    const { protocol } = await loadProtocol(fileURLToPath(new URL(`../../${file}`, import.meta.url)));
    const replay = parseReplayOf(GuestExperimentSchema, text);
    const drawing = drawGuest();
    const outcome = replayGuest(protocol, replay, { ...drawing, hash: true });
    const { traceHash } = outcome;
    const seen = { ...outcome, diagram: drawing.diagram(outcome) };
    await page.locator(`[data-trace-hash="${traceHash}"]`).waitFor();

    // By keyboard: back to the first quorum, and other futures from there.
    await page.getByRole('application', { name: /^Space-time diagram: 5 lanes/ }).focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.getByText('event 2 of').waitFor();
    await page.getByRole('button', { name: 'What if, from here?' }).click();
    await page
      .getByText(/^Of 40 other futures from there, \d+ break the same invariant: it could still/)
      .waitFor();
    expect(await page.getByRole('application').count()).toBe(2);
    expect(await page.locator('.diagram-views figcaption').allTextContents()).toEqual([
      'The run',
      'Another future of it',
    ]);
    expect(await violations(page)).toEqual([]);

    // The link, opened elsewhere, comes to the same trace.
    const elsewhere = await lab.context.newPage();
    await elsewhere.goto(`${lab.origin}/#${text}`);
    await elsewhere.locator(`[data-trace-hash="${traceHash}"]`).waitFor();
    expect(await violations(elsewhere)).toEqual([]);

    // Of another core, or where it comes out otherwise, it is shown as it was recorded: to be looked at, not run.
    const others = [
      { why: 'core', link: ofCore(CORE_VERSION + 1, pasteable(replay, seen) ?? '') },
      { why: 'differs', link: pasteable({ ...replay, traceHash: 'another' }, seen) ?? '' },
    ];
    for (const { why, link } of others) {
      await elsewhere.goto(`${lab.origin}/#${link}`);
      const kept = elsewhere.locator(`[data-why="${why}"]`);
      await kept.getByRole('application', { name: /^Space-time diagram: 5 lanes/ }).waitFor();
      await kept.getByText('Violated.').waitFor();
      expect(await elsewhere.getByRole('button', { name: 'Shrink' }).count()).toBe(0);
    }
    expect(await violations(elsewhere)).toEqual([]);
    await elsewhere.goto(`${lab.origin}/#${ofCore(77, pasteable(replay) ?? '')}`);
    await elsewhere
      .getByText(`another version of the protocol's core (77; this page has ${CORE_VERSION})`)
      .waitFor();
    await elsewhere.getByText('It brings no diagram along.').waitFor();
    await elsewhere.close();
  });

  test("runs a person's own protocol where it reaches neither this site nor the network, and refuses TypeScript", async () => {
    const bring = (name: string, text: string) =>
      page
        .locator('.race-form input[type=file]')
        .setInputFiles({ name, mimeType: 'text/javascript', buffer: Buffer.from(text) });
    const script = await page.evaluate(
      () => document.querySelector<HTMLScriptElement>('script[src]')?.src ?? '',
    );
    await bring('spy.js', SPY(lab.origin, script));
    await page.getByText('spy.js (your file)').waitFor({ state: 'attached' });
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('Held.').waitFor();
    await page.getByText('npx rankfall sim --protocol spy.js --seed 1 --ranks 2').waitFor();

    await bring('spy.ts', 'export const protocol: Protocol = {};');
    await page.getByText(/spy\.ts is TypeScript, and a browser has no compiler/).waitFor();
    await bring('empty.js', 'export const something = 1;');
    await page
      .getByText('empty.js exports no protocol: expected "export const protocol", found something.')
      .waitFor();
  });

  test('ends a run that is cancelled, and takes the next', async () => {
    await page.getByLabel('Protocol').selectOption({ index: 0 });
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
    await page.getByLabel('Scenario').selectOption('split-brain');
    await page.getByRole('spinbutton', { name: 'Ranks' }).fill('32');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('spinbutton', { name: 'Ranks' }).fill('2');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('npx rankfall sim --scenario split-brain --seed 1 --ranks 2').waitFor();
  });
});

describe('a bad address', () => {
  test('costs one sentence for each bad option, and nothing else', async () => {
    const { page, complaints } = await visit('/?engine=quantum&ranks=99');
    await page.getByText('The address says engine=quantum; expected auto, webgpu or cpu.').waitFor();
    await page.getByText('The address says ranks=99').waitFor();
    await stateIs(page, 'Ready to train');
    // They stay, and so does what they say, in whatever language is read.
    await page.getByRole('button', { name: '中文', exact: true }).click();
    await page.getByText('地址中写着 ranks=99').waitFor();
    await page.getByText('地址中写着 engine=quantum').waitFor();
    await page.getByRole('button', { name: 'English', exact: true }).click();
    await page.getByText('The address says ranks=99').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('with a broken link opens no room, and says why', async () => {
    const { page, complaints } = await visit('/#room=KQWERT.short');
    await page.getByRole('heading', { name: 'This link does not open a room.' }).waitFor();
    await page.getByText('The secret in this link to room KQWERT is cut short or changed.').waitFor();
    await page.getByRole('button', { name: '中文', exact: true }).click();
    await page.getByText('指向房间 KQWERT 的这个链接中，密钥被截短或改动了。').waitFor();
    await page.getByRole('button', { name: 'English', exact: true }).click();
    await page.getByRole('heading', { name: 'This link does not open a room.' }).waitFor();
    expect(await page.evaluate(() => window.rankfall === undefined)).toBe(true);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

describe('everybody can use the lab', () => {
  test('axe finds nothing wrong and nothing overflows, in both languages, light and dark, at three widths', async () => {
    const { page } = await visit('/?engine=cpu&ranks=2&autostart=1');
    await untilStep(page, 2);
    expect(await violations(page), 'training').toEqual([]);
    await page.getByRole('button', { name: 'Pause' }).click();
    await stateIs(page, 'Paused');
    // It ends as it began: the choice is kept in the browser that all of these share.
    for (const other of ['中文', 'English']) {
      await page.getByRole('button', { name: other, exact: true }).click();
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const width of [2560, 1280, 390]) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          await page.setViewportSize({ width, height: 844 });
          expect(await violations(page), `${colorScheme} at ${width}`).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        }
      }
    }
    await page.close();
  });

  test('a link of the ring is cut from the keyboard, and the ledger tells where the time went', async () => {
    const { page } = await visit('/?engine=cpu&ranks=3&autostart=1');
    await untilStep(page, 2);
    await page
      .getByRole('button', { name: /^Break the link between/ })
      .first()
      .focus();
    await page.keyboard.press('Enter');
    const palette = page.locator('#faults');
    const soon = { timeout: STEP_MS };
    await expect.poll(() => palette.getByLabel('What happens to it').inputValue(), soon).toBe('cut');
    await expect
      .poll(
        () => palette.getByLabel('Towards').evaluate((list: HTMLSelectElement) => list.selectedIndex),
        soon,
      )
      .toBeGreaterThan(0);
    await palette.getByRole('button', { name: 'Inject' }).click();
    await page.locator('.active-faults').getByText('Cut the link').waitFor();
    await page.getByText(/^goodput \d/).waitFor();
    expect(await page.locator('.ledger-band [data-account=compute]').count()).toBe(1);
    expect(await page.getByRole('meter', { name: 'Fullest send queue' }).count()).toBe(1);
    await page.close();
  });

  test('a rank that was frozen is among the active faults until it wakes, though it cannot say so', async () => {
    const { page } = await visit('/?engine=cpu&ranks=2&autostart=1&steps=100000');
    await untilCount(page, '.card[data-activity=training]', 2);
    await untilStep(page, 3);
    const active = page.locator('.active-faults');
    await active.getByText('None acts in this tab.').waitFor();
    await page.locator('#faults').getByRole('button', { name: 'Inject' }).click();
    await active.getByRole('listitem').filter({ hasText: 'Freeze' }).waitFor();
    expect(await active.getByText('None acts in this tab.').count()).toBe(0);
    await active.getByText('None acts in this tab.').waitFor();
    await untilCount(page, '.card[data-activity=training]', 2);
    await page.close();
  });

  test('asks before a fault really uses the machine up, takes a no, and keeps to the budget after a yes', async () => {
    const { page } = await visit('/?engine=cpu&ranks=1&autostart=1&steps=100000');
    await untilStep(page, 2);
    const dialog = page.getByRole('dialog');
    const heard = (text: string) =>
      page.waitForFunction(async (wanted) => {
        const [rank] = window.rankfall?.ranks.values() ?? [];
        const log = (await rank?.log(0, 100_000)) ?? [];
        return log.some(({ event }) => 'detail' in event && event.detail.includes(wanted));
      }, text);
    const inject = (fault: Fault) =>
      page.evaluate((given) => {
        const [rank] = window.rankfall?.ranks.values() ?? [];
        return rank?.inject(given);
      }, fault);
    for (const [fault, title] of [
      [{ kind: 'exhaust-gpu' }, 'Exhaust this machine’s GPU memory?'],
      [{ kind: 'grow-memory', maxBytes: 32 * 1024 * 1024 }, 'Take memory of this machine?'],
      [{ kind: 'fill-storage', maxBytes: 32 * 1024 * 1024 }, 'Fill the storage of this site?'],
      [{ kind: 'hog-cpu', where: 'page', forMs: 60_000 }, 'Keep this machine busy?'],
    ] as const) {
      const id = await inject(fault);
      await dialog.getByText(title).waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await heard(
        `${id ?? ''}: ${fault.kind === 'exhaust-gpu' ? 'GPU memory is not exhausted' : 'Nothing is used up'}`,
      );
    }
    const id = await inject({ kind: 'grow-memory', maxBytes: 32 * 1024 * 1024, forMs: 60_000 });
    await dialog.getByRole('button', { name: 'Allow it' }).click();
    await heard(`${id ?? ''}: ${32 * 1024 * 1024} bytes of memory held, then the budget ended`);
    await dialog.waitFor({ state: 'hidden' });
    await page.close();
  });

  test('speaks the language of the browser, changes it at once, and keeps the choice', async () => {
    const browser = lab.context.browser();
    if (browser === null) throw new Error('The context has no browser of its own.');
    const context = await browser.newContext({ locale: 'zh-CN' });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    await page.goto(`${lab.origin}/?engine=cpu`);
    await stateIs(page, '可以开始训练');
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-Hans');
    await page.getByText('打开了房间：第 1 代，只有它自己。').waitFor();
    await page.getByRole('button', { name: 'English', exact: true }).click();
    await stateIs(page, 'Ready to train');
    await page.getByText('opened the room: generation 1, alone.').waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
    await page.reload();
    await stateIs(page, 'Ready to train');
    await context.close();
  });
});

// A stranger lends a tab: asked first, in the room at a word, out of it whenever a limit says so, and thanked.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { violations } from './axe.ts';
import { openBrowser, openLab } from './frames.ts';
import type { Lab } from './frames.ts';

const PATIENCE_MS = 60_000;

let lab: Lab;
let elsewhere: Lab;
beforeAll(async () => {
  lab = await openLab({ pages: 'built' });
  elsewhere = await openBrowser(lab.origin);
});
afterAll(async () => {
  await elsewhere.close();
  await lab.close();
});

async function open(context: Lab['context'], address: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(address);
  return page;
}

/** Members of the room, as the host's page shows them. */
const untilMembers = (host: Page, count: number) =>
  host.waitForFunction((n) => document.querySelectorAll('.ring-node[data-member=true]').length === n, count);

/** A battery that the test plugs in and out. */
const BATTERY = `
  const battery = Object.assign(new EventTarget(), { charging: true });
  navigator.getBattery = async () => battery;
  window.plug = (charging) => {
    battery.charging = charging;
    battery.dispatchEvent(new Event('chargingchange'));
  };
`;

describe('a volunteer', () => {
  test('is asked first, helps a room, leaves it on battery, comes back, and is thanked for what it did', async () => {
    await lab.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: lab.origin });
    const host = await open(lab.context, `${lab.origin}/?engine=cpu&ranks=2&autostart=1&steps=100000`);
    await untilMembers(host, 2);
    await host.getByRole('button', { name: 'Volunteers’ link' }).click();
    await host.getByText('The volunteers’ link is copied.').waitFor();
    const link = await host.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/\/volunteer\.html#room=[A-Z]{6}\./);

    await elsewhere.context.addInitScript(BATTERY);
    const page = await open(elsewhere.context, link);
    await page.getByText('Somebody trains a neural network over many browser tabs').waitFor();
    for (const other of ['中文', 'English']) {
      expect(await violations(page), `before ${other}`).toEqual([]);
      await page.getByRole('button', { name: other, exact: true }).click();
    }
    // Nothing runs before it was asked for.
    expect(await page.locator('iframe').count()).toBe(0);
    await page.getByLabel('Time that may be spent computing').selectOption({ label: '25 of 100 seconds' });
    await page.getByLabel('The graphics chip may be used').uncheck();
    await page.getByRole('button', { name: 'Lend this tab' }).click();
    await untilMembers(host, 3);
    await page.getByText(/This tab has computed \d/).waitFor();

    const plug = (charging: boolean) =>
      page.evaluate((on) => (window as unknown as { plug: (on: boolean) => void }).plug(on), charging);
    await plug(false);
    await page.getByText('This device runs on its battery.').waitFor();
    await untilMembers(host, 2);
    await page.waitForFunction(() => document.querySelectorAll('iframe').length === 0);
    // It went in order: nobody had to find out.
    await host
      .locator('.log-entry')
      .getByText('said goodbye')
      .or(host.locator('.regroup-why'))
      .first()
      .waitFor();
    await plug(true);
    await untilMembers(host, 3);

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('You have paused it.').waitFor();
    await untilMembers(host, 2);
    await page.getByRole('button', { name: 'Go on' }).click();
    await untilMembers(host, 3);
    expect(await violations(page)).toEqual([]);

    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('You have stopped it.').waitFor();
    // What was asked for alarms nobody, and stands as wide as the thanks under it.
    await page.locator('.state-dot[data-state=paused]').waitFor();
    const wide = async (panel: string) => (await page.locator(panel).boundingBox())?.width;
    expect(await wide('.volunteer-now')).toBe(await wide('.volunteer-thanks'));
    await page.getByText(/This tab has computed .* and taken part in .* steps?, in /).waitFor();
    await untilMembers(host, 2);
    expect(await host.locator('.card[data-activity=training]').count()).toBeGreaterThan(0);
    await page.close();
    await host.close();
  });

  test('with a link that names no room, or names it wrongly, is told so, and nothing runs', async () => {
    const page = await open(lab.context, `${lab.origin}/volunteer.html`);
    await page.getByText('This link names no room. Ask for it again.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.evaluate(() => {
      location.hash = 'room=ABC';
    });
    await page.getByText('This link is cut short or changed.').waitFor();
    // A room is made in the lab, not here.
    expect(await page.getByRole('link').count()).toBe(0);
    await page.close();
  });
});

// The race laboratory: runs that held and that did not, two side by side, a search, links, and an incident of a live room.

import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { CORE_VERSION } from '../../../src/simulator/core-version.ts';
import { ofCore } from '../../support/of-core.ts';
import { press, untilStep, untilTraining } from './stage.ts';
import type { Scenes, Stage } from './stage.ts';

async function openRaces(stage: Stage): Promise<Page> {
  const page = await stage.open('?engine=cpu');
  await press(page, 'Open the simulator');
  await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
  return page;
}

/** The search through an example that finds its race soon. */
async function huntExample(page: Page): Promise<void> {
  await page.getByLabel('Protocol').selectOption('torchft-quorum');
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
  await press(page, 'Hunt');
  await page.getByText(/^Seed 4, made small/).waitFor();
}

export const SIMULATOR_SCENES: Scenes = {
  async race(stage) {
    const page = await openRaces(stage);
    await stage.take(page, 'race-start');
    await press(page, 'Run');
    await page.getByText('Held.').waitFor();
    await stage.take(page, 'race-held');
  },
  async 'race-found'(stage) {
    const page = await openRaces(stage);
    await huntExample(page);
    await stage.take(page, 'race-violated');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    // The room's link, at the top of the page, is copied by a button of the same name.
    await page.locator('.simulation').getByRole('button', { name: 'Copy link', exact: true }).click();
    await page.locator('.toast[data-shown=true]').waitFor();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText())).hash.slice(1);
    await page.getByRole('application').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await press(page, 'What if, from here?');
    await page.getByText(/^Of 40 other futures/).waitFor();
    await stage.take(page, 'race-branched');
    const elsewhere = await stage.open(`#${link}`);
    await elsewhere.locator('.race-result').waitFor();
    await stage.take(elsewhere, 'race-link');
    const other = await stage.open(`#${ofCore(CORE_VERSION + 1, link)}`);
    await other.getByText("another version of the protocol's core").waitFor();
    await stage.take(other, 'race-link-other');
  },
  async 'race-hunting'(stage) {
    const page = await openRaces(stage);
    await press(page, 'Hunt');
    await page.locator('.race-progress .numeric').waitFor();
    await stage.take(page, 'race-hunting');
  },
  async 'race-incident'(stage) {
    const room = await stage.open('?engine=cpu&ranks=3&autostart=1&steps=100000');
    await untilTraining(room, 3);
    await untilStep(room, 5);
    await room.locator('.card[data-activity=training]').last().getByRole('button', { name: /^Kill/ }).click();
    await untilTraining(room, 2);
    const download = room.waitForEvent('download');
    await press(room, 'Download incident');
    const incident = await download;
    const buffer = await readFile(await incident.path());
    await room.close();
    const page = await openRaces(stage);
    await page
      .locator('.race-form input[type=file]')
      .setInputFiles({ name: incident.suggestedFilename(), mimeType: 'application/gzip', buffer });
    await page.getByText('Incident in room').waitFor();
    await stage.take(page, 'race-incident');
  },
};

// The lab: before anybody has trained, with one rank and with many, broken in several ways, left, and opened by a link that is none.

import type { Page } from 'playwright-core';
import { pause, press, untilStep, untilTraining } from './stage.ts';
import type { Scenes } from './stage.ts';

/** Cuts the first link of the ring until it is healed. By keyboard: the middle of a curved stretch is not the stretch. */
async function cutLink(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /^Break the link between/ })
    .first()
    .press('Enter');
  const form = page.locator('#faults');
  await form.locator('.fault-fields select').last().selectOption({ label: 'until healed' });
  await form.getByRole('button', { name: 'Inject' }).click();
  await page.locator('.active-faults').getByText('Cut the link').waitFor();
}

export const LAB_SCENES: Scenes = {
  async 'lab-idle'(stage) {
    const page = await stage.open('?engine=cpu');
    await page.getByText('Ready to train', { exact: true }).first().waitFor();
    await stage.take(page, 'lab-idle');
  },
  async 'lab-alone'(stage) {
    const page = await stage.open('?engine=cpu&ranks=1&autostart=1&steps=100000&job=moons');
    await untilStep(page, 40);
    await pause(page);
    await stage.take(page, 'lab-alone');
  },
  async 'lab-training'(stage) {
    const page = await stage.open('?engine=cpu&ranks=4&autostart=1&steps=100000');
    await untilTraining(page, 4);
    await untilStep(page, 30);
    await stage.take(page, 'lab-training');
  },
  async 'lab-room'(stage) {
    const page = await stage.open('?engine=cpu&ranks=3&autostart=1&steps=100000');
    await untilTraining(page, 3);
    await untilStep(page, 10);
    await press(page, 'Checkpoint');
    await page.locator('.checkpoint').first().waitFor();
    await page.locator('.card[data-activity=training]').last().getByRole('button', { name: /^Kill/ }).click();
    await untilTraining(page, 2);
    const step = Number(await page.locator('.ring-step').textContent());
    await untilStep(page, step + 3);
    await pause(page);
    await page.locator('.checkpoint-more summary').first().click();
    await stage.take(page, 'lab-room');
    await press(page, 'Leave');
    await page.getByRole('heading', { name: /^You have left room/ }).waitFor();
    await stage.take(page, 'lab-left');
  },
  /** As many as there are places in the ring for large discs, and more. */
  async 'lab-full'(stage) {
    const page = await stage.open('?engine=cpu&ranks=9&autostart=1&steps=100000');
    await untilTraining(page, 9);
    await untilStep(page, 8);
    await pause(page);
    await stage.take(page, 'lab-full');
  },
  /** Of four, the ring goes round a pair that is apart; of three, all pairs are neighbours, and the third carries. */
  async 'lab-apart'(stage) {
    for (const [ranks, name] of [
      [4, 'lab-apart'],
      [3, 'lab-carried'],
    ] as const) {
      const page = await stage.open(`?engine=cpu&ranks=${ranks}&autostart=1&steps=100000`);
      await untilTraining(page, ranks);
      await untilStep(page, 5);
      await cutLink(page);
      await page.locator('.ring-apart').waitFor();
      await untilTraining(page, ranks);
      await stage.take(page, name);
      await page.close();
    }
  },
  async 'lab-stuck'(stage) {
    const page = await stage.open('?engine=cpu&ranks=1&autostart=1&steps=100000');
    await untilStep(page, 3);
    // Two of three: of two, the one that is left may be the half that counts as the majority.
    const other = await stage.open(`?engine=cpu&ranks=2${new URL(page.url()).hash}`);
    await untilTraining(page, 3);
    await other.close();
    await page.getByRole('button', { name: 'Go on without them' }).waitFor();
    await stage.take(page, 'lab-stuck');
  },
  async 'lab-checkpoints'(stage) {
    const name = 'checkpoints=shared';
    const first = await stage.open(`?engine=cpu&ranks=1&autostart=1&job=moons&${name}`);
    await untilStep(first, 5);
    await press(first, 'Checkpoint');
    await first.locator('.checkpoint').first().waitFor();
    await press(first, 'Leave');
    const page = await stage.beside(first, `?engine=cpu&ranks=2&autostart=1&steps=100000&${name}`);
    await untilTraining(page, 2);
    await untilStep(page, 5);
    await press(page, 'Checkpoint');
    await page.locator('.checkpoint[data-standing=verified]').nth(1).waitFor();
    await page
      .getByText(/^of another job/)
      .first()
      .waitFor();
    await pause(page);
    await stage.take(page, 'lab-checkpoints');
  },
  async 'lab-text'(stage) {
    const page = await stage.open('?engine=cpu&ranks=1&autostart=1&job=moby-dick');
    await untilStep(page, 2);
    await press(page, 'Write');
    await page.waitForFunction(() => (document.querySelector('.written')?.textContent ?? '').length > 30);
    await pause(page);
    await stage.take(page, 'lab-text');
  },
  async volunteer(stage) {
    const host = await stage.open('?engine=cpu&ranks=1&autostart=1&steps=100000');
    await untilStep(host, 2);
    const page = await stage.open(`volunteer.html${new URL(host.url()).hash}`);
    await page.getByRole('button', { name: 'Lend this tab' }).waitFor();
    await stage.take(page, 'volunteer-asked');
    await press(page, 'Lend this tab');
    await page.getByText(/This tab has computed \d/).waitFor();
    await stage.take(page, 'volunteer-lending');
    await press(page, 'Stop');
    await page.getByText('You have stopped it.').waitFor();
    await stage.take(page, 'volunteer-thanked');
    const none = await stage.open('volunteer.html');
    await none.getByText('This link names no room.').waitFor();
    await stage.take(none, 'volunteer-no-room');
  },
  async 'bad-link'(stage) {
    const link = await stage.open('#room=KQWERT.short');
    await link.getByRole('heading', { name: 'This link does not open a room.' }).waitFor();
    await stage.take(link, 'bad-link');
    const options = await stage.open('?engine=quantum&ranks=99');
    await options.getByText('The address says ranks=99').waitFor();
    await options.getByText('Ready to train', { exact: true }).first().waitFor();
    await stage.take(options, 'bad-options');
  },
};

// A class: the instructor's console, empty and with three participants who have answered, and what a participant sees.

import type { Page } from 'playwright-core';
import { press } from './stage.ts';
import type { Scenes, Stage } from './stage.ts';

async function joinClass(stage: Stage, nickname: string): Promise<Page> {
  const page = await stage.open('?engine=cpu&steps=100000');
  await page.getByLabel('Nickname').fill(nickname);
  await page.getByLabel('Class code').fill(stage.classCode);
  await press(page, 'Join');
  return page;
}

const untilState = async (console: Page, people: number, state: string): Promise<void> => {
  await console
    .locator(`.person[data-state=${state}]`)
    .nth(people - 1)
    .waitFor();
};

export const CLASS_SCENES: Scenes = {
  async 'class-doors'(stage) {
    const page = await stage.open(`console.html#key=${stage.classKey}`);
    await page.getByText('Nobody yet.').waitFor();
    await stage.take(page, 'console-empty');
    const wrong = await stage.open('?engine=cpu');
    await wrong.getByLabel('Nickname').fill('Zoë');
    await stage.take(wrong, 'join');
    await wrong.getByLabel('Class code').fill('AAAAAA');
    await press(wrong, 'Join');
    await wrong.getByText('That is not the code of this class.').waitFor();
    await stage.take(wrong, 'join-wrong');
    const key = await stage.open(`console.html#key=${'A'.repeat(22)}`);
    await key.getByText('This key does not open the console.').waitFor();
    await stage.take(key, 'console-wrong-key');
  },
  async class(stage) {
    const page = await stage.open(`console.html#key=${stage.classKey}`);
    const [ada, ben, cyd] = [
      await joinClass(stage, 'Ada'),
      await joinClass(stage, 'Ben'),
      await joinClass(stage, 'Cyd'),
    ];
    await untilState(page, 3, 'ready');
    await press(page, 'Start all');
    await untilState(page, 3, 'training');
    await press(page, 'Ask the class');
    await ada.getByLabel('Training stops').check();
    await cyd.getByLabel('It goes on as if nothing happened').check();
    await page.getByText('2 of 3 have answered.').waitFor();
    await press(page, 'Pause all');
    await untilState(page, 3, 'paused');
    await stage.take(page, 'console');
    await press(page, 'Show the class');
    await ben.getByText('What the class said:').waitFor();
    await stage.take(ben, 'participant');
  },
};

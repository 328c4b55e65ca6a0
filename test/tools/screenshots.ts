// Pictures of every page in the states that people meet, in both languages and themes, at three widths: to be looked at.
//
//   npm run screenshots -- --out DIR [--scenes lab-idle,race] [--widths 390,1280,2560] [--languages en,zh-Hans] [--themes light,dark]
//
// A scene is named for what it shows; `--list` prints them all. A page that is wider than its window is told, and makes the exit status 1.

import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { BROWSER_FLAGS, ensureBrowser } from '../../src/cli/browser.ts';
import { createClassroom } from '../../src/server/classroom/classroom.ts';
import { startServer } from '../../src/server/start.ts';
import { createCamera } from './screenshots/camera.ts';
import { CLASS_SCENES } from './screenshots/class-scenes.ts';
import { LAB_SCENES } from './screenshots/lab-scenes.ts';
import { LESSON_SCENES } from './screenshots/lesson-scenes.ts';
import { SIMULATOR_SCENES } from './screenshots/simulator-scenes.ts';
import { createStage } from './screenshots/stage.ts';
import type { Scenes } from './screenshots/stage.ts';

const SCENES: Scenes = { ...LAB_SCENES, ...SIMULATOR_SCENES, ...LESSON_SCENES, ...CLASS_SCENES };

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    out: { type: 'string', default: 'screenshots' },
    scenes: { type: 'string' },
    widths: { type: 'string', default: '390,1280,2560' },
    languages: { type: 'string', default: 'en,zh-Hans' },
    themes: { type: 'string', default: 'light,dark' },
    list: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(
    `npm run screenshots -- --out DIR [--scenes ${Object.keys(SCENES).slice(0, 2).join(',')}] [--widths 390,1280,2560] [--languages en,zh-Hans] [--themes light,dark] [--list]`,
  );
  process.exit(0);
}
if (values.list) {
  console.log(Object.keys(SCENES).join('\n'));
  process.exit(0);
}
const wanted = values.scenes?.split(',') ?? Object.keys(SCENES);
const strangers = wanted.filter((name) => SCENES[name] === undefined);
if (strangers.length > 0) {
  console.error(
    `There is no scene ${strangers.join(', ')}: expected some of ${Object.keys(SCENES).join(', ')}.`,
  );
  process.exit(2);
}
await mkdir(values.out, { recursive: true });
const camera = createCamera({
  out: values.out,
  widths: values.widths.split(',').map(Number),
  languages: values.languages.split(','),
  themes: values.themes.split(','),
});
const browser = await chromium.launch({
  executablePath: await ensureBrowser({ log: console.error }),
  args: [...BROWSER_FLAGS],
});
for (const name of wanted) {
  const classroom = createClassroom({ addresses: () => ['https://192.168.1.20:5173/'] });
  const server = await startServer({
    mode: 'preview',
    port: 0,
    ...(name in CLASS_SCENES ? { classroom } : {}),
  });
  const stage = createStage({ browser, server, classroom, camera });
  try {
    await SCENES[name]?.(stage);
    console.log(name);
  } catch (error) {
    console.error(`${name}: ${String(error)}`);
    process.exitCode = 1;
  }
  await stage.close();
  await server.close();
}
await browser.close();
for (const file of camera.tooWide) console.error(`wider than its window: ${file}`);
process.exit(process.exitCode ?? (camera.tooWide.length > 0 ? 1 : 0));

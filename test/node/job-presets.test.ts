import { expect, test } from 'vitest';
import { createCpuEngine } from '../../src/engine/cpu/engine.ts';
import { openText } from '../../src/engine/data/text.ts';
import { ownTextJob, JOB_PRESETS, PRESET_NAMES } from '../../src/job/presets.ts';
import { DEFAULT_JOB, parseJob } from '../../src/job/job.ts';
import { loadDigits } from '../support/digits.ts';
import { train } from '../support/engine.ts';
import { mobyDick } from '../support/texts.ts';

test('every preset is a valid job of its own name, and the first is the usual one', () => {
  for (const name of PRESET_NAMES) {
    expect(parseJob(JOB_PRESETS[name])).toEqual(JOB_PRESETS[name]);
    expect(JOB_PRESETS[name].name).toBe(name);
  }
  expect(JOB_PRESETS.digits).toBe(DEFAULT_JOB);
  expect(parseJob(ownTextJob('a'.repeat(64), 33)).name).toBe('text-aaaaaaaa');
});

test('the convolutional network and the language model learn', { timeout: 120_000 }, async () => {
  const moby = JOB_PRESETS['moby-dick'];
  if (moby.model.kind !== 'gpt') throw new Error('not a language model');
  for (const [job, loader, steps] of [
    [JOB_PRESETS['digits-cnn'], loadDigits(), 20],
    [moby, openText(mobyDick(), moby.model.context), 20],
  ] as const) {
    const engine = createCpuEngine({ job, loader, reason: 'A test.' });
    const losses = (await train(engine, steps)).map(({ loss }) => loss);
    expect(losses.at(-1), job.name).toBeLessThan(0.85 * (losses[0] ?? 0));
  }
});

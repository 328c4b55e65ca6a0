// `rankfall bench checkpoint`: what saving, loading and verifying take, and what of it the training waits for.

import { Command, Option } from 'commander';
import { listOf } from '../arguments.ts';
import { withCleanup } from '../cleanup.ts';
import { EXIT_OK } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import type { CheckpointReport } from './checkpoint/report.ts';

interface Flags {
  readonly mib: readonly number[];
  readonly engine: 'webgpu' | 'cpu';
  readonly json?: true;
}

const HELP = `
A real headless tab, with the engine's worker, the worker that saves, and IndexedDB, as a rank has them:
  save     from the step boundary until the checkpoint is written, read back and verified
  held up  of these, what the next step waits for: the copy on the GPU
  load     from IndexedDB, every piece verified, into the engine
  verify   every piece read and hashed, where it lies
Medians, after one save that waits for memory. The digits job also tells what share of the time saving takes at the
automatic interval, √(2 · MTBF · cost), with an hour between failures.
`;

export function checkpointCommand(exit: (status: number) => void): Command {
  return new Command('checkpoint')
    .summary('measure saving, loading and verifying')
    .description('Measures checkpoints of several sizes in a headless tab.')
    .option(
      '--mib <list>',
      'sizes in MiB',
      listOf('sizes from 0.1 to 512 MiB', (mib) => mib >= 0.1 && mib <= 512),
      [1, 16, 64, 200],
    )
    .addOption(
      new Option('--engine <name>', 'what holds the state').choices(['webgpu', 'cpu']).default('webgpu'),
    )
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async ({ mib, engine, json }: Flags) => {
      // Loaded only now: a browser's driver and a server are much to load for a help text.
      const { measureCheckpoints } = await import('./checkpoint/run.ts');
      const log = (line: string): void => void process.stderr.write(`${line}\n`);
      const report = await interruptible(({ signal }) =>
        withCleanup((cleanup) => measureCheckpoints(engine, mib, cleanup, signal, log)),
      );
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : text(report));
      exit(EXIT_OK);
    });
}

function text({ engine, adapter, rows, pageBlockedMs, digits }: CheckpointReport): string {
  const ms = (value: number): string => value.toFixed(1).padStart(10);
  return [
    `${engine}: ${adapter}`,
    '    MiB        save   held up      load    verify   (ms)',
    ...rows.map(
      ({ mib, saveMs, heldUpMs, loadMs, verifyMs }) =>
        `${String(mib).padStart(7)}  ${ms(saveMs)}${ms(heldUpMs)}${ms(loadMs)}${ms(verifyMs)}`,
    ),
    '',
    `The page's thread was blocked for ${pageBlockedMs.toFixed(0)} ms.`,
    `Digits: a step takes ${digits.stepMs.toFixed(1)} ms, a save holds it up ${digits.heldUpMs.toFixed(2)} ms; every ` +
      `${(digits.automaticMs / 1000).toFixed(1)} s (automatic), that is ${(100 * digits.overheadShare).toFixed(3)}% of the time.`,
    '',
  ].join('\n');
}

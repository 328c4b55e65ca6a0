// `rankfall bench step`: how long a training step of one rank takes, what it spends it on, and what bounds it.

import { Command, Option } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { withCleanup, type Cleanup } from '../cleanup.ts';
import { EXIT_OK } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import type { Job } from '../../job/job.ts';
import type { StepMeasurement } from './step/measure.ts';
import { benchJob, MODELS } from './step/models.ts';

const ENGINES = ['cpu', 'webgpu', 'dawn'] as const;
type EngineName = (typeof ENGINES)[number];

interface Flags {
  readonly engine: EngineName;
  readonly model: string;
  readonly steps: number;
  readonly seconds: number;
  readonly tune?: boolean;
  readonly exchange?: boolean;
  readonly json?: true;
}

type Measured = StepMeasurement & { readonly adapter: string };

const HELP = `
A step is what a rank alone does in a room: a contribution of the whole batch in fixed point, and its application. The gradient stays
on the GPU; with --exchange it is read back and uploaded again, as a rank among others must. The figure is the median after one step
of warm-up. Shares of time come from timestamp queries where the adapter offers them, else
from a submit for each dispatch; rates set them beside what the kernel must compute and move at the least.

Models (sizes can be changed: --model gpt:layers=1,batch=2):
${Object.entries(MODELS)
  .map(([name, { about }]) => `  ${name.padEnd(11)} ${about}`)
  .join('\n')}

Engines:
  cpu      the TypeScript engine, on one core
  webgpu   the WGSL kernels in headless Chromium
  dawn     the same kernels in Node; needs "npm --prefix bench install"
`;

export function stepCommand(exit: (status: number) => void): Command {
  return new Command('step')
    .summary('measure a training step')
    .description('Measures a training step of one rank, kernel by kernel.')
    .addOption(new Option('--engine <name>', 'what computes').choices(ENGINES).default('webgpu'))
    .option('--model <model>', 'what is trained', 'digits')
    .option('--steps <n>', 'measured steps at most', wholeNumber(1, 100_000), 20)
    .option('--seconds <n>', 'stop after so long, but not before three steps', wholeNumber(1, 3600), 20)
    .option('--exchange', 'read the gradient back and upload it, as a rank among others')
    .option('--tune', 'measure the matrix products first, and pin the fastest kernels (GPU engines)')
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: Flags) => {
      const job = benchJob(flags.model);
      const measured = await interruptible(({ signal }) =>
        withCleanup((cleanup) => measureOn(flags, job, cleanup, signal)),
      );
      const report = { engine: flags.engine, model: flags.model, ...rates(measured), ...measured };
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : text(flags, measured));
      exit(EXIT_OK);
    });
}

async function measureOn(
  { engine, steps, seconds, tune = false, exchange = false }: Flags,
  job: Job,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<Measured> {
  const options = { steps, budgetMs: 1000 * seconds, exchange };
  // Loaded only now: a browser's driver and a server are much to load for a help text.
  if (engine === 'webgpu') {
    const { measureInBrowser } = await import('./step/browser.ts');
    const log = (line: string): void => void process.stderr.write(`${line}\n`);
    return measureInBrowser(job, options, tune, cleanup, signal, log);
  }
  const { openCpuEngine, openGpuEngine } = await import('./step/open.ts');
  const { measureSteps } = await import('./step/measure.ts');
  const opened =
    engine === 'cpu'
      ? openCpuEngine(job)
      : await openGpuEngine(
          await (await import('../dawn.ts')).openDawn(),
          (await import('../shader-files.ts')).shaderFromDisk,
          job,
          tune,
        );
  cleanup.add(() => opened.destroy());
  return { ...(await measureSteps(opened, options, signal)), adapter: opened.description.adapter };
}

function rates({ samples, tokens, milliseconds, cost }: Measured) {
  const perSecond = (amount: number): number => (1000 * amount) / milliseconds;
  return {
    samplesPerSecond: perSecond(samples),
    tokensPerSecond: tokens === 0 ? undefined : perSecond(tokens),
    gflops: cost === undefined ? undefined : perSecond(cost.flops) / 1e9,
    gbps: cost === undefined ? undefined : perSecond(cost.bytes) / 1e9,
  };
}

function text({ engine, model }: Flags, measured: Measured): string {
  const { adapter, parameters, steps, milliseconds, loss, cost, kernels, timedBy, memoryBytes } = measured;
  const { samplesPerSecond, tokensPerSecond, gflops, gbps } = rates(measured);
  const rate =
    tokensPerSecond === undefined
      ? `${samplesPerSecond.toFixed(0)} samples/s`
      : `${tokensPerSecond.toFixed(0)} tokens/s`;
  const lines = [
    `${model}, ${parameters} parameters, on ${engine}: ${adapter}`,
    `${milliseconds.toFixed(2)} ms a step (median of ${steps}), ${rate}, loss ${loss.toFixed(3)}, ${mib(memoryBytes)} MiB`,
  ];
  if (cost !== undefined) {
    lines.push(
      `${cost.dispatches} dispatches, ${(cost.flops / 1e9).toFixed(3)} GFLOP and ${mib(cost.bytes)} MiB a step: ` +
        `${gflops?.toFixed(2)} GFLOP/s, ${gbps?.toFixed(2)} GB/s, ${(cost.flops / cost.bytes).toFixed(1)} FLOP a byte`,
      '',
      `kernel (by ${String(timedBy)})`.padEnd(36) + '  share  dispatches        ms   GFLOP/s      GB/s',
      ...kernels.map(
        (one) =>
          `${one.kernel.padEnd(36)}  ${(100 * one.share).toFixed(1).padStart(5)}%  ${String(one.dispatches).padStart(9)}` +
          `  ${one.milliseconds.toFixed(3).padStart(8)}  ${one.gflops.toFixed(2).padStart(8)}  ${one.gbps.toFixed(2).padStart(8)}`,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);

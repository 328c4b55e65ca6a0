// `rankfall bench matmul`: how fast an engine multiplies matrices, beside its peers and what memory allows.

import { Command, Option } from 'commander';
import { listOf } from '../arguments.ts';
import { withCleanup, type Cleanup } from '../cleanup.ts';
import { EXIT_OK, UsageError } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import type { MatmulReport, MatmulRow, MatmulTarget } from './matmul/report.ts';

interface Options {
  readonly engine: MatmulReport['engine'];
  readonly sizes?: readonly number[];
  readonly peers?: true;
  readonly json?: true;
}

const LARGEST = 8192;

const HELP = `
Square f32 matrices, with none (NN), the second (NT) or the first (TN) stored transposed: training needs all three. Each figure is
the median of five runs of many products, after a warm-up; every product is checked against sums in f64. All tilings that the device
can run are measured, and the fastest counts.

Engines:
  cpu      the TypeScript engine, on one core
  webgpu   the WGSL kernels in headless Chromium
  dawn     the same kernels in Node; needs "npm --prefix bench install"

With --peers, tfjs-webgpu and jax-js multiply the same matrices in the same process, on the same adapter; the ratio says how many
times faster rankfall is, both by the wall clock. They need "npm --prefix bench install" too.

The roofline is what memory allows: each operand read once, the result written once, at the bandwidth of a large copy.
`;

export function matmulCommand(exit: (status: number) => void): Command {
  return new Command('matmul')
    .description('measure matrix products')
    .addOption(
      new Option('--engine <name>', 'what computes').choices(['cpu', 'webgpu', 'dawn']).default('webgpu'),
    )
    .addOption(
      new Option(
        '--sizes <list>',
        `rows and columns, 1 to ${LARGEST} (default: 512 to 4096 on a GPU, 64 to 256 without)`,
      ).argParser(
        listOf(`whole numbers from 1 to ${LARGEST}`, (n) => Number.isInteger(n) && n >= 1 && n <= LARGEST),
      ),
    )
    .option('--peers', 'multiply with tfjs-webgpu and jax-js too')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const { engine, sizes } = options;
      if (engine === 'cpu' && options.peers === true)
        throw new UsageError('The peers run on WebGPU: expected --peers with --engine webgpu or dawn.');
      // Loaded only now: a browser's driver and a server are much to load for a help text.
      const { measureMatmul } = await import('./matmul/run.ts');
      const report = await interruptible(({ signal }) =>
        withCleanup(async (cleanup) => {
          const target = await openTarget(options, cleanup, signal);
          return measureMatmul(engine, target, sizes, signal, log);
        }),
      );
      process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : `${text(report)}\n`);
      exit(EXIT_OK);
    });
}

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function openTarget(
  { engine, peers }: Options,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<MatmulTarget> {
  switch (engine) {
    case 'cpu':
      return (await import('./matmul/cpu.ts')).cpuTarget();
    case 'dawn':
      return (await import('./matmul/dawn.ts')).dawnTarget(peers === true);
    case 'webgpu':
      return (await import('./matmul/browser.ts')).browserTarget(peers === true, cleanup, signal, log);
  }
}

function text({ engine, adapter, rows, costModel }: MatmulReport): string {
  const { copyGBps, copyBytes, timer } = costModel;
  return [
    `${engine} on ${adapter}, timed by ${timer === 'wall' ? 'the wall clock' : 'GPU timestamps'}`,
    table(rows),
    `A copy of ${Math.round(copyBytes / 1024 / 1024)} MiB reads and writes ${copyGBps.toFixed(1)} GB/s.`,
  ].join('\n');
}

function table(rows: readonly MatmulRow[]): string {
  const peers = Object.keys(rows[0]?.peers ?? {});
  const head = ['size', 'op', 'GFLOP/s', 'wall', 'FLOP/byte', 'roofline'];
  const lines = [
    [...head, ...peers.flatMap((name) => [name, 'ratio']), 'kernel'],
    ...rows.map((row) => [
      String(row.size),
      row.transpose,
      row.gflops.toFixed(1),
      row.wallGflops.toFixed(1),
      row.intensity.toFixed(1),
      row.rooflineGflops.toFixed(0),
      ...peers.flatMap((name) => [
        row.peers[name]?.gflops.toFixed(1) ?? '',
        row.peers[name]?.ratio.toFixed(2) ?? '',
      ]),
      row.kernel,
    ]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length))) ?? [];
  return lines.map((line) => line.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n');
}

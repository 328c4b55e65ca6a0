// `rankfall verify`: holds an engine against PyTorch's own numbers, or against definitions written out in f64.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { wholeNumber } from './arguments.ts';
import { withCleanup, type Cleanup } from './cleanup.ts';
import { EXIT_FAILED, EXIT_OK, oneLine, UsageError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { makeReference } from './verify/definitions.ts';
import { cpuHost } from './verify/host.ts';
import type { VerifyReport } from './verify/report.ts';
import { readReference, verify, type ReferenceFiles } from './verify/verify.ts';

interface VerifyFlags {
  /** Undefined: the definitions. */
  readonly reference?: string;
  readonly seed: number;
  readonly engine: VerifyReport['engine'];
  readonly json?: true;
}

const HELP = `
What happens:
  Without --reference, what is expected comes from definitions in f64 that are part of the program and share no code with the
  engines (src/cli/verify/definitions.ts): sizes and numbers are drawn by --seed. With it, from a directory of numbers that PyTorch
  computed: manifest.json and the safetensors files that it names (docs/engine.md#verification).

  Each operation is computed forward and backward, then optimizers and clipping where a reference has them, then whole training
  runs through the same fixed-point path that a room uses.

  An operation is right within 1e-5 · √k · scale, where k is the length of its longest chain of sums and scale the largest
  number of the expected tensor. A run is right when its loss is within 1e-4 (relative) at every step. Weights after a run
  are reported. A GPT's key biases are left out of them: their gradient is zero in exact arithmetic, and Adam
  amplifies what rounding leaves of it.

Engines:
  cpu      the TypeScript engine
  webgpu   the WGSL kernels in headless Chromium
  dawn     the same kernels in Node; needs "npm --prefix bench install"

Exit status:
  0  everything is right
  1  something is off
  2  bad options, or a malformed reference: the file and the reason are named

Examples:
  rankfall verify
  rankfall verify --engine webgpu
  rankfall verify --reference DIR
`;

export function verifyCommand(exit: (status: number) => void): Command {
  return new Command('verify')
    .summary('hold an engine against reference numbers')
    .description(
      'Computes every operation and whole training runs, and says how far off they are from what is expected.',
    )
    .option('--reference <dir>', 'a directory of numbers to hold it against (default: definitions in f64)')
    .option(
      '--seed <n>',
      'draws sizes and numbers where there is no --reference',
      wholeNumber(1, 0xffffffff),
      1,
    )
    .addOption(
      new Option('--engine <engine>', 'which engine').choices(['cpu', 'webgpu', 'dawn']).default('cpu'),
    )
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: VerifyFlags) => {
      const tell = progressLine();
      const report = await interruptible(({ signal }) =>
        withCleanup((cleanup) => verifyOn(flags, tell, cleanup, signal)),
      );
      tell('');
      process.stdout.write(
        flags.json === true ? `${JSON.stringify(report)}\n` : table(report, against(flags)),
      );
      exit(report.ok ? EXIT_OK : EXIT_FAILED);
    });
}

async function verifyOn(
  { engine, reference: path, seed }: VerifyFlags,
  show: (line: string) => void,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const names: string[] = [];
  const files = path === undefined ? definitions(seed) : directory(path);
  const reference = readReference({
    ...files,
    read(name) {
      names.push(name);
      return files.read(name);
    },
  });
  /** Heard before every case and step, which is where an interrupt is heeded. */
  const tell = (line: string): void => {
    signal.throwIfAborted();
    show(line);
  };
  switch (engine) {
    case 'cpu':
      return verify(reference, cpuHost, tell);
    case 'dawn': {
      const [{ openDawn }, { shaderFromDisk }, { gpuHost }] = await Promise.all([
        import('./dawn.ts'),
        import('./shader-files.ts'),
        import('./verify/gpu-host.ts'),
      ]);
      return verify(reference, await gpuHost('dawn', await openDawn(), shaderFromDisk), tell);
    }
    case 'webgpu': {
      const { verifyInBrowser } = await import('./verify/browser.ts');
      return verifyInBrowser(files, [...new Set(names)], tell, cleanup, signal);
    }
  }
}

function directory(reference: string): ReferenceFiles {
  const path = (name: string): string => join(reference, name);
  return {
    path,
    read(name) {
      try {
        return new Uint8Array(readFileSync(path(name)));
      } catch (error) {
        throw new UsageError(
          `${path(name)}: expected a file that can be read: ${oneLine(error)}. Without --reference no files are needed.`,
        );
      }
    },
  };
}

function definitions(seed: number): ReferenceFiles {
  const files = makeReference(seed);
  const path = (name: string): string => `the definitions, seed ${seed}: ${name}`;
  return {
    path,
    read(name) {
      const bytes = files.get(name);
      if (bytes === undefined) throw new UsageError(`${path(name)}: there is no such file.`);
      return bytes;
    },
  };
}

/** One line that is written over, where a person looks on. */
function progressLine(): (line: string) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  return (line) => stderr.write(`\r\u001b[K${line}\r`);
}

/** What it was held against, in words. */
const against = ({ reference, seed }: VerifyFlags): string => reference ?? `definitions in f64, seed ${seed}`;

function table({ engine, adapter, cases, runs, ok }: VerifyReport, expected: string): string {
  const mark = (right: boolean): string => (right ? 'ok ' : 'OFF');
  const width = Math.max(0, ...cases.map(({ name }) => name.length));
  const lines = [
    `${engine}: ${adapter}`,
    `against ${expected}`,
    '',
    ...cases.map(
      ({ name, maxError, tolerance, ok: right }) =>
        `${mark(right)}  ${name.padEnd(width)}  error ${maxError.toExponential(1)} of at most ${tolerance.toExponential(1)}`,
    ),
    '',
    ...runs.map(
      ({ name, steps, maxRelativeLossError, maxFinalWeightError, ok: right }) =>
        `${mark(right)}  ${name}, ${steps} steps: loss within ${maxRelativeLossError.toExponential(1)}, ` +
        `final weights within ${maxFinalWeightError.toExponential(1)}`,
    ),
    "A GPT's key biases are left out of its final weights: their gradient is zero in exact arithmetic.",
    ok ? 'All is right.' : 'Something is off.',
  ];
  return `${lines.join('\n')}\n`;
}

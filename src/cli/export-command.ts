// `rankfall export`: the way out of the browser, a directory in which PyTorch goes on with the run.

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { LoaderError } from '../ports/loader.ts';
import { readStateFile } from '../live/state-reader.ts';
import { EXIT_OK, oneLine, UsageError } from './errors.ts';
import { pytorchFiles } from './export/pytorch.ts';
import { writeBytes } from './sim/files.ts';
import { named, readCheckpointFile } from './state-files.ts';

interface ExportFlags {
  readonly to: string;
  readonly text?: string;
}

const HELP = `
What happens:
  The checkpoint is verified. The directory then gets
    train.py               a small program that goes on with the job; needs PyTorch 1.13 or newer
    job.json               the job, as in the room
    model.safetensors      weights, under PyTorch's names (a GPT under nanoGPT's)
    optimizer.safetensors  the optimizer's moments
    data.safetensors       the training data, in the order of its rows
  Steps take the same rows in the same order as in the browser, so the loss goes on where it stood.

To go on:
  cd DIR && python3 train.py
  cd DIR && torchrun --nproc_per_node=4 train.py

Exit status:
  0  written
  2  the checkpoint is damaged, or the directory is not empty: the reason is named

Example:
  rankfall export digits-step-200.safetensors --to digits
`;

export function exportCommand(exit: (status: number) => void): Command {
  return new Command('export')
    .summary('write a directory that goes on in PyTorch')
    .description(
      'Writes weights, optimizer state, data and a program that goes on with the job under torchrun.',
    )
    .argument('<file>', 'a checkpoint: a .safetensors file, downloaded from the lab')
    .requiredOption('--to <dir>', 'directory to write, new or empty')
    .option('--text <file>', 'the text that the job learns, where it is your own')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (path: string, { to, text }: ExportFlags) => {
      const { job, state } = named(path, () => readStateFile(readCheckpointFile(path)));
      const files = await dataOr(pytorchFiles(job, state, text));
      makeEmpty(to);
      for (const [name, contents] of files)
        writeBytes(join(to, name), typeof contents === 'string' ? Buffer.from(contents) : contents);
      process.stdout.write(
        `${to}: step ${state.step} of ${job.steps} of ${job.name}, for PyTorch. Go on with\n` +
          `  cd ${to} && torchrun --nproc_per_node=2 train.py\n`,
      );
      exit(EXIT_OK);
    });
}

async function dataOr<T>(files: Promise<T>): Promise<T> {
  try {
    return await files;
  } catch (error) {
    if (error instanceof LoaderError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function makeEmpty(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    if (readdirSync(directory).length === 0) return;
  } catch (error) {
    throw new UsageError(`${directory} cannot be written: ${oneLine(error)}`);
  }
  throw new UsageError(`${directory} is not empty: name a new directory, so that nothing is overwritten.`);
}

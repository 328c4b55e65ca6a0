// `rankfall inspect`: what a safetensors file holds, and whether a checkpoint among them is what it says.

import { Command } from 'commander';
import { decodeSafetensors, type TensorFile } from '../checkpoint/safetensors.ts';
import { readStateFile, type StateFile } from '../live/state-reader.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from './errors.ts';
import { printable } from './printable.ts';
import { named, readCheckpointFile } from './state-files.ts';

const HELP = `
What happens:
  The file is read by the rules of the safetensors format. If it is a checkpoint of Rankfall, its job, its tensors and the
  hash of its state are verified, and it says where the run stands. Any other safetensors file is listed.

  With --of, the job of another checkpoint is held against it: a room takes up only checkpoints of its own job.

Exit status:
  0  the file is whole, and of the job of --of
  1  it is whole, and of another job
  2  it cannot be read, is no safetensors file, or is a checkpoint that is damaged: the reason is named

Example:
  rankfall inspect digits-step-200.safetensors --json
  rankfall inspect found.safetensors --of digits-step-200.safetensors
`;

interface TensorLine {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export function inspectCommand(exit: (status: number) => void): Command {
  return new Command('inspect')
    .summary('say what a checkpoint file holds')
    .description('Verifies a checkpoint or any other safetensors file, and says what it holds.')
    .argument('<file>', 'a .safetensors file')
    .option('--of <file>', 'another checkpoint, whose job it should have')
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action((path: string, { json, of }: { readonly json?: true; readonly of?: string }) => {
      const bytes = readCheckpointFile(path);
      const file = named(path, () => decodeSafetensors(bytes));
      const state = file.metadata.has('rankfall.format')
        ? named(path, () => readStateFile(bytes))
        : undefined;
      const other = of === undefined ? undefined : { path: of, state: stateIn(of) };
      if (other !== undefined && state === undefined)
        throw new UsageError(
          `${path} is no checkpoint of Rankfall, and has no job to hold against ${other.path}.`,
        );
      const isOfJob = other === undefined ? undefined : state?.jobHash === other.state.jobHash;
      const report = {
        file: path,
        bytes: bytes.length,
        ...aboutState(state),
        ...(other === undefined ? {} : { of: other.path, ofJobHash: other.state.jobHash, sameJob: isOfJob }),
        ...listing(file, state),
      };
      process.stdout.write(
        json === true ? `${JSON.stringify(report)}\n` : text(path, bytes.length, file, state, other),
      );
      exit(isOfJob === false ? EXIT_FAILED : EXIT_OK);
    });
}

/** A checkpoint that another is held against. */
interface Other {
  readonly path: string;
  readonly state: StateFile;
}

const stateIn = (path: string): StateFile => {
  const bytes = readCheckpointFile(path);
  return named(path, () => readStateFile(bytes));
};

function aboutState(state: StateFile | undefined) {
  if (state === undefined) return { format: 'safetensors' as const, verified: false };
  const { job, jobHash, stateHash, progress, notes } = state;
  return {
    format: 'rankfall' as const,
    verified: true,
    step: state.state.step,
    steps: job.steps,
    epoch: progress?.epoch,
    job,
    jobHash,
    stateHash,
    generation: progress?.generation,
    sampler: progress?.sampler,
    random: progress?.random,
    ledger: progress?.ledger,
    provenance: notes['provenance'],
    loss: lossesOf(state).at(-1),
    metrics: notes['metrics'],
    evaluations: notes['evaluations'],
  };
}

const listing = ({ tensors, metadata }: TensorFile, state: StateFile | undefined) => ({
  tensors: [...tensors].map(([name, { dtype, shape, data }]): TensorLine => ({
    name,
    dtype,
    shape,
    bytes: data.byteLength,
  })),
  metadata: state === undefined ? Object.fromEntries(metadata) : undefined,
});

/** The loss of each step that the notes tell of. */
function lossesOf({ notes }: StateFile): readonly number[] {
  const { metrics } = notes;
  if (typeof metrics !== 'object' || metrics === null || !('loss' in metrics)) return [];
  return Array.isArray(metrics.loss)
    ? metrics.loss.filter((loss): loss is number => typeof loss === 'number')
    : [];
}

function text(
  path: string,
  bytes: number,
  { tensors, metadata }: TensorFile,
  state: StateFile | undefined,
  other: Other | undefined,
): string {
  const lines: string[] = [];
  const say = (label: string, value: string): void => void lines.push(`${label.padEnd(12)}${value}`);
  if (state === undefined) {
    lines.push(`${path}: a safetensors file, ${bytes} bytes, no checkpoint of Rankfall`);
    for (const [key, value] of metadata) say(key, value.length > 100 ? `${value.slice(0, 100)}…` : value);
  } else {
    const { job, jobHash, stateHash, progress } = state;
    const loss = lossesOf(state).at(-1);
    lines.push(`${path}: a checkpoint of Rankfall, ${bytes} bytes, verified`);
    say('step', `${state.state.step} of ${job.steps}${progress ? `, epoch ${progress.epoch}` : ''}`);
    say('job', `${job.name}: ${job.model.kind} on ${job.data.kind} with ${job.optimizer.kind}`);
    const leftOut = state.state.quarantine.length;
    if (leftOut > 0) say('left out', `${leftOut} rows, as bad samples`);
    say('job hash', jobHash);
    if (other !== undefined) {
      const { job: theirs, jobHash: expected } = other.state;
      say(
        'of the job',
        expected === jobHash
          ? `yes, that of ${other.path}`
          : `no: of another job. ${other.path} is of ${theirs.name}, ${expected}`,
      );
    }
    say('state hash', stateHash);
    if (loss !== undefined) say('loss', loss.toFixed(4));
    if (progress !== undefined) {
      const { generation, sampler, ledger } = progress;
      const ms = Object.values(ledger).reduce((sum, spent) => sum + spent, 0);
      say('generation', `${generation.number} of incarnation ${generation.incarnation}`);
      say('sampler', `row ${sampler.row} of ${sampler.rows} in epoch ${progress.epoch}, seed ${job.seed}`);
      say(
        'ledger',
        `${(ms / 1000).toFixed(1)} s of ranks' time, ${percent(ledger.compute, ms)} of it computing`,
      );
    }
  }
  lines.push('', `${tensors.size} tensors:`);
  for (const [name, { dtype, shape }] of tensors) lines.push(`  ${name}  ${dtype}[${shape.join(', ')}]`);
  return `${lines.map(printable).join('\n')}\n`;
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '0%' : `${Math.round((100 * part) / whole)}%`;

// A checkpoint as a directory that PyTorch goes on from: weights, optimizer, data, job, and the program (train.py).

import { readFileSync } from 'node:fs';
import { encodeSafetensors, type Tensor } from '../../checkpoint/safetensors.ts';
import { parameterTensors } from '../../engine/graph/parameters.ts';
import { createToys } from '../../engine/data/toys.ts';
import type { Job } from '../../job/job.ts';
import type { TrainingState } from '../../ports/engine.ts';
import { inputLength, type Loader } from '../../ports/loader.ts';
import { readCorpus, readDigits } from '../job-data.ts';

export type ExportedFiles = ReadonlyMap<string, string | Uint8Array>;

/** `text`: the file of the job's own text, if it learns one. Rejects with a `UsageError` or a `LoaderError`. */
export async function pytorchFiles(
  job: Job,
  state: TrainingState,
  text: string | undefined,
): Promise<ExportedFiles> {
  // The convention of PyTorch's loaders for whose tensors these are.
  const metadata = new Map([
    ['format', 'pt'],
    ['step', String(state.step)],
  ]);
  return new Map<string, string | Uint8Array>([
    ['train.py', readFileSync(new URL('./train.py', import.meta.url), 'utf8')],
    ['job.json', `${JSON.stringify(job, null, 2)}\n`],
    ['model.safetensors', encodeSafetensors(tensorsOf(job, '', state.parameters), metadata)],
    ['optimizer.safetensors', encodeSafetensors(optimizerTensors(job, state), metadata)],
    [
      'data.safetensors',
      encodeSafetensors(new Map([...(await trainingData(job, text)), ...leftOut(state)]), new Map()),
    ],
  ]);
}

/** Rows that the room has found to be bad. No tensor where there are none. */
const leftOut = ({ quarantine }: TrainingState): ReadonlyMap<string, Tensor> =>
  new Map(quarantine.length === 0 ? [] : [['left_out', tensor('I32', [quarantine.length], quarantine)]]);

/** PyTorch's names: torch.optim.AdamW's moments, torch.optim.SGD's momentum. */
function optimizerTensors(job: Job, state: TrainingState): ReadonlyMap<string, Tensor> {
  switch (job.optimizer.kind) {
    case 'adamw':
      return new Map([
        ...tensorsOf(job, 'exp_avg.', state.firstMoments),
        ...tensorsOf(job, 'exp_avg_sq.', state.secondMoments),
      ]);
    case 'sgd':
      return tensorsOf(job, 'momentum_buffer.', state.firstMoments);
  }
}

const tensorsOf = (
  job: Job,
  prefix: string,
  values: Float32Array<ArrayBuffer>,
): ReadonlyMap<string, Tensor> =>
  new Map(
    parameterTensors(job.model).map(({ name, shape, offset, length }) => [
      prefix + name,
      {
        dtype: 'F32',
        shape,
        data: new Uint8Array(values.buffer, values.byteOffset + 4 * offset, 4 * length),
      },
    ]),
  );

/** The training split, in the order of its rows. */
async function trainingData(job: Job, textFile: string | undefined): Promise<ReadonlyMap<string, Tensor>> {
  switch (job.data.kind) {
    case 'text': {
      const { tokens } = readCorpus(job.data.corpus, textFile);
      // The rest is held out (engine/data/text.ts).
      const training = Int32Array.from(tokens.subarray(0, Math.floor(tokens.length * 0.9)));
      return new Map([['tokens', tensor('I32', [training.length], training)]]);
    }
    case 'digits': {
      const { inputs, labels, width } = await wholeSplit(readDigits());
      // Grey levels are bytes: a quarter of the room that floats take, and divided by 255 when they are used.
      const bytes = Uint8Array.from(inputs, (level) => Math.round(level * 255));
      return new Map([
        ['labels', tensor('I32', [labels.length], labels)],
        ['inputs', tensor('U8', [labels.length, width], bytes)],
      ]);
    }
    case 'toy': {
      const { inputs, labels, width } = await wholeSplit(createToys(job.data, job.seed));
      return new Map([
        ['inputs', tensor('F32', [labels.length, width], Float32Array.from(inputs))],
        ['labels', tensor('I32', [labels.length], labels)],
      ]);
    }
  }
}

async function wholeSplit(loader: Loader) {
  const rows = Int32Array.from({ length: loader.sizes.train }, (_, row) => row);
  return { ...(await loader.load('train', rows)), width: inputLength(loader.format) };
}

const tensor = (
  dtype: 'U8' | 'I32' | 'F32',
  shape: readonly number[],
  {
    buffer,
    byteOffset,
    byteLength,
  }: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
): Tensor => ({ dtype, shape, data: new Uint8Array(buffer, byteOffset, byteLength) });

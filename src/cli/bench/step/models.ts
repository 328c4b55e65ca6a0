// The models that `rankfall bench step` trains: by name, or a name with sizes changed, as "gpt-0.81m:layers=2,batch=4".

import { DEFAULT_JOB, JobError, parseJob, type Job } from '../../../job/job.ts';
import { UsageError } from '../../errors.ts';

interface Sizes {
  readonly batch: number;
}
interface GptSizes extends Sizes {
  readonly vocabulary: number;
  readonly context: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}
interface MlpSizes extends Sizes {
  readonly inputs: number;
  readonly hidden: number;
  readonly layers: number;
  readonly classes: number;
}
interface CnnSizes extends Sizes {
  readonly image: number;
  readonly channels: number;
  readonly classes: number;
}

export type BenchModel = keyof typeof MODELS;

const gpt = ({ vocabulary, context, width, heads, layers }: GptSizes): Job['model'] => ({
  kind: 'gpt',
  vocabulary,
  context,
  width,
  heads,
  layers,
});

const mlp = ({ inputs, hidden, layers, classes }: MlpSizes): Job['model'] => ({
  kind: 'mlp',
  layers: [inputs, ...Array.from({ length: layers }, () => hidden), classes],
  activation: 'relu',
});

const cnn = ({ image, channels, classes }: CnnSizes): Job['model'] => ({
  kind: 'cnn',
  image: [1, image, image],
  layers: [
    { kind: 'conv2d', channels, kernel: 3, stride: 1, padding: 1 },
    { kind: 'activation', function: 'relu' },
    { kind: 'max_pool2d', kernel: 2, stride: 2 },
    { kind: 'conv2d', channels: 2 * channels, kernel: 3, stride: 1, padding: 1 },
    { kind: 'activation', function: 'relu' },
    { kind: 'max_pool2d', kernel: 2, stride: 2 },
    { kind: 'flatten' },
    { kind: 'linear', units: classes },
  ],
});

const model = <S extends Sizes>(about: string, sizes: S, build: (sizes: S) => Job['model']) => ({
  about,
  sizes: sizes as unknown as Readonly<Record<string, number>>,
  build: (chosen: Readonly<Record<string, number>>) => build(chosen as unknown as S),
});

/** Sizes of the two GPTs are those of nanoGPT's character models, which the design gives PyTorch's figures for. */
export const MODELS = {
  digits: model(
    'the job of a first visit, an MLP of 109k parameters',
    { batch: 64, inputs: 784, hidden: 128, layers: 2, classes: 10 },
    mlp,
  ),
  cnn: model('a small CNN on images of 28 × 28', { batch: 64, image: 28, channels: 8, classes: 10 }, cnn),
  gpt: model(
    'a GPT that a software adapter can train, of 0.1M parameters',
    { batch: 8, vocabulary: 65, context: 32, width: 64, heads: 4, layers: 2 },
    gpt,
  ),
  'gpt-0.81m': model(
    'a GPT of 0.81M parameters',
    { batch: 16, vocabulary: 65, context: 64, width: 128, heads: 4, layers: 4 },
    gpt,
  ),
  'gpt-10.77m': model(
    'a GPT of 10.77M parameters',
    { batch: 64, vocabulary: 65, context: 256, width: 384, heads: 6, layers: 6 },
    gpt,
  ),
} as const;

/** The job of a model text. Throws a `UsageError` that says what a model looks like. */
export function benchJob(text: string): Job {
  const [name = '', changes] = text.split(':', 2);
  if (!Object.hasOwn(MODELS, name)) {
    throw new UsageError(`--model: expected one of ${Object.keys(MODELS).join(', ')}; found "${name}".`);
  }
  const { sizes, build } = MODELS[name as BenchModel];
  const chosen: Record<string, number> = { ...sizes };
  for (const change of changes === undefined ? [] : changes.split(',')) {
    const [, key = '', value = ''] = /^([a-z]+)=(\d{1,6})$/u.exec(change) ?? [];
    if (!Object.hasOwn(sizes, key)) {
      const expected = Object.keys(sizes).join(', ');
      throw new UsageError(`--model: expected changes such as "layers=2" of ${expected}; found "${change}".`);
    }
    chosen[key] = Number(value);
  }
  try {
    return parseJob({
      ...DEFAULT_JOB,
      model: build(chosen),
      globalBatch: chosen['batch'],
      // One rank alone: nothing to share out.
      microBatches: 1,
    });
  } catch (error) {
    if (error instanceof JobError) throw new UsageError(`--model ${text}: ${error.message}`);
    throw error;
  }
}

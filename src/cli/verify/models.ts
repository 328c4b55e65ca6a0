// From a reference's description of a training run to a job.

import { modelGraph } from '../../engine/graph/model-graph.ts';
import { ShapeError } from '../../engine/layers/layer.ts';
import { DEFAULT_JOB, JobError, parseJob, type Job } from '../../job/job.ts';
import type { Model } from '../../job/model-schema.ts';
import type { Optimizer } from '../../job/optimizer-schema.ts';
import type { ManifestOptimizer, ManifestRun } from './manifest.ts';
import { malformed, type Tensors } from './tensors.ts';

type CnnModel = Extract<Model, { readonly kind: 'cnn' }>;
type DescriptionOf<Kind extends ManifestRun['model']['kind']> = Extract<
  ManifestRun['model'],
  { readonly kind: Kind }
>;

/** Micro-batches of a run, at most: several, so that the sum in fixed point is put to use. */
const MICRO_BATCHES = 8;

const plainOptimizer = (description: ManifestOptimizer): Optimizer => {
  const { lr: learningRate, weight_decay: weightDecay } = description;
  switch (description.kind) {
    case 'adamw': {
      const [beta1, beta2] = description.betas;
      return { kind: 'adamw', learningRate, beta1, beta2, epsilon: description.eps, weightDecay };
    }
    case 'sgd':
    case 'sgd_momentum':
      return { kind: 'sgd', learningRate, momentum: description.momentum, weightDecay };
  }
};

/** Throws a `UsageError` when the optimizer's numbers are out of range. */
export const optimizerOf = (path: string, name: string, description: ManifestOptimizer): Optimizer =>
  validJob(path, name, { ...DEFAULT_JOB, optimizer: plainOptimizer(description) }).optimizer;

/** The job of a run, whose batches have so many samples. Throws a `UsageError`. */
export function jobOfRun(run: ManifestRun, tensors: Tensors, manifestPath: string, globalBatch: number): Job {
  const microBatches = Array.from({ length: MICRO_BATCHES }, (_, i) => MICRO_BATCHES - i).find(
    (count) => globalBatch % count === 0,
  );
  const job = validJob(manifestPath, run.name, {
    ...DEFAULT_JOB,
    model: modelOf(run, tensors),
    optimizer: plainOptimizer(run.optimizer),
    clipNorm: run.clip_grad_norm,
    globalBatch,
    microBatches,
    steps: run.steps,
  });
  try {
    modelGraph(job.model);
  } catch (error) {
    if (error instanceof ShapeError)
      malformed(manifestPath, `the model of run "${run.name}" cannot be built. ${error.message}`);
    throw error;
  }
  return job;
}

function validJob(path: string, name: string, job: unknown): Job {
  try {
    return parseJob(job);
  } catch (error) {
    if (error instanceof JobError) return malformed(path, `"${name}" is out of range. ${error.message}`);
    throw error;
  }
}

function modelOf({ name, model }: ManifestRun, tensors: Tensors): Model {
  switch (model.kind) {
    case 'mlp':
      return { kind: 'mlp', layers: model.dims, activation: model.activation };
    case 'cnn':
      return cnnOf(name, model, tensors);
    case 'gpt':
      return {
        kind: 'gpt',
        vocabulary: model.vocab_size,
        context: model.context,
        width: model.width,
        heads: model.heads,
        layers: model.layers,
      };
  }
}

/**
 * A sequential model numbers all its layers, and only those with weights have tensors: the gaps tell the others. Between two of them
 * lie, in this order and as many as fit: an activation, a pooling of 2 by 2, and, before the first linear layer, the flattening. A
 * convolution keeps the image's size.
 */
function cnnOf(name: string, model: DescriptionOf<'cnn'>, tensors: Tensors): CnnModel {
  const weights = tensors
    .names('init/')
    .flatMap((tensor) => /^init\/(\d{1,3})\.weight$/u.exec(tensor)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const layers: CnnModel['layers'][number][] = [];
  let flat = false;
  for (const number of weights) {
    const { shape } = tensors.floats(`init/${number}.weight`);
    const [units = 0, , kernel = 0] = shape;
    const convolution = shape.length === 4;
    const gap = number - layers.length;
    const flattens = !convolution && !flat;
    const fillers = gap - (flattens ? 1 : 0);
    if (gap < 0 || fillers < 0 || fillers > 2 || (convolution && flat) || (flat && fillers > 1)) {
      malformed(
        tensors.path,
        `run "${name}": expected layer ${number} after at most an activation, a pooling and a flattening, found ${gap} layers before it.`,
      );
    }
    if (fillers >= 1) layers.push({ kind: 'activation', function: model.activation });
    if (fillers === 2)
      layers.push({ kind: model.pool === 'max' ? 'max_pool2d' : 'avg_pool2d', kernel: 2, stride: 2 });
    if (flattens) layers.push({ kind: 'flatten' });
    flat ||= !convolution;
    if (convolution) {
      layers.push({
        kind: 'conv2d',
        channels: units,
        kernel,
        stride: 1,
        padding: Math.floor((kernel - 1) / 2),
      });
    } else layers.push({ kind: 'linear', units });
  }
  const found = layers.flatMap((layer) => (layer.kind === 'conv2d' ? [layer.channels] : []));
  const [channels = 1, ...expected] = model.channels;
  if (found.join() !== expected.join()) {
    malformed(
      tensors.path,
      `run "${name}": expected convolutions to ${expected.join(', ')} channels, as the manifest has it, found ${found.join(', ')}.`,
    );
  }
  const last = layers.at(-1);
  if (last?.kind !== 'linear' || last.units !== model.classes) {
    malformed(
      tensors.path,
      `run "${name}": expected a linear layer to ${model.classes} classes at the end, found none.`,
    );
  }
  return { kind: 'cnn', image: [channels, model.image, model.image], layers };
}

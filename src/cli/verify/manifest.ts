// The manifest of a reference: which cases and runs there are. Everything in it is checked before anything is computed.

import * as v from 'valibot';
import { malformed } from './tensors.ts';

const text = v.pipe(v.string(), v.maxLength(200));
/** A file beside the manifest. */
const fileName = v.pipe(
  v.string(),
  v.regex(/^[\w-][\w.-]{0,99}$/u, 'expected the name of a file beside the manifest'),
);
const number = v.pipe(v.number(), v.finite());
const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));
const steps = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));
const activation = v.picklist(['relu', 'gelu', 'gelu_tanh', 'silu', 'tanh']);

const OptimizerSchema = v.variant('kind', [
  v.object({
    kind: v.literal('adamw'),
    lr: number,
    betas: v.tuple([number, number]),
    eps: number,
    weight_decay: number,
  }),
  v.object({
    kind: v.picklist(['sgd_momentum', 'sgd']),
    lr: number,
    momentum: v.optional(number, 0),
    weight_decay: v.optional(number, 0),
  }),
]);

const none = v.optional(v.object({}), {});
const plain = <Op extends string>(op: Op) => v.object({ name: text, op: v.literal(op), attrs: none });

const CaseSchema = v.variant('op', [
  v.object({
    name: text,
    op: v.literal('matmul'),
    attrs: v.object({ transA: v.boolean(), transB: v.boolean() }),
  }),
  plain('linear'),
  plain('cross_entropy'),
  v.object({
    name: text,
    op: v.literal('layer_norm'),
    attrs: v.object({ eps: v.pipe(number, v.minValue(0)) }),
  }),
  plain('softmax'),
  plain('relu'),
  plain('gelu'),
  plain('gelu_tanh'),
  plain('silu'),
  plain('tanh'),
  plain('embedding'),
  plain('causal_attention'),
  v.object({
    name: text,
    op: v.literal('conv2d'),
    attrs: v.object({ stride: size, padding: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  }),
  v.object({ name: text, op: v.literal('max_pool2d'), attrs: v.object({ kernel: size, stride: size }) }),
  v.object({ name: text, op: v.literal('avg_pool2d'), attrs: v.object({ kernel: size, stride: size }) }),
  v.object({ name: text, op: v.literal('optimizer'), attrs: OptimizerSchema }),
  v.object({ name: text, op: v.literal('clip_grad_norm'), attrs: v.object({ max_norm: number }) }),
]);

const ModelSchema = v.variant('kind', [
  v.object({ kind: v.literal('mlp'), dims: v.pipe(v.array(size), v.minLength(2)), activation }),
  v.object({
    kind: v.literal('cnn'),
    /** Of the image, then of each convolution. */
    channels: v.pipe(v.array(size), v.minLength(2)),
    image: size,
    classes: size,
    activation: v.optional(activation, 'relu'),
    pool: v.optional(v.picklist(['max', 'avg']), 'max'),
  }),
  v.object({
    kind: v.literal('gpt'),
    vocab_size: size,
    context: size,
    width: size,
    heads: size,
    layers: size,
    tied_head: v.optional(v.literal(true), true),
    activation: v.optional(v.literal('gelu_tanh'), 'gelu_tanh'),
    naming: v.optional(v.literal('nanoGPT'), 'nanoGPT'),
  }),
]);

const RunSchema = v.object({
  name: text,
  file: fileName,
  optimizer: OptimizerSchema,
  clip_grad_norm: v.optional(v.nullable(number), null),
  steps,
  model: ModelSchema,
});

const ManifestSchema = v.pipe(
  v.object({
    ops_file: fileName,
    cases: v.array(CaseSchema),
    runs: v.array(RunSchema),
  }),
  v.check(({ cases, runs }) => cases.length + runs.length > 0, 'a case or a run'),
);

export type Manifest = Readonly<v.InferOutput<typeof ManifestSchema>>;
export type ManifestCase = Manifest['cases'][number];
export type ManifestRun = Manifest['runs'][number];
export type ManifestOptimizer = Readonly<v.InferOutput<typeof OptimizerSchema>>;

/** Throws a `UsageError` that names the file, the place in it, and what was expected and found. */
export function parseManifest(path: string, json: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return malformed(path, `expected JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const result = v.safeParse(ManifestSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const place = issue.path?.map((item) => String(item.key)).join('.') ?? 'the whole';
  return malformed(
    path,
    `at ${place}: expected ${issue.expected ?? issue.message}, found ${issue.type === 'check' ? 'none' : issue.received}.`,
  );
}

// The job: what is trained, as an immutable, validated value. Equal jobs have equal hashes on every machine.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import type { JobHash } from '../ports/ids.ts';
import { DataSchema } from './data-schema.ts';
import { KernelsSchema } from './kernels-schema.ts';
import { ModelSchema } from './model-schema.ts';
import { ClipNormSchema, OptimizerSchema, ScheduleSchema } from './optimizer-schema.ts';
import { RecoverySchema } from './recovery-schema.ts';
import { I32, WireSchema } from './wire-schema.ts';

const positiveInteger = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const milliseconds = v.pipe(v.number(), v.minValue(10), v.maxValue(3_600_000));

/** A room that gave up on something before it could have been noticed would never get anywhere. */
const TIMEOUT_ORDER = ['heartbeatMs', 'suspicionMs', 'collectiveMs', 'regroupMs', 'joinMs'] as const;

const PoliciesSchema = v.pipe(
  v.strictObject({
    /** Whether a minority may go on; `available` founds a new incarnation by itself. */
    quorum: v.picklist(['majority', 'available']),
    /** Steps between checkpoints; the last step is always saved. */
    checkpointEvery: positiveInteger(1_000_000),
    /** When else they are taken, besides on demand. */
    checkpointWhen: v.optional(
      v.strictObject({
        /** After each pass over the training split. */
        epochEnds: v.optional(v.boolean()),
        /** After so many seconds without one. */
        seconds: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(86_400))),
        /** Before the tab is hidden: a phone may never show it again. */
        tabHides: v.optional(v.boolean()),
        /** At √(2 · MTBF · cost), of measured costs and the failures seen; the mean time between failures that is assumed before. */
        automatic: v.optional(
          v.strictObject({ mtbfSeconds: v.pipe(v.number(), v.minValue(1), v.maxValue(31_536_000)) }),
        ),
      }),
    ),
    /** The newest so many are kept in each browser profile, and those that are pinned. */
    checkpointsKept: positiveInteger(1000),
    /** Those whose step is a multiple of this are kept as well. */
    checkpointsKeptEvery: v.optional(positiveInteger(10_000_000)),
    /** What is done about work that fails, where it is not the default. */
    recovery: v.optional(RecoverySchema),
    heartbeatMs: milliseconds,
    /** Silence after which a peer is suspected. */
    suspicionMs: milliseconds,
    /** Time without progress of a collective after which the missing peer is suspected. */
    collectiveMs: milliseconds,
    /** Time after which an unfinished regroup is started anew. */
    regroupMs: milliseconds,
    /** Time a newcomer waits for an answer before it asks again. */
    joinMs: milliseconds,
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value } = dataset;
    TIMEOUT_ORDER.forEach((shorter, i) => {
      const longer = TIMEOUT_ORDER[i + 1];
      if (longer === undefined || value[shorter] < value[longer]) return;
      addIssue({
        message: `${shorter} < ${longer} does not hold: ${value[shorter]} and ${value[longer]}. Each of ${TIMEOUT_ORDER.join(' < ')} must be longer than the one before it`,
      });
    });
  }),
);

export const JobSchema = v.pipe(
  v.strictObject({
    format: v.literal(1),
    /** The name under which its checkpoints are kept. */
    name: v.pipe(v.string(), v.regex(/^[\w .-]{1,64}$/u)),
    model: ModelSchema,
    data: DataSchema,
    optimizer: OptimizerSchema,
    schedule: ScheduleSchema,
    clipNorm: ClipNormSchema,
    /** Samples in one step, over all ranks. */
    globalBatch: positiveInteger(65_536),
    /** Equal parts of the global batch that ranks share out; at most 64, so that fixed point keeps 25 bits. */
    microBatches: positiveInteger(64),
    /** Steps in the whole run. */
    steps: positiveInteger(10_000_000),
    seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff)),
    kernels: KernelsSchema,
    wire: WireSchema,
    /** Whether gradients are exchanged bucket by bucket while the rest is computed; else all at once at the end. */
    overlap: v.boolean(),
    policies: PoliciesSchema,
  }),
  v.check(
    (job) => job.globalBatch % job.microBatches === 0,
    'globalBatch must be a multiple of microBatches',
  ),
);

export type Job = Readonly<v.InferOutput<typeof JobSchema>>;

export class JobError extends Error {
  override readonly name = 'JobError';
}

/** The job that a first visit trains: 784-128-64-10 on handwritten digits. */
export const DEFAULT_JOB: Job = {
  format: 1,
  name: 'digits',
  model: { kind: 'mlp', layers: [784, 128, 64, 10], activation: 'relu' },
  data: { kind: 'digits' },
  optimizer: {
    kind: 'adamw',
    learningRate: 0.004,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
  },
  schedule: { kind: 'constant' },
  clipNorm: null,
  globalBatch: 64,
  microBatches: 8,
  steps: 400,
  seed: 1,
  kernels: { version: 1, matmul: {} },
  wire: I32,
  overlap: true,
  policies: {
    quorum: 'majority',
    checkpointEvery: 20,
    checkpointsKept: 5,
    heartbeatMs: 100,
    suspicionMs: 1500,
    collectiveMs: 4000,
    regroupMs: 6000,
    joinMs: 8000,
  },
};

/** Validates a job from outside. Throws a `JobError` that names the path and what was expected. */
export function parseJob(value: unknown): Job {
  const result = v.safeParse(JobSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'job';
  throw new JobError(`The job is not valid at ${path}: ${issue.message}`);
}

/** JSON with keys in code-unit order and no blanks: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 of the canonical JSON, as hex. */
export const jobHash = (job: Job): JobHash => bytesToHex(sha256(utf8ToBytes(canonicalJson(job)))) as JobHash;

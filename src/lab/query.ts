// The options in the lab's address (`?engine=cpu&ranks=4…`). A bad value costs one line on the page and nothing else.

import * as v from 'valibot';
import { DEFAULT_JOB, JobError, parseJob } from '../job/job.ts';
import { parseChaos } from '../faults/chaos.ts';
import type { Chaos } from '../faults/chaos.ts';
import type { Job } from '../job/job.ts';
import { JOB_PRESETS, PRESET_NAMES } from '../job/presets.ts';
import { formatWire, parseWire, WireSchema } from '../job/wire-schema.ts';
import type { EngineChoice } from '../live/api.ts';
import { CheckpointPathSchema } from '../live/link.ts';
import { IceSchema, SignalSchema } from '../transport/network-settings.ts';
import type { Said } from './lab-error.ts';
import { words } from './words.ts';

/** More frames than this in one tab would only starve each other. */
export const MAX_LOCAL_RANKS = 16;

export interface LabQuery {
  readonly engine: EngineChoice;
  /** Ranks that this page opens at once. */
  readonly ranks: number;
  /** The room trains as soon as it has a member. */
  readonly autostart: boolean;
  /** A new room's job pins the kernels that are fastest on this machine's GPU. */
  readonly tune: boolean;
  /** The name under which checkpoints are kept; without one, the room's code. */
  readonly path: string | undefined;
  /** The id of a checkpoint that a new room goes on from. */
  readonly from: string | undefined;
  /** The PeerServer where the room's pages meet; undefined: the one beside this page. */
  readonly signal: string | undefined;
  /** STUN and TURN servers; undefined: none. */
  readonly ice: string | undefined;
  /** Faults that a seed draws for the ranks of this page; undefined: none. */
  readonly chaos: Chaos | undefined;
  /** What a new room trains. */
  readonly job: Job;
  /** What was wrong in the address, one sentence each. */
  readonly complaints: readonly Said[];
}

/** What an address may say: how it is read, and how a bad value is answered. */
const wholeNumber = (min: number, max: number) => ({
  schema: v.pipe(v.string(), v.regex(/^\d{1,10}$/), v.transform(Number), v.minValue(min), v.maxValue(max)),
  expected: () => words.address.wholeNumber(min, max),
});

const oneOf = <const Choice extends string>(...choices: readonly Choice[]) => ({
  schema: v.picklist(choices),
  expected: () => words.address.either(choices),
});

const OPTIONS = {
  text: {
    schema: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    expected: () => words.address.text,
  },
  job: { schema: v.picklist(PRESET_NAMES), expected: () => words.address.job },
  engine: oneOf('auto', 'webgpu', 'cpu'),
  ranks: wholeNumber(1, MAX_LOCAL_RANKS),
  autostart: oneOf('0', '1'),
  tune: oneOf('0', '1'),
  steps: wholeNumber(1, 10_000_000),
  seed: wholeNumber(0, 0xffffffff),
  wire: {
    schema: v.pipe(v.string(), v.transform(parseWire), WireSchema, v.transform(formatWire)),
    expected: () => words.address.wire,
  },
  checkpoints: {
    schema: CheckpointPathSchema,
    expected: () => words.address.checkpoints,
  },
  from: { schema: v.pipe(v.string(), v.maxLength(400)), expected: () => words.address.from },
  save: {
    schema: v.pipe(
      v.string(),
      v.check((text) => savePolicy(text) !== undefined),
    ),
    expected: () => words.address.save,
  },
  signal: { schema: SignalSchema, expected: () => words.address.signal },
  ice: { schema: IceSchema, expected: () => words.address.ice },
  chaos: {
    schema: v.pipe(
      v.string(),
      v.check((text) => text === '' || parseChaos(text) !== undefined),
    ),
    expected: () => words.address.chaos,
  },
  overlap: oneOf('0', '1'),
  name: {
    schema: v.pipe(v.string(), v.regex(/^[\w .-]{1,64}$/)),
    expected: () => words.address.name,
  },
} as const;

/** Reads `location.search`. `own` is the job on a text that a person brought, which goes before `job=`. Never throws. */
export function parseLabQuery(search: string, own?: Job): LabQuery {
  const params = new URLSearchParams(search);
  const complaints: Said[] = [];

  const read = <Output>(
    name: keyof typeof OPTIONS,
    schema: v.GenericSchema<string, Output>,
    fallback: Output,
  ): Output => {
    const text = params.get(name);
    if (text === null) return fallback;
    const result = v.safeParse(schema, text);
    if (result.success) return result.output;
    complaints.push(() =>
      words.address.wrong(
        name,
        shorten(text),
        OPTIONS[name].expected(),
        fallback === undefined || fallback === '' ? undefined : String(fallback),
      ),
    );
    return fallback;
  };

  const engine = read('engine', OPTIONS.engine.schema, 'auto');
  const ranks = read('ranks', OPTIONS.ranks.schema, 1);
  const autostart = read('autostart', OPTIONS.autostart.schema, '0') === '1';
  const tune = read('tune', OPTIONS.tune.schema, '1') === '1';
  read('text', OPTIONS.text.schema, '');
  const preset = own ?? JOB_PRESETS[read('job', OPTIONS.job.schema, 'digits')];
  const save = read('save', OPTIONS.save.schema, '');
  const wanted = {
    ...preset,
    policies: { ...preset.policies, ...savePolicy(save) },
    name: read('name', OPTIONS.name.schema, preset.name),
    steps: read('steps', OPTIONS.steps.schema, preset.steps),
    seed: read('seed', OPTIONS.seed.schema, preset.seed),
    overlap: read('overlap', OPTIONS.overlap.schema, preset.overlap ? '1' : '0') === '1',
    wire: parseWire(read('wire', OPTIONS.wire.schema, formatWire(preset.wire))) ?? preset.wire,
  };
  for (const name of new Set(params.keys())) {
    if (!(name in OPTIONS)) complaints.push(() => words.address.unknown(shorten(name)));
  }
  const path = read<string | undefined>('checkpoints', OPTIONS.checkpoints.schema, undefined);
  const from = read<string | undefined>('from', OPTIONS.from.schema, undefined);
  const signal = read<string | undefined>('signal', OPTIONS.signal.schema, undefined);
  const ice = read<string | undefined>('ice', OPTIONS.ice.schema, undefined);
  return {
    engine,
    ranks,
    autostart,
    tune,
    path,
    from,
    signal,
    ice,
    chaos: parseChaos(read('chaos', OPTIONS.chaos.schema, '')),
    job: checkedJob(wanted, complaints),
    complaints,
  };
}

/** With other policies alone, steps count for nothing: the last is saved all the same. */
const NEVER = 1_000_000;
/** An hour between failures, where `auto` does not say. */
const USUAL_MTBF_SECONDS = 3600;

/** When to save, as an address says it: `20`, `30s`, `epoch`, `hide`, `auto`, `auto:600`. Undefined where it says something else. */
export function savePolicy(text: string): Partial<Job['policies']> | undefined {
  if (text === '') return {};
  let checkpointEvery = NEVER;
  let when: NonNullable<Job['policies']['checkpointWhen']> = {};
  for (const part of text.split(',')) {
    const [, amount = '', unit] = /^(\d{1,8})(s?)$/.exec(part) ?? [];
    const automatic = /^auto(?::(\d{1,8}))?$/.exec(part);
    if (amount !== '' && Number(amount) < 1) return undefined;
    if (amount !== '' && unit === '') checkpointEvery = Number(amount);
    else if (amount !== '') when = { ...when, seconds: Number(amount) };
    else if (part === 'epoch') when = { ...when, epochEnds: true };
    else if (part === 'hide') when = { ...when, tabHides: true };
    else if (automatic !== null)
      when = { ...when, automatic: { mtbfSeconds: Number(automatic[1] ?? USUAL_MTBF_SECONDS) } };
    else return undefined;
  }
  return { checkpointEvery, ...(Object.keys(when).length > 0 && { checkpointWhen: when }) };
}

function checkedJob(wanted: Job, complaints: Said[]): Job {
  try {
    return parseJob(wanted);
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    complaints.push(() => words.address.usualJob(error.message));
    return DEFAULT_JOB;
  }
}

/** The SHA-256 of the text that an address names, if it does. */
export function textInQuery(search: string): string | undefined {
  const text = new URLSearchParams(search).get('text');
  return v.is(OPTIONS.text.schema, text) ? text : undefined;
}

/** Text from an address, short enough to show in a sentence. */
const shorten = (text: string): string => (text.length > 32 ? `${text.slice(0, 32)}…` : text);

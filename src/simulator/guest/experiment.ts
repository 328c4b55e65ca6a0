// One experiment with a user's protocol: everything that decides a run, besides the draws of its delays.

import * as v from 'valibot';
import type { Schedule } from '../../faults/schedule.ts';
import { FaultSchema, WorldFaultSchema } from '../../faults/vocabulary.ts';
import { drawFault } from '../draw-fault.ts';
import { MAX_RANKS, MAX_STEPS, whole } from '../experiment.ts';
import { isMachineFault, type MachineFault } from '../machine-faults.ts';
import { createEntropy } from '../random.ts';
import { SCHEDULERS, type SchedulerName } from '../scheduler.ts';
import type { GuestProtocol } from './shape.ts';

export type GuestFault = MachineFault | { readonly kind: 'command'; readonly command: string };

/** A fault strikes a node, in milliseconds of virtual time. */
export interface GuestStrike {
  readonly at: number;
  readonly node: number;
  readonly fault: GuestFault;
}

export interface GuestExperiment {
  /** Which protocol, and the SHA-256 of its file: a run means something with this one only. */
  readonly protocol: { readonly name: string; readonly hash: string };
  readonly seed: number;
  readonly ranks: number;
  readonly steps: number;
  readonly scheduler: SchedulerName;
  readonly plan: readonly GuestStrike[];
  /** When the faults end. */
  readonly calmAt: number;
}

const MAX_STRIKES = 1000;
const MAX_MS = 3_600_000;

const GuestFaultSchema = v.union([
  v.pipe(v.union([FaultSchema, WorldFaultSchema]), v.guard(isMachineFault)),
  v.strictObject({ kind: v.literal('command'), command: v.string() }),
]);

export const GuestExperimentSchema = v.strictObject({
  protocol: v.strictObject({
    name: v.string(),
    hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256 in hex')),
  }),
  seed: whole(0, 0xffffffff),
  ranks: whole(1, MAX_RANKS),
  steps: whole(1, MAX_STEPS),
  scheduler: v.picklist(SCHEDULERS),
  plan: v.pipe(
    v.array(
      v.strictObject({
        at: v.pipe(v.number(), v.minValue(0)),
        node: whole(0, MAX_RANKS - 1),
        fault: GuestFaultSchema,
      }),
    ),
    v.maxLength(MAX_STRIKES),
  ),
  calmAt: whole(0, MAX_MS),
});

/** What a person may fix; the seed decides the rest. */
export interface GuestOptions {
  readonly ranks?: number | undefined;
  readonly steps?: number | undefined;
  readonly scheduler?: SchedulerName | undefined;
}

/** The swarm: each seed draws which faults exist at all, how often they strike, and whom. */
export function drawGuestExperiment(
  seed: number,
  protocol: GuestProtocol,
  hash: string,
  options: GuestOptions = {},
): GuestExperiment {
  const entropy = createEntropy(seed ^ 0x5eed);
  const draw = (site: string, low: number, high: number): number =>
    entropy.between('workload', site, low, high);
  const ranks = options.ranks ?? protocol.ranks;
  const isThere = (kind: string): boolean => entropy.chance('workload', `has ${kind}`, 0.4);
  const makers = [
    ...protocol.faults
      .filter((kind) => (kind !== 'open' || protocol.joins > 0) && isThere(kind))
      .map((kind) => (): GuestFault => drawFault(kind, entropy, ranks)),
    ...protocol.commands.filter(isThere).map((command) => (): GuestFault => ({ kind: 'command', command })),
  ];
  const plan: GuestStrike[] = [];
  let at = draw('first strike', 0, 1000);
  const gap = entropy.pick('workload', 'gap', [300, 50, 1500, 4000]);
  const strikes = makers.length === 0 ? 0 : draw('strikes', 1, 10);
  for (let i = 0; i < strikes; i++) {
    const make = entropy.pick('workload', 'kind', makers);
    plan.push({ at, node: draw('node', 0, ranks + protocol.joins - 1), fault: make() });
    at += draw('gap', 1, gap);
  }
  return {
    protocol: { name: protocol.name, hash },
    seed,
    ranks,
    steps: options.steps ?? protocol.steps,
    scheduler: options.scheduler ?? 'random',
    plan,
    calmAt: at + draw('calm', 0, 5000),
  };
}

/** A fault schedule against a user's protocol, in which ranks are nodes; or a sentence that says what it cannot do. */
export function scheduleGuestExperiment(
  schedule: Schedule,
  protocol: GuestProtocol,
  hash: string,
  options: GuestOptions & { readonly seed: number },
): GuestExperiment | string {
  const plan: GuestStrike[] = [];
  let calmAt = 0;
  for (const [index, { at, rank, page, fault }] of schedule.faults.entries()) {
    const place = `faults.${index}`;
    if (!('ms' in at))
      return `${place}.at: expected { "ms": n }, for only the built-in protocol has steps that a schedule can wait for.`;
    const node = rank ?? page;
    if (node === undefined || node === 'any')
      return `${place}.rank: expected the number of a node, found ${node === undefined ? 'nothing' : '"any"'}.`;
    if (!isMachineFault(fault))
      return `${place}.fault: expected a fault of a machine, a link or a disk, found "${fault.kind}".`;
    plan.push({ at: at.ms, node, fault });
    calmAt = Math.max(calmAt, at.ms + ('forMs' in fault ? (fault.forMs ?? 0) : 0));
  }
  return {
    protocol: { name: protocol.name, hash },
    seed: schedule.seed ?? options.seed,
    ranks: options.ranks ?? protocol.ranks,
    steps: options.steps ?? protocol.steps,
    scheduler: options.scheduler ?? 'random',
    plan,
    calmAt: Math.ceil(calmAt),
  };
}

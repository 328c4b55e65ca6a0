// Runs one experiment with a user's protocol: nodes under their plan of strikes with the invariants checked after every event, then the
// liveness phase, in which faults end, the crashed start again, and what must eventually hold has to come; and a verdict.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { mix32 } from '../../collective/digest.ts';
import { createFingerprints } from '../canonical.ts';
import { createEntropy, type Entropy } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { GuestExperiment, GuestStrike } from './experiment.ts';
import { ProtocolError } from './protocol-error.ts';
import type { NodeId, View } from './protocol.ts';
import type { GuestProtocol } from './shape.ts';
import {
  createGuestWorld,
  type Broken,
  type Condition,
  type GuestRecord,
  type GuestWorld,
  type Letter,
} from './world.ts';

/** How long a protocol that promises nothing for later is still watched after its faults, in virtual milliseconds. */
const AFTERWARDS_MS = 5_000;
/** A protocol that talks without end is told so in seconds. */
const MAX_EVENTS = 300_000;

export interface GuestOutcome {
  readonly verdict: 'held' | 'violated';
  /** The sentence of the invariant that broke. */
  readonly invariant: string | undefined;
  readonly reason: string | undefined;
  /** When it was broken, in virtual milliseconds. */
  readonly brokenAt: number | undefined;
  /** SHA-256 over the log; empty when it was not asked for. */
  readonly traceHash: string;
  /** A word for each event, in order: what it was and what came of it. */
  readonly digests: readonly number[];
  readonly events: number;
  readonly virtualMs: number;
  readonly committed: number;
  readonly stateHash: string;
  readonly ledger: Readonly<Record<Condition, number>>;
}

export interface GuestRunOptions {
  readonly entropy?: Entropy;
  /** Absent: the experiment's. */
  readonly scheduler?: Scheduler;
  readonly hash?: boolean;
  /** Fewer than a run may take at most. */
  readonly maxEvents?: number;
  readonly onRecord?: (record: GuestRecord) => void;
  readonly onStrike?: (strike: GuestStrike, at: number) => void;
  readonly onSend?: (from: NodeId, to: NodeId, letter: Letter, at: number) => void;
  /** Called after every step, with the node's state: not to be kept or changed. */
  readonly onState?: (node: NodeId, state: unknown, at: number) => void;
  readonly onCondition?: (node: NodeId, condition: Condition, at: number) => void;
  readonly onMessage?: (from: NodeId, to: NodeId, letter: Letter, sentAt: number, now: number) => void;
}

function digestOf(text: string, seed: number): number {
  let digest = seed;
  for (let i = 0; i < text.length; i++) digest = mix32(digest ^ text.charCodeAt(i));
  return digest;
}

export function runGuest(
  protocol: GuestProtocol,
  experiment: GuestExperiment,
  options: GuestRunOptions = {},
): GuestOutcome {
  const { onMessage } = options;
  const maxEvents = Math.min(options.maxEvents ?? MAX_EVENTS, MAX_EVENTS);
  const hash = options.hash === true ? sha256.create() : undefined;
  const digests: number[] = [];
  const world = createGuestWorld({
    protocol,
    ranks: experiment.ranks,
    steps: experiment.steps,
    scheduler: options.scheduler ?? experiment.scheduler,
    entropy: options.entropy ?? createEntropy(experiment.seed),
    onRecord(record) {
      const line = JSON.stringify(record);
      digests.push(digestOf(line, 0));
      hash?.update(utf8ToBytes(`${line}\n`));
      options.onRecord?.(record);
    },
    onStrike: options.onStrike,
    onSend: options.onSend,
    onState: options.onState,
    onCondition: options.onCondition,
    ...(onMessage === undefined
      ? {}
      : {
          onMessage: (from, to, letter, sentAt) => onMessage(from, to, letter, sentAt, world.now()),
        }),
  });
  for (const strike of experiment.plan) world.at(strike.at, () => world.strike(strike));
  const over = (): boolean => world.broken() !== undefined || world.events() >= maxEvents;
  world.runUntil(over, experiment.calmAt);
  let late: Broken | undefined;
  if (!over()) {
    world.calm();
    late = awaitLiveness(protocol, world, over);
  }
  const broken =
    world.broken() ??
    late ??
    (world.events() >= maxEvents
      ? { invariant: 'a run comes to an end', sentence: `It did not end within ${maxEvents} events.` }
      : undefined);
  return {
    verdict: broken === undefined ? 'held' : 'violated',
    invariant: broken?.invariant,
    reason: broken?.sentence,
    brokenAt: broken === undefined ? undefined : world.now(),
    traceHash: hash === undefined ? '' : bytesToHex(hash.digest()),
    digests,
    events: world.events(),
    virtualMs: Math.round(world.now()),
    committed: protocol.committed(world.view()),
    stateHash: createFingerprints()(world.nodes.map(({ alive, state }) => (alive ? state : undefined))),
    ledger: world.ledger(),
  };
}

/** What must eventually hold has to hold at one moment; undefined: it did. */
function awaitLiveness(
  { eventually, withinMs }: GuestProtocol,
  world: GuestWorld,
  over: () => boolean,
): Broken | undefined {
  if (eventually.length === 0) {
    world.runUntil(over, AFTERWARDS_MS);
    return undefined;
  }
  let checkedAt = -1;
  let missing: Broken | undefined;
  /** Asked again only after an event. */
  const hold = (): boolean => {
    if (world.events() !== checkedAt) {
      checkedAt = world.events();
      missing = firstMissing(eventually, world.view());
    }
    return missing === undefined;
  };
  world.runUntil(() => over() || hold(), withinMs);
  if (over() || hold() || missing === undefined) return undefined;
  const { invariant, sentence } = missing;
  return {
    invariant,
    sentence: `${sentence}It did not come to hold within ${withinMs} ms after the faults had ended.`,
  };
}

function firstMissing(eventually: GuestProtocol['eventually'], view: View): Broken | undefined {
  for (const [sentence, holds] of eventually) {
    const answer = holds(view);
    if (answer !== true) return { invariant: sentence, sentence: answer === false ? '' : `${answer} ` };
  }
  return undefined;
}

/** Runs a seed twice. Throws a `ProtocolError` where the second run is another one: such a protocol cannot be replayed. */
export function runGuestTwice(
  protocol: GuestProtocol,
  experiment: GuestExperiment,
  options: GuestRunOptions = {},
): GuestOutcome {
  const first = runNamed(protocol, experiment, {});
  const second = runNamed(protocol, experiment, options);
  const length = Math.max(first.digests.length, second.digests.length);
  for (let i = 0; i < length; i++)
    if (first.digests[i] !== second.digests[i])
      throw new ProtocolError(
        `Seed ${experiment.seed} came out differently the second time, from event ${i + 1} on${whereOf(protocol, experiment, i)}. ` +
          'A step may depend on its state, its event and its clock alone: expected no Date, no Math.random, and no variable outside the state.',
      );
  if (first.stateHash !== second.stateHash)
    throw new ProtocolError(
      `Seed ${experiment.seed} ended in another state the second time, after the same events and effects. ` +
        'A step may depend on its state, its event and its clock alone.',
    );
  return second;
}

/** Says which seed it was where the file is at fault. */
function runNamed(
  protocol: GuestProtocol,
  experiment: GuestExperiment,
  options: GuestRunOptions,
): GuestOutcome {
  try {
    return runGuest(protocol, experiment, options);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(`With seed ${experiment.seed}: ${error.message}`);
  }
}

/** Which event that was, as far as a third run can tell. */
function whereOf(protocol: GuestProtocol, experiment: GuestExperiment, index: number): string {
  let found = '';
  let seen = 0;
  runGuest(protocol, experiment, {
    maxEvents: index + 1,
    onRecord({ node, at, event }) {
      if (seen++ === index) found = ` (node ${node}, at ${at} ms, on "${event.kind}")`;
    },
  });
  return found;
}

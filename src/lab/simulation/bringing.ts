// What a person drops or picks: a protocol of their own, a replay, or a log; and whose protocol a replay is of.

import { AnyExperimentSchema, type AnyExperiment } from '../../simulator/any-experiment.ts';
import { CORE_VERSION } from '../../simulator/core-version.ts';
import { parsePasted, type Recorded } from '../../simulator/pasted.ts';
import { ReplayError } from '../../simulator/replay-error.ts';
import { parseReplayOf } from '../../simulator/replay.ts';
import type { Subject } from './api.ts';
import { EXAMPLE_NAMES } from './example-names.ts';
import { isLog } from './log-file.ts';
import type { Logs } from './logs.ts';
import { raceWords } from './race-words.ts';
import type { NotRun, Simulation } from './simulation.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** What the file picker offers. */
export const ACCEPTED =
  '.js,.mjs,.ts,.json,.ndjson,.gz,.log,text/javascript,application/json,application/gzip';

const isReplay = (text: string): boolean => /^\s*(rf\d+:|\{\s*"format"\s*:\s*"rankfall-replay")/.test(text);

/** Opens a file. What is wrong with it is said where the simulation's problems are, or the logs'. */
export async function bring(simulation: Simulation, logs: Logs, file: File): Promise<void> {
  if (await isLog(file)) {
    await logs.open(file);
    return;
  }
  if (file.size > MAX_BYTES) {
    simulation.complain(raceWords.tooLarge(file.name));
    return;
  }
  const text = await file.text();
  if (isReplay(text)) await bringReplay(simulation, text);
  else {
    await simulation.open({ kind: 'file', name: file.name, text });
    const replay = waiting.get(simulation);
    if (simulation.info.value !== undefined && replay !== undefined) await bringReplay(simulation, replay);
  }
}

/** Replays whose protocol's file has yet to be opened. */
const waiting = new WeakMap<Simulation, string>();

/** Runs a replay, with the protocol that it is of. */
export async function bringReplay(simulation: Simulation, text: string): Promise<void> {
  let brought: Brought;
  try {
    brought = read(text);
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    simulation.complain(error.message);
    return;
  }
  const { run, recorded } = brought;
  if (run.kind !== 'experiment') {
    simulation.keep({ why: run, recorded });
    return;
  }
  const wanted = subjectOf(run.experiment, simulation);
  if (wanted.kind === 'protocol') {
    waiting.set(simulation, text);
    simulation.keep({ why: wanted, recorded });
    return;
  }
  if (!isSame(wanted, simulation.subject.value) || simulation.info.value === undefined)
    await simulation.open(wanted);
  waiting.delete(simulation);
  if (simulation.info.value !== undefined) await simulation.replayText(text, recorded);
}

interface Brought {
  readonly run: NotRun | { readonly kind: 'experiment'; readonly experiment: AnyExperiment };
  readonly recorded: Recorded | undefined;
}

/** Whose protocol it is of, where that is here. */
function subjectOf(
  experiment: AnyExperiment,
  simulation: Simulation,
): Subject | Extract<NotRun, { readonly kind: 'protocol' }> {
  if (!('protocol' in experiment)) return { kind: 'room' };
  const { name, hash } = experiment.protocol;
  if (EXAMPLE_NAMES.includes(name)) return { kind: 'example', name };
  const opened = simulation.subject.value;
  return opened.kind === 'file' && simulation.info.value?.protocol === name
    ? opened
    : { kind: 'protocol', name, hash };
}

/** Throws a `ReplayError`. */
function read(text: string): Brought {
  const pasted = parsePasted(text.trim());
  const recorded = pasted?.recorded;
  if (pasted !== undefined && pasted.core !== CORE_VERSION)
    return { run: { kind: 'core', found: pasted.core }, recorded };
  const { experiment } = parseReplayOf(AnyExperimentSchema, text);
  // Bugs are planted by the command alone: what ships to a page has none to plant.
  if (!('protocol' in experiment) && experiment.bug !== undefined)
    return { run: { kind: 'bug', bug: experiment.bug }, recorded };
  return { run: { kind: 'experiment', experiment }, recorded };
}

const isSame = (a: Subject, b: Subject): boolean =>
  a === b ||
  (a.kind === b.kind && a.kind !== 'file' && (a.kind === 'room' || a.name === (b as typeof a).name));

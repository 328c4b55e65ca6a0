// What a person drops or picks: a protocol of their own, a replay, or a log; and whose protocol a replay is of.

import * as v from 'valibot';
import { GuestExperimentSchema } from '../../simulator/guest/experiment.ts';
import { ExperimentSchema } from '../../simulator/experiment.ts';
import { parseReplayOf } from '../../simulator/replay.ts';
import type { Subject } from './api.ts';
import { EXAMPLE_NAMES } from './example-names.ts';
import { isLog } from './log-file.ts';
import type { Logs } from './logs.ts';
import { raceWords } from './race-words.ts';
import type { Simulation } from './simulation.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** What the file picker offers. */
export const ACCEPTED = '.js,.mjs,.ts,.json,.gz,.log,text/javascript,application/json,application/gzip';

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
  let wanted: Subject | undefined;
  try {
    const { experiment } = parseReplayOf(v.union([GuestExperimentSchema, ExperimentSchema]), text);
    if (!('protocol' in experiment)) wanted = { kind: 'room' };
    else {
      const { name, hash } = experiment.protocol;
      const opened = simulation.subject.value;
      if (EXAMPLE_NAMES.includes(name)) wanted = { kind: 'example', name };
      else if (opened.kind === 'file' && simulation.info.value?.protocol === name) wanted = opened;
      else {
        waiting.set(simulation, text);
        throw new Error(raceWords.needsFile(name, hash));
      }
    }
  } catch (error) {
    simulation.complain(error instanceof Error ? error.message : String(error));
    return;
  }
  if (!isSame(wanted, simulation.subject.value) || simulation.info.value === undefined)
    await simulation.open(wanted);
  waiting.delete(simulation);
  if (simulation.info.value !== undefined) await simulation.replayText(text);
}

const isSame = (a: Subject, b: Subject): boolean =>
  a === b ||
  (a.kind === b.kind && a.kind !== 'file' && (a.kind === 'room' || a.name === (b as typeof a).name));

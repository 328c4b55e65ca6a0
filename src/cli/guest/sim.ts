// `rankfall sim --protocol FILE`: one run of a user's protocol, and what came of it.

import { answering, loadProtocol, type LoadedProtocol } from './load.ts';
import { guestJson, guestLines } from './print.ts';
import { createGuestRecorder } from './recorder.ts';
import { readGuestReplay } from './replay.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from '../errors.ts';
import { readScheduleFile, refuseWithReplay } from '../sim/files.ts';
import type { RecordFlags } from '../sim/recorder.ts';
import {
  drawGuestExperiment,
  scheduleGuestExperiment,
  type GuestExperiment,
} from '../../simulator/guest/experiment.ts';
import { runGuestTwice } from '../../simulator/guest/run.ts';

interface GuestSimFlags extends RecordFlags {
  readonly protocol: string;
  readonly scenario?: string;
  readonly seed: number;
  readonly ranks?: number;
  readonly steps?: number;
  readonly bug?: string;
  readonly json?: true;
  /** Options of the command line that a replay says for itself. */
  readonly sets: readonly string[];
}

export async function simGuest(flags: GuestSimFlags): Promise<number> {
  if (flags.bug !== undefined)
    throw new UsageError(
      'Expected --protocol or --bug, not both: the bugs are those of the built-in protocol.',
    );
  const loaded = await loadProtocol(flags.protocol);
  const experiment = chooseExperiment(flags, loaded);
  const recorder = createGuestRecorder(flags);
  const started = performance.now();
  const outcome = await answering(flags.protocol, () =>
    runGuestTwice(loaded.protocol, experiment, { ...recorder.options, hash: true }),
  );
  const wallMs = performance.now() - started;
  recorder.finish(outcome);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(guestJson(experiment, outcome, wallMs))}\n`
      : `${guestLines(experiment, outcome, wallMs).join('\n')}\n`,
  );
  return outcome.verdict === 'violated' ? EXIT_FAILED : EXIT_OK;
}

function chooseExperiment(flags: GuestSimFlags, loaded: LoadedProtocol): GuestExperiment {
  const { scenario, seed, ranks, steps, sets } = flags;
  const { protocol, hash } = loaded;
  if (scenario === undefined) return drawGuestExperiment(seed, protocol, hash, { ranks, steps });
  if (!/[./\\]/.test(scenario))
    throw new UsageError(
      `The scenario ${JSON.stringify(scenario)} is none of this protocol: expected a file, a fault schedule or a replay.`,
    );
  let schedule;
  try {
    schedule = readScheduleFile(scenario);
  } catch (error) {
    // A replay file holds an experiment too; for what is neither, the schedule's error is the one that helps.
    let experiment;
    try {
      ({ experiment } = readGuestReplay(scenario, loaded));
    } catch {
      throw error;
    }
    refuseWithReplay(scenario, sets);
    return experiment;
  }
  const experiment = scheduleGuestExperiment(schedule, protocol, hash, { seed, ranks, steps });
  if (typeof experiment === 'string') throw new UsageError(`${scenario}: ${experiment}`);
  return experiment;
}

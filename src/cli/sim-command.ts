// `rankfall sim`: one run of the simulator, and what came of it.

import { Command, Option } from 'commander';
import { wholeNumber } from './arguments.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from './errors.ts';
import { simGuest } from './guest/sim.ts';
import { rulesWith } from './sim/bugs.ts';
import { namesReplay, readReplay, readScheduleFile, refuseWithReplay } from './sim/files.ts';
import { outcomeJson, outcomeLines } from './sim/print.ts';
import { createRecorder, type RecordFlags } from './sim/recorder.ts';
import { drawExperiment } from '../simulator/draw-experiment.ts';
import { ENGINES, MAX_RANKS, MAX_STEPS, type EngineName, type Experiment } from '../simulator/experiment.ts';
import { scenarioExperiment, scheduleExperiment, SCENARIOS } from '../simulator/scenarios.ts';
import { runExperiment } from '../simulator/swarm.ts';

export const MAX_SEED = 0xffffffff;
const DEFAULT_SEED = 1;

interface SimFlags extends RecordFlags {
  readonly protocol?: string;
  readonly scenario?: string;
  readonly seed?: number;
  readonly ranks?: number;
  readonly steps?: number;
  readonly bug?: string;
  readonly engine?: EngineName;
  readonly json?: true;
}

const HELP = `
What happens:
  The protocol that trains in browser tabs runs in a simulated world: virtual time, network, storage, locks and GPUs. All
  invariants are checked after every event. Then the faults end, and who is left must finish the job. The same seed gives
  the same run, event by event: its trace hash shows it.

  Without --scenario the seed draws the faults as well. A FILE is a fault schedule (docs/faults.md) or a replay, which holds
  a seed, ranks and steps of its own.

  With --protocol, the nodes of that world run the state machine that the file exports, and its own invariants are checked
  (docs/your-own-race.md). The file is code, and is run.

Scenarios:
${Object.entries(SCENARIOS)
  .map(([name, { tells }]) => `  ${name.padEnd(14)} ${tells}`)
  .join('\n')}

Exit status:
  0  the invariants held, or the run was unrecoverable for a reason that it names
  1  an invariant was violated
  2  bad options or a bad file; or a protocol that is not one, or does not run the same way twice

Examples:
  rankfall sim --scenario kill-one
  rankfall sim --seed 7 --ranks 8 --trace run.json      open run.json in ui.perfetto.dev
  rankfall sim --scenario schedule.json --json | jq .ledger
  rankfall sim --protocol examples/hello.ts --seed 3
`;

export function simCommand(exit: (status: number) => void): Command {
  return new Command('sim')
    .summary('run the protocol once in the simulator')
    .description('Runs the protocol once in a seeded, simulated world, and checks every invariant.')
    .option(
      '--scenario <name|file>',
      'a named scenario, a fault schedule or a replay file (of a protocol of your own, the latter two)',
    )
    .addOption(
      new Option(
        '--seed <n>',
        `decides everything that is left to chance (default: ${DEFAULT_SEED})`,
      ).argParser(wholeNumber(0, MAX_SEED)),
    )
    .addOption(
      new Option(
        '--ranks <n>',
        `pages at the start, 1 to ${MAX_RANKS} (default: 5, in most scenarios 4, of a protocol its own)`,
      ).argParser(wholeNumber(1, MAX_RANKS)),
    )
    .addOption(
      new Option(
        '--steps <n>',
        `steps of the job (default: drawn, or the scenario's or the protocol's)`,
      ).argParser(wholeNumber(1, MAX_STEPS)),
    )
    .addOption(
      new Option(
        '--engine <name>',
        'what the ranks compute: a hash chain, or real training on a small job',
      ).choices(ENGINES),
    )
    .option('--bug <name>', 'plant this bug; "rankfall bugs" lists them')
    .option('--protocol <file>', 'run a protocol of your own instead')
    .option('--log <file>', 'write the event log, one JSON object a line')
    .option('--trace <file>', 'write a trace for ui.perfetto.dev')
    .option('--shiviz <file>', 'write a log with vector clocks for ShiViz')
    .option('--svg <file>', 'draw a space-time diagram: members, messages, and what came of them')
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async ({ protocol, ...flags }: SimFlags) => {
      exit(
        protocol === undefined
          ? sim(flags)
          : await simGuest({ ...flags, seed: seedOf(flags), sets: setBy(flags), protocol }),
      );
    });
}

function sim(flags: SimFlags): number {
  const experiment = chooseExperiment(flags);
  const rules = rulesWith(experiment.bug);
  const recorder = createRecorder(flags);
  const started = performance.now();
  const outcome = runExperiment(experiment, {
    ...recorder.options,
    ...(rules === undefined ? {} : { rules }),
    hash: true,
    watch: true,
  });
  const wallMs = performance.now() - started;
  recorder.finish(outcome);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(outcomeJson(experiment, outcome, wallMs))}\n`
      : `${outcomeLines(experiment, outcome, wallMs).join('\n')}\n`,
  );
  return outcome.verdict === 'violated' ? EXIT_FAILED : EXIT_OK;
}

function chooseExperiment(flags: SimFlags): Experiment {
  const { scenario, steps, bug, engine } = flags;
  const seed = seedOf(flags);
  const planted: Partial<Experiment> = {
    ...(bug === undefined ? {} : { bug }),
    ...(engine === undefined ? {} : { engine }),
  };
  if (scenario === undefined) return drawExperiment(seed, { ranks: flags.ranks, steps, bug, engine });
  const options = { seed, ranks: flags.ranks, steps };
  const named = Object.hasOwn(SCENARIOS, scenario) ? SCENARIOS[scenario] : undefined;
  if (named !== undefined) return { ...scenarioExperiment(named, options), ...planted };
  if (!/[./\\]/.test(scenario))
    throw new UsageError(
      `There is no scenario called ${JSON.stringify(scenario)}. Expected one of ${Object.keys(SCENARIOS).join(', ')}, or a file.`,
    );
  return { ...fromFile(scenario, options, setBy(flags)), ...planted };
}

const seedOf = ({ seed }: SimFlags): number => seed ?? DEFAULT_SEED;

/** Options of this command line that a replay says for itself. */
const setBy = (flags: SimFlags): readonly string[] =>
  (['seed', 'ranks', 'steps'] as const).filter((name) => flags[name] !== undefined);

function fromFile(
  path: string,
  options: Parameters<typeof scheduleExperiment>[1],
  sets: readonly string[],
): Experiment {
  let schedule;
  try {
    schedule = readScheduleFile(path);
  } catch (error) {
    // A replay file holds an experiment too; for what is neither, the schedule's error is the one that helps.
    if (!namesReplay(path)) throw error;
    const { experiment } = readReplay(path);
    refuseWithReplay(path, sets);
    return experiment;
  }
  return scheduleExperiment(schedule, options);
}

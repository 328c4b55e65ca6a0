// `rankfall demo`: its options, its help, and what it prints.

import { Command, Option } from 'commander';
import { PRESET_NAMES } from '../job/presets.ts';
import type { PresetName } from '../job/presets.ts';
import type { Wire } from '../job/wire-schema.ts';
import type { EngineChoice } from '../live/api.ts';
import { collectCountAtStep, wholeNumber, wireFormat } from './arguments.ts';
import { readSchedule } from './room/fault-runner.ts';
import { chooseNarrator } from './room/narrator.ts';
import { MAX_RANKS, MAX_SEED, MAX_STEPS, MIN_STEPS, planDemo } from './demo/plan.ts';
import type { CountAtStep } from './demo/plan.ts';
import { reportLines } from './demo/report.ts';
import { EXIT_FAILED, EXIT_OK } from './errors.ts';
import { expectWritable, writeBytes } from './sim/files.ts';
import { interruptible } from './interrupt.ts';

const ENGINES: readonly EngineChoice[] = ['auto', 'webgpu', 'cpu'];

interface DemoFlags {
  readonly ranks: number;
  readonly steps: number;
  readonly kill: readonly CountAtStep[];
  readonly join: readonly CountAtStep[];
  readonly faults?: string;
  readonly engine: EngineChoice;
  readonly seed: number;
  readonly log?: string;
  readonly incident?: string;
  readonly job: PresetName;
  readonly wire?: Wire;
  readonly witness?: true;
  readonly json?: true;
}

const HELP = `
What happens:
  A server and a headless browser are started, and tabs of one browser profile are opened, each a rank of one room.
  They train a small network: on handwritten digits, unless --job names another task. At the given steps tabs are really killed (the renderer process
  crashes, nobody says goodbye) and new ones join. At about 80 % of the steps all tabs are closed and the room is opened
  again: it resumes from its newest checkpoint. At the end the same job is trained by one rank that nothing happens to,
  and the two final states are compared bit by bit.

  Without --kill, --join and --faults, one tab is killed after a third of the steps and one joins after two thirds.
  A browser (Chrome, Chromium or Edge) is looked for, and installed if there is none; RANKFALL_BROWSER names one.

  A schedule file names faults, and when they strike whom; docs/faults.md describes it:
    { "format": 1, "faults": [{ "at": { "step": 20 }, "rank": 2, "fault": { "kind": "freeze", "forMs": 3000 } }] }
  Naming "exhaust-gpu" in it is consent to real allocations on this machine, within the fault's byte budget.
  --log writes what the ranks were told and decided, in a form that "rankfall replay" runs again. A killed tab takes its
  own part with it. --incident writes the same where something did not hold, with who was at what and whom the room waited
  for; "rankfall replay" tells it.
  With --witness the server votes in the room, and computes nothing. It has a vote where the ranks are even in number; "witness" in the
  JSON says in how many generations it had one.
  Faults that still act when the last step is committed are healed, and all ranks must end with the same state.

Exit status:
  0  everything that was checked holds
  1  something did not hold, or the run could not be finished; stderr says what
  2  bad options, or a file that cannot be written

Examples:
  rankfall demo
  rankfall demo --engine cpu --steps 400
  rankfall demo --ranks 5 --kill 2@20 --join 1@30 --kill 1@50
  rankfall demo --faults schedule.json
  rankfall demo --log run.log.gz && rankfall replay run.log.gz
  rankfall demo --job moby-dick --ranks 2
  rankfall demo --wire narrow:8
  rankfall demo --witness --ranks 2
  rankfall demo --json | jq .recoveries
`;

/** `exit` takes the command's exit status. */
export function demoCommand(exit: (status: number) => void): Command {
  return new Command('demo')
    .summary('train in real tabs, kill some, and show the recovery')
    .description(
      'Trains in real browser tabs, kills some, lets some join, closes and reopens all, and checks the result.',
    )
    .addOption(
      new Option('--ranks <n>', `tabs to start with, 1 to ${MAX_RANKS}`)
        .default(4)
        .argParser(wholeNumber(1, MAX_RANKS)),
    )
    .addOption(
      new Option('--steps <n>', `optimizer updates in the whole run, at least ${MIN_STEPS}`)
        .default(60)
        .argParser(wholeNumber(MIN_STEPS, MAX_STEPS)),
    )
    .addOption(
      new Option('--kill <count@step>', 'kill that many tabs when that step is committed; repeatable')
        .default([], 'see below')
        .argParser(collectCountAtStep),
    )
    .addOption(
      new Option('--join <count@step>', 'open that many more tabs when that step is committed; repeatable')
        .default([], 'see below')
        .argParser(collectCountAtStep),
    )
    .option('--faults <file>', 'inject the faults of this schedule file')
    .addOption(
      new Option('--engine <engine>', 'what computes; auto takes WebGPU where there is a real GPU')
        .choices(ENGINES)
        .default('auto'),
    )
    .addOption(
      new Option('--seed <n>', 'seeds the job and the choice of victims')
        .default(1)
        .argParser(wholeNumber(0, MAX_SEED)),
    )
    .option('--log <file>', 'write what the ranks recorded, for "rankfall replay"')
    .option(
      '--incident <file>',
      'where something does not hold: write what is known of it, for "rankfall replay"',
    )
    .addOption(new Option('--job <name>', 'what is trained').choices(PRESET_NAMES).default('digits'))
    .addOption(
      new Option('--wire <format>', 'how gradients travel: i32, or narrow:BITS').argParser(wireFormat),
    )
    .option('--witness', 'the server votes in the room, without computing')
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: DemoFlags) => {
      exit(await demo(flags));
    });
}

async function demo(flags: DemoFlags): Promise<number> {
  const plan = planDemo({ ...flags, faults: flags.faults !== undefined });
  const schedule = flags.faults === undefined ? undefined : readSchedule(flags.faults, plan.steps);
  for (const path of [flags.log, flags.incident]) if (path !== undefined) expectWritable(path);
  // Loaded only now, since a browser's driver and a server are much to load for a help text or a refused option.
  const { runDemo } = await import('./demo/run.ts');
  const { createBlackBox } = await import('./room/black-box.ts');
  const box = flags.log === undefined && flags.incident === undefined ? undefined : createBlackBox();
  const verdict = await interruptible((stop) =>
    runDemo(plan, schedule, chooseNarrator(flags.json === true), stop, box),
  );
  if (flags.log !== undefined) writeBytes(flags.log, Buffer.concat(box?.recordings ?? []));
  if (flags.incident !== undefined && !verdict.result.ok)
    await box?.write(flags.incident, 'demo', verdict.failures);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(verdict.result)}\n`);
    for (const sentence of verdict.failures) process.stderr.write(`rankfall: ${sentence}\n`);
  } else {
    process.stdout.write(`${reportLines(verdict).join('\n')}\n`);
  }
  return verdict.result.ok ? EXIT_OK : EXIT_FAILED;
}

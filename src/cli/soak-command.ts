// `rankfall soak`: its options, its help, and what it prints.

import { Command, Option } from 'commander';
import type { EngineChoice } from '../live/api.ts';
import { decimal, wholeNumber } from './arguments.ts';
import { MAX_RANKS, MAX_SEED } from './demo/plan.ts';
import { EXIT_FAILED, EXIT_OK } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { chooseNarrator } from './room/narrator.ts';
import { MIN_RANKS, planSoak } from './soak/plan.ts';
import { expectWritable } from './sim/files.ts';
import { soakLines } from './soak/verdict.ts';

const ENGINES: readonly EngineChoice[] = ['auto', 'webgpu', 'cpu'];

interface SoakFlags {
  readonly ranks: number;
  readonly minutes: number;
  readonly faultEvery: number;
  readonly seed: number;
  readonly faults?: string;
  readonly compare?: true;
  readonly engine: EngineChoice;
  readonly incident?: string;
  readonly json?: true;
}

const HELP = `
What happens:
  A server and a headless browser are started, and tabs of one browser profile train together, each a rank of one room. A seed
  draws faults, whom they strike and how hard; a tab that was killed or closed is opened anew at once. When the time is over,
  all faults are healed and the room comes to rest. The same job is then trained for as many steps by one rank that nothing
  happens to.

  The verdict is that of the invariants' checkers over the merged logs of all ranks. "ok" says that every invariant held, the
  final state is the single rank's bit for bit, nobody was put out without cause, no committed step was lost, and connections,
  channels, GPU buffers and stored checkpoints are what they were at the start.

  detect: from the fault to the first record of any rank that shows it. recover: from there to the next committed step. In
  milliseconds. A fault that harmed nothing (a delay that was waited out) shows nowhere, and has none.

  --compare takes turns in one session: undisturbed, under deaths whose evidence is immediate (tabs killed and closed), and under silent
  ones (the rank's thread stops for good, and the tab is opened anew when the others have put it out). "throughput" gives the committed
  steps per second of each, and what part that is of the undisturbed. With --fault-every of 30 or more, "ok" asks for 0.95 and 0.8.
  It takes three ranks or more: one of two has no majority to go on without a rank that is silent.

  --faults none is an undisturbed soak: what the steps of a disturbed one are to be compared with.

Exit status:
  0  ok
  1  something did not hold, or the run could not be finished; stderr says what
  2  bad options, or a file that cannot be written

Examples:
  rankfall soak
  rankfall soak --minutes 10 --fault-every 10
  rankfall soak --minutes 10 --fault-every 30 --compare
  rankfall soak --faults kill,freeze,cut --seed 7 --engine cpu --json
`;

/** `exit` takes the command's exit status. */
export function soakCommand(exit: (status: number) => void): Command {
  return new Command('soak')
    .summary('train in real tabs under seeded chaos, and check every invariant')
    .description(
      'Trains in real browser tabs while faults strike for so many minutes, and gives the verdict.',
    )
    .addOption(
      new Option('--ranks <n>', `tabs, ${MIN_RANKS} to ${MAX_RANKS}`)
        .default(4)
        .argParser(wholeNumber(MIN_RANKS, MAX_RANKS)),
    )
    .addOption(new Option('--minutes <m>', 'how long faults strike').default(2).argParser(decimal(0.1, 1440)))
    .addOption(
      new Option('--fault-every <s>', 'mean time between two faults, in seconds')
        .default(10)
        .argParser(decimal(0.5, 3600)),
    )
    .addOption(
      new Option('--seed <n>', 'seeds the job and the chaos').default(1).argParser(wholeNumber(0, MAX_SEED)),
    )
    .option('--faults <list>', 'kinds of faults with commas between them, or none (default: all)')
    .option('--compare', 'train in turns, undisturbed and under deaths, and compare the steps per second')
    .addOption(
      new Option('--engine <engine>', 'what computes; auto takes WebGPU where there is a real GPU')
        .choices(ENGINES)
        .default('auto'),
    )
    .option(
      '--incident <file>',
      'where something does not hold: write what is known of it, for "rankfall replay"',
    )
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: SoakFlags) => {
      exit(await soak(flags));
    });
}

async function soak(flags: SoakFlags): Promise<number> {
  const plan = planSoak(flags);
  if (flags.incident !== undefined) expectWritable(flags.incident);
  // Loaded only now, since a browser's driver and a server are much to load for a help text or a refused option.
  const { runSoak } = await import('./soak/run.ts');
  const { createBlackBox } = await import('./room/black-box.ts');
  const box = flags.incident === undefined ? undefined : createBlackBox();
  const verdict = await interruptible((stop) =>
    runSoak(plan, chooseNarrator(flags.json === true), stop, box),
  );
  if (flags.incident !== undefined && !verdict.result.ok)
    await box?.write(flags.incident, 'soak', verdict.failures);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(verdict.result)}\n`);
    for (const sentence of verdict.failures) process.stderr.write(`rankfall: ${sentence}\n`);
  } else {
    process.stdout.write(`${soakLines(verdict).join('\n')}\n`);
  }
  return verdict.result.ok ? EXIT_OK : EXIT_FAILED;
}

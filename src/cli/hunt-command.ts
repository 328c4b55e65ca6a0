// `rankfall hunt`: many seeds over all cores, until an invariant breaks; then a small replay of how.

import { availableParallelism } from 'node:os';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { wholeNumber } from './arguments.ts';
import { EXIT_FAILED, EXIT_OK, UsageError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { MAX_SEED } from './sim-command.ts';
import { guestQuarry } from './guest/hunt.ts';
import { expectWritable, keepText } from './sim/files.ts';
import { runHunt, type HuntReport } from './sim/hunt.ts';
import { pasteableLine } from './sim/print.ts';
import { roomQuarry, type Quarry } from './sim/quarry.ts';
import { ENGINES, MAX_RANKS, type EngineName } from '../simulator/experiment.ts';
import { SCHEDULERS, type SchedulerName } from '../simulator/scheduler.ts';
import { SITUATIONS } from '../simulator/situations.ts';

interface HuntFlags {
  readonly seeds?: number;
  readonly seconds?: number;
  readonly from: number;
  readonly ranks?: number;
  readonly bug?: string;
  readonly engine?: EngineName;
  readonly protocol?: string;
  readonly scheduler: SchedulerName;
  readonly jobs: number;
  readonly out?: string;
  readonly situations?: true;
  readonly json?: true;
}

const DEFAULT_SEEDS = 1000;
/** A search that comes to a situation less often than this says little about it; and so do the counts of fewer seeds than these. */
const SEEDS_A_SITUATION = 100;
const SEEDS_FOR_SITUATIONS = 10_000;
const MAX_JOBS = 64;
const SHRINK_MS = 20_000;

const HELP = `
What happens:
  Each seed draws an experiment of its own: which faults there are at all, how often they strike, whom, and every delay.
  Seeds are run over worker threads. At the first violation the hunt ends, and its run is made small while the same
  invariant fails; a replay file and a story of a few lines are what is left.

  With --protocol the same search goes through a state machine of your own, which the file exports, and through its own
  invariants (docs/your-own-race.md). The file is code, and is run. Each seed runs twice, to know that it can be replayed.

Schedulers:
  random  draws every delay
  fifo    takes the least delay everywhere: only the faults make a difference
  pct     gives each rank a priority that changes at a few random points

Exit status:
  0  no invariant was violated
  1  one was, and the replay file says how; or, with --situations, one of them came too rarely
  2  bad options, or an --out that cannot be written; or a protocol that is not one, or does not run the same way twice

Examples:
  rankfall hunt --seeds 10000
  rankfall hunt --protocol examples/horovod-elastic.ts
  rankfall hunt --seconds 60 --bug vote-sent-before-stored
  rankfall hunt --seeds 2000 --situations
`;

export function huntCommand(exit: (status: number) => void): Command {
  return new Command('hunt')
    .summary('search many seeds for a violated invariant')
    .description(
      'Runs many seeded experiments over all cores, and shrinks the first violation to a small replay.',
    )
    .addOption(
      new Option('--seeds <n>', `seeds to run (default: ${DEFAULT_SEEDS})`).argParser(
        wholeNumber(1, MAX_SEED),
      ),
    )
    .addOption(
      new Option('--seconds <s>', 'run as many seeds as go into this time').argParser(
        wholeNumber(1, 1_000_000),
      ),
    )
    .addOption(new Option('--from <seed>', 'the first seed').default(1).argParser(wholeNumber(0, MAX_SEED)))
    .addOption(
      new Option(
        '--ranks <n>',
        `pages at the start, 1 to ${MAX_RANKS} (default: 5, of a protocol its own)`,
      ).argParser(wholeNumber(1, MAX_RANKS)),
    )
    .addOption(
      new Option(
        '--engine <name>',
        'what the ranks compute: a hash chain, or real training on a small job (default: now and then)',
      ).choices(ENGINES),
    )
    .option('--bug <name>', 'plant this bug; "rankfall bugs" lists them')
    .option('--protocol <file>', 'search a protocol of your own instead')
    .addOption(
      new Option('--scheduler <name>', 'how delays are chosen').choices(SCHEDULERS).default('random'),
    )
    .addOption(
      new Option('--jobs <n>', 'worker threads')
        .default(Math.min(availableParallelism(), MAX_JOBS), 'one a core')
        .argParser(wholeNumber(1, MAX_JOBS)),
    )
    .option('--out <file>', 'where the replay goes (default: rankfall-<seed>.json)')
    .option(
      '--situations',
      `count the named situations that the runs came to; of ${SEEDS_FOR_SITUATIONS} seeds or more, each is to come once in ${SEEDS_A_SITUATION}`,
    )
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: HuntFlags) => {
      exit(await hunt(flags));
    });
}

async function hunt(flags: HuntFlags): Promise<number> {
  if (flags.seeds !== undefined && flags.seconds !== undefined)
    throw new UsageError('Expected --seeds or --seconds, not both.');
  if (flags.out !== undefined) expectWritable(flags.out);
  const quarry = await chooseQuarry(flags);
  const seeds = flags.seeds ?? (flags.seconds === undefined ? DEFAULT_SEEDS : Infinity);
  const bar = progressBar(seeds);
  const report = await interruptible((stop) =>
    runHunt({
      ...quarry.setup,
      from: flags.from,
      seeds,
      seconds: flags.seconds ?? Infinity,
      jobs: flags.jobs,
      onProgress: bar.update,
      stop: stop.signal,
    }),
  ).finally(bar.stop);
  const first = report.findings[0];
  const shrunk = first === undefined ? undefined : await quarry.shrink(first.seed, SHRINK_MS);
  const wanted = flags.out ?? `rankfall-${first?.seed ?? 0}.json`;
  const replayFile = shrunk === undefined ? wanted : keepText(wanted, `${shrunk.replay}\n`);
  if (flags.json === true)
    process.stdout.write(
      `${JSON.stringify({
        seeds: report.seeds,
        violations: report.findings.length,
        firstSeed: first?.seed ?? null,
        invariant: first?.invariant ?? null,
        events: report.events,
        shrunkEvents: shrunk?.size ?? null,
        seedsPerHour: Math.round((report.seeds * 3_600_000) / report.wallMs),
        virtualPerReal: Math.round(report.virtualMs / report.wallMs),
        wallMs: Math.round(report.wallMs),
        replayFile: first === undefined ? null : replayFile,
        ...(flags.situations === true ? { situations: Object.fromEntries(report.situations) } : {}),
      })}\n`,
    );
  else {
    process.stdout.write(`${reportLines(report).join('\n')}\n`);
    if (flags.situations === true)
      for (const name of SITUATIONS)
        process.stdout.write(`  ${String(report.situations.get(name) ?? 0).padStart(8)}  ${name}\n`);
    if (shrunk !== undefined)
      process.stdout.write(
        `\nShrunk to ${shrunk.size === 1 ? '1 decision' : `${shrunk.size} decisions`} in ${shrunk.runs} runs: ${replayFile}\n\n${shrunk.story.join('\n')}\n\n${howToRepeat(flags, replayFile, shrunk.pasteable)}\n`,
      );
  }
  if (first !== undefined) return EXIT_FAILED;
  const rare = flags.situations === true ? rareSituations(report) : [];
  if (rare.length > 0)
    process.stderr.write(
      `Too rare, at less than once in ${SEEDS_A_SITUATION} seeds: ${rare.join(', ')}. The search does not come to them.\n`,
    );
  return rare.length === 0 ? EXIT_OK : EXIT_FAILED;
}

/** From the file that was written, and elsewhere from the run as one string, where it is short enough for one. */
function howToRepeat({ protocol }: HuntFlags, replayFile: string, text: string | undefined): string {
  const command = `npx rankfall replay ${protocol === undefined ? '' : `--protocol ${protocol} `}${replayFile}`;
  const elsewhere =
    text === undefined ? '' : '\nor, elsewhere, with this string in quotes in place of the file:';
  return `To repeat it: ${command}${elsewhere}\n${pasteableLine(text)}`;
}

async function chooseQuarry({
  protocol,
  bug,
  ranks,
  scheduler,
  engine,
  situations,
}: HuntFlags): Promise<Quarry> {
  if (protocol === undefined) return roomQuarry({ ranks, scheduler, bug, engine }, situations === true);
  if (bug !== undefined || situations !== undefined)
    throw new UsageError(
      'Expected --protocol, or --bug or --situations, but not both: these two are of the built-in protocol.',
    );
  return guestQuarry(protocol, { ranks, scheduler });
}

/** Situations that came up less often than once in a hundred seeds, where there were enough seeds to tell. */
const rareSituations = ({ seeds, situations }: HuntReport): readonly string[] =>
  seeds < SEEDS_FOR_SITUATIONS
    ? []
    : SITUATIONS.filter((name) => (situations.get(name) ?? 0) * SEEDS_A_SITUATION < seeds);

function reportLines(report: HuntReport): readonly string[] {
  const first = report.findings[0];
  const perHour = Math.round((report.seeds * 3_600_000) / report.wallMs).toLocaleString('en-US');
  return [
    first === undefined
      ? `${report.seeds} seeds, no violation`
      : `seed ${first.seed} violates invariant ${typeof first.invariant === 'string' ? JSON.stringify(first.invariant) : first.invariant}: ${first.reason}`,
    `${report.seeds} seeds in ${(report.wallMs / 1000).toFixed(1)} s (${perHour} an hour), ` +
      `${report.events.toLocaleString('en-US')} events, ${Math.round(report.virtualMs / report.wallMs)} virtual seconds per second, ` +
      `${report.unrecoverable} unrecoverable for a named reason`,
  ];
}

/** On stderr, where there is somebody to see it. */
function progressBar(seeds: number): { update: (done: number, elapsedMs: number) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const known = Number.isFinite(seeds);
  const bar = new SingleBar({
    format: known ? '{bar} {value}/{total} seeds, {rate} an hour' : '{value} seeds, {rate} an hour',
    stream: process.stderr,
    hideCursor: true,
  });
  bar.start(known ? seeds : 0, 0, { rate: '-' });
  return {
    update: (done, elapsedMs) => {
      bar.update(done, { rate: Math.round((done * 3_600_000) / elapsedMs).toLocaleString('en-US') });
    },
    stop: () => bar.stop(),
  };
}

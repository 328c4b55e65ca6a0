// `rankfall replay`, `rankfall shrink` and `rankfall bugs`: what is done with a run that was found.

import { Command, Option } from 'commander';
import { wholeNumber } from './arguments.ts';
import { EXIT_FAILED, EXIT_OK, RunError } from './errors.ts';
import { replayGuestCommand, shrinkGuestCommand } from './guest/replay.ts';
import { MUTANTS } from '../mutants/index.ts';
import { rulesWith } from './sim/bugs.ts';
import { isRecording } from './sim/recording-file.ts';
import { replayRecordingCommand } from './replay-recording.ts';
import { exactly, readReplay, writeText } from './sim/files.ts';
import { outcomeJson, pasteableLine } from './sim/print.ts';
import { createRecorder, type RecordFlags } from './sim/recorder.ts';
import { pasteable } from '../simulator/pasteable.ts';
import { isPasted } from '../simulator/pasted.ts';
import { encodeReplay } from '../simulator/replay.ts';
import { sizeOf } from '../simulator/minimize.ts';
import { replayRun, shrink } from '../simulator/shrink.ts';
import { storyOf } from '../simulator/story.ts';

interface ReplayFlags extends RecordFlags {
  readonly protocol?: string;
  readonly json?: true;
}

const REPLAY_HELP = `
What happens:
  The run is repeated draw by draw, with the bug that it names planted. Where the tape does not fit, the replay stops at
  the first draw that differs. A replay of a protocol of your own needs that file, in the version that it was recorded
  with (docs/your-own-race.md).

  A log downloaded from the lab (or of "rankfall demo --log") is run rank by rank: what each rank was told goes through
  the same protocol again, with the recorded outcomes of compute. It must decide, send and arrive at what it did live;
  the first answer that differs is named. The invariants are checked over the logs of all ranks together.

  A string of another version of the protocol's core would be another run here, and is not run. It tells what was recorded
  of it, and --svg draws that.

Exit status:
  0  the run held, or was unrecoverable for a reason that it names
  1  an invariant was violated, as recorded; or the tape does not fit this version; or a rank answered otherwise than live
  2  bad options or a bad replay or log; or another protocol than the recorded one

Examples:
  rankfall replay rankfall-290.json
  rankfall replay rankfall-ROOM.log.gz
  rankfall replay rankfall-41.json --protocol examples/horovod-elastic.ts --shiviz race.txt
  rankfall replay 'rf1:AXkzP9k…'
`;

export function replayCommand(exit: (status: number) => void): Command {
  return new Command('replay')
    .summary('repeat a recorded run exactly')
    .description(
      'Repeats a run from a replay file, a pasted string or a log of live ranks, and tells its story.',
    )
    .argument('<file|rf1:…>', 'a replay file, a pasted replay, or a log from the lab')
    .option('--protocol <file>', 'the protocol of your own that it was recorded with')
    .option('--log <file>', 'write the event log, one JSON object a line')
    .option('--trace <file>', 'write a trace for ui.perfetto.dev')
    .option('--shiviz <file>', 'write a log with vector clocks for ShiViz')
    .option('--svg <file>', 'draw a space-time diagram: members, messages, and what came of them')
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', REPLAY_HELP)
    .allowExcessArguments(false)
    .action(async (from: string, { protocol, ...flags }: ReplayFlags) => {
      if (protocol === undefined && isRecording(from)) {
        exit(replayRecordingCommand(from, flags));
        return;
      }
      exit(
        protocol === undefined
          ? runReplay(from, flags)
          : await replayGuestCommand(from, { ...flags, protocol }),
      );
    });
}

function runReplay(from: string, flags: ReplayFlags): number {
  const replay = readReplay(from, flags.svg);
  const rules = rulesWith(replay.experiment.bug);
  const recorder = createRecorder(flags, true);
  const started = performance.now();
  const outcome = exactly(() =>
    replayRun(replay, {
      ...recorder.options,
      ...(rules === undefined ? {} : { rules }),
      hash: true,
      watch: true,
    }),
  );
  const wallMs = performance.now() - started;
  const diagram = recorder.finish(outcome);
  if (replay.traceHash !== undefined && replay.traceHash !== outcome.traceHash)
    throw new RunError(
      `The replay came out as trace ${outcome.traceHash}, but ${replay.traceHash} was recorded: another version wrote it.`,
    );
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify(outcomeJson(replay.experiment, outcome, wallMs))}\n`);
  else
    process.stdout.write(
      `${storyOf(replay, rules).join('\n')}\n\ntrace ${outcome.traceHash}\n${pasteableLine(pasteable(replay, { ...outcome, diagram }))}\n`,
    );
  return outcome.verdict === 'violated' ? EXIT_FAILED : EXIT_OK;
}

interface ShrinkFlags {
  readonly protocol?: string;
  readonly out?: string;
  readonly seconds: number;
  readonly json?: true;
}

const SHRINK_HELP = `
What happens:
  Strikes are dropped, then ranks and steps, then every draw is lowered to the least choice (no fault, the shortest delay),
  as long as the same invariant is violated. A run of a protocol of your own needs its file.

Exit status:
  0  the replay was made as small as the time allowed
  1  the run violates nothing
  2  bad options or a bad replay; or another protocol than the recorded one

Examples:
  rankfall shrink rankfall-290.json --out small.json
  rankfall shrink rankfall-41.json --protocol examples/horovod-elastic.ts
`;

export function shrinkCommand(exit: (status: number) => void): Command {
  return new Command('shrink')
    .summary('make a failing replay small')
    .description('Makes a failing replay as small as it gets while the same invariant fails.')
    .argument('<file|rf1:…>', 'a replay file, or a pasted replay')
    .option('--protocol <file>', 'the protocol of your own that it was recorded with')
    .option('--out <file>', 'where the result goes (default: the file itself, or shrunk.json)')
    .addOption(new Option('--seconds <s>', 'time to take').default(20).argParser(wholeNumber(1, 86_400)))
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', SHRINK_HELP)
    .allowExcessArguments(false)
    .action(async (from: string, { protocol, ...flags }: ShrinkFlags) => {
      exit(
        protocol === undefined
          ? runShrink(from, flags)
          : await shrinkGuestCommand(from, { ...flags, protocol }),
      );
    });
}

function runShrink(from: string, flags: ShrinkFlags): number {
  const replay = readReplay(from);
  const rules = rulesWith(replay.experiment.bug);
  const outcome = exactly(() => replayRun(replay, rules === undefined ? {} : { rules }));
  if (outcome.verdict !== 'violated')
    throw new RunError('The replay violates no invariant: there is nothing to shrink.');
  const before = sizeOf(replay.experiment, replay.tape);
  const started = performance.now();
  const shrunk = shrink(
    { ...replay, invariant: outcome.invariant },
    { rules, now: () => performance.now(), budgetMs: flags.seconds * 1000 },
  );
  const out = flags.out ?? (isPasted(from) ? 'shrunk.json' : from);
  writeText(out, `${encodeReplay(shrunk.replay)}\n`);
  const result = {
    invariant: outcome.invariant ?? null,
    events: before,
    shrunkEvents: shrunk.size,
    runs: shrunk.runs,
    wallMs: Math.round(performance.now() - started),
    replayFile: out,
  };
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(result)}\n`
      : `${before} decisions became ${shrunk.size} in ${shrunk.runs} runs: ${out}\n\n${storyOf(shrunk.replay, rules).join('\n')}\n`,
  );
  return EXIT_OK;
}

const BUGS_HELP = `
Exit status:
  0  the list was printed
  2  bad options

Examples:
  rankfall bugs
  rankfall hunt --bug NAME --seconds 60
`;

export function bugsCommand(exit: (status: number) => void): Command {
  return new Command('bugs')
    .summary('list the bugs that can be planted')
    .description('Lists the planted bugs: mistakes that real systems made, each of which the hunt finds.')
    .option('--json', 'print a JSON array on stdout')
    .addHelpText('after', BUGS_HELP)
    .allowExcessArguments(false)
    .action((flags: { readonly json?: true }) => {
      const list = MUTANTS.map(({ name, breaks, seen }) => ({ name, breaks, seen }));
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(list)}\n`
          : list
              .map(({ name, breaks, seen }) => `${name}\n    breaks: ${breaks}\n    seen:   ${seen}\n`)
              .join(''),
      );
      exit(EXIT_OK);
    });
}

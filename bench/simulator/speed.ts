// How fast the simulator is, with all checks on, on one core: virtual seconds and events for each second of it. HELP tells the rest.

import { parseArgs } from 'node:util';
import { median } from '../../src/cli/bench/median.ts';
import type { Strike } from '../../src/faults/schedule.ts';
import { calmExperiment, type Experiment } from '../../src/simulator/experiment.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

const HELP = `How fast the simulator is, with all checks on, on one core.

  npx tsx bench/simulator/speed.ts [options]

A step takes one virtual second, and heartbeats come every 100 ms. The best of several runs is reported, since a busy machine only
ever makes one slower; rates are given for processor time, which other processes disturb less, and for wall time.

  --ranks N    ranks of the room (8)
  --steps N    steps that it trains (1000)
  --churn N    pages that are killed, and as many that are opened, spread over the run (0)
  --repeat N   runs, of which the best counts, or with --sweep the median (3)
  --sweep      a table of what an event costs at 8, 32, 64, 128, 256 and 1000 ranks, each run beside one of 8 ranks, and medians of
               both and of their ratio; takes no --ranks and no --steps
  --json       one JSON object, or one for each line of the table
  --help       this text
`;

const OPTIONS = {
  ranks: { type: 'string' },
  steps: { type: 'string' },
  churn: { type: 'string' },
  repeat: { type: 'string' },
  sweep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function fail(message: string, status: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\nSee --help.`, 2);
  }
}

const options = readOptions();

function count(name: 'ranks' | 'steps' | 'churn' | 'repeat', least: number, usual: number): number {
  const given = options[name];
  const value = given === undefined ? usual : Number(given);
  if (Number.isInteger(value) && value >= least) return value;
  return fail(`--${name}: expected a whole number from ${least}, found ${given}`, 2);
}

interface Room {
  readonly ranks: number;
  readonly steps: number;
  readonly churn: number;
}

/** Computing and applying take 490 ms each; with the messages between them, a step takes a second. */
const ENGINE_MS = [490, 490] as const;

const churning = (i: number, { ranks, steps, churn }: Room): readonly Strike[] => {
  const at = { step: Math.max(1, Math.floor(((i + 1) * steps) / (churn + 1))) };
  return [
    { at, page: (1 + i * 7) % ranks, fault: { kind: 'kill' } },
    { at, page: 0, fault: { kind: 'open' } },
  ];
};

const experimentOf = (room: Room): Experiment => ({
  ...calmExperiment(1, room.ranks, room.steps),
  profiles: room.ranks,
  engineMs: ENGINE_MS,
  checkpointEvery: 10,
  plan: Array.from({ length: room.churn }, (_, i) => churning(i, room)).flat(),
});

interface Run {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly events: number;
  readonly virtualMs: number;
}

/** Processor time that this process has used, garbage collection on other threads included, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function runOnce(room: Room): Run {
  const [cpu, started] = [cpuMs(), performance.now()];
  const { verdict, reason, events, virtualMs, committed } = runExperiment(experimentOf(room));
  const [usedMs, wallMs] = [cpuMs() - cpu, performance.now() - started];
  if (verdict !== 'held' || committed < room.steps)
    fail(`The run was not clean: ${verdict}, ${committed} of ${room.steps} steps, ${reason ?? ''}`, 1);
  return { cpuMs: usedMs, wallMs, events, virtualMs };
}

function measure(room: Room, repeat: number) {
  let { cpuMs, wallMs, events, virtualMs } = runOnce(room);
  for (let run = 1; run < repeat; run++) {
    const other = runOnce(room);
    cpuMs = Math.min(cpuMs, other.cpuMs);
    wallMs = Math.min(wallMs, other.wallMs);
  }
  return {
    ...room,
    virtualMs,
    wallMs: Math.round(wallMs),
    cpuMs: Math.round(cpuMs),
    events,
    virtualPerReal: Math.round(virtualMs / wallMs),
    virtualPerCpu: Math.round(virtualMs / cpuMs),
    eventsPerSecond: Math.round((1000 * events) / wallMs),
    eventsPerCpuSecond: Math.round((1000 * events) / cpuMs),
    /** Processor time of an event. */
    eventMicroseconds: Number(((1000 * cpuMs) / events).toFixed(2)),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

type Result = ReturnType<typeof measure>;

const inWords = (result: Result): string =>
  `${result.ranks} ranks, ${result.steps} steps of a virtual second, ${result.churn} lost and as many new\n` +
  `${result.virtualPerCpu} virtual seconds for each second of processor time, ${result.virtualPerReal} for each real second\n` +
  `${result.eventsPerCpuSecond} events for each second of processor time, ${result.eventsPerSecond} for each real second\n` +
  `${result.eventMicroseconds} µs of processor time an event\n` +
  `${result.cpuMs} ms (${result.wallMs} ms real) for ${result.events} events in ${Math.round(result.virtualMs / 1000)} virtual seconds\n` +
  `${result.peakRssMiB} MiB of memory at most\n`;

/** What the rooms of the table are compared with. */
const SMALL: Room = { ranks: 8, steps: 2000, churn: 0 };
/** Rooms of the table; each has some hundred thousand events at least. */
const SWEEP: readonly (readonly [ranks: number, steps: number])[] = [
  [8, 2000],
  [32, 200],
  [64, 50],
  [128, 200],
  [256, 100],
  [1000, 50],
];

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`;

const costOf = ({ cpuMs, events }: Run): number => cpuMs / events;

/** A room and one of 8 ranks by turns: what a machine is slowed by for a while slows both, and their ratio tells what the size costs. */
function compare(room: Room, small: Room, repeat: number) {
  const runs: Run[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const beside = runOnce(small);
    const run = runOnce(room);
    runs.push(run);
    ratios.push(costOf(run) / costOf(beside));
  }
  const { events, virtualMs } = runs[0] ?? fail('--repeat: expected at least one run', 2);
  return {
    ...room,
    events,
    virtualMs,
    cpuMs: Math.round(median(runs.map((run) => run.cpuMs))),
    wallMs: Math.round(median(runs.map((run) => run.wallMs))),
    eventMicroseconds: Number((1000 * median(runs.map(costOf))).toFixed(2)),
    /** Against 8 ranks: the median of the pairs, and all of them. */
    ratio: Number(median(ratios).toFixed(2)),
    ratios: ratios.map((ratio) => Number(ratio.toFixed(2))),
    /** How often the logarithm of 8 goes into that of the ranks. */
    allowed: Number((Math.log2(room.ranks) / Math.log2(SMALL.ranks)).toFixed(2)),
  };
}

function sweep(churn: number, repeat: number): void {
  // The first run of a process also translates the program.
  runOnce({ ranks: 8, steps: 200, churn: 0 });
  if (!options.json) {
    process.stdout.write(row(['ranks', 'events', 'µs an event', 'against 8 ranks', 'log₂ n / log₂ 8']));
    process.stdout.write(row(['---:', '---:', '---:', '---:', '---:']));
  }
  for (const [ranks, steps] of SWEEP) {
    const result = compare({ ranks, steps, churn }, { ...SMALL, churn }, repeat);
    process.stdout.write(
      options.json
        ? `${JSON.stringify(result)}\n`
        : row([
            ranks,
            result.events,
            result.eventMicroseconds,
            result.ratio.toFixed(2),
            result.allowed.toFixed(2),
          ]),
    );
  }
}

if (options.help) process.stdout.write(HELP);
else if (options.sweep) {
  if (options.ranks !== undefined || options.steps !== undefined)
    fail('--sweep: expected neither --ranks nor --steps, which the table fixes', 2);
  sweep(count('churn', 0, 0), count('repeat', 1, 3));
} else {
  const room = { ranks: count('ranks', 1, 8), steps: count('steps', 1, 1000), churn: count('churn', 0, 0) };
  const result = measure(room, count('repeat', 1, 3));
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : inWords(result));
}

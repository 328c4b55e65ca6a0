// `rankfall bench allreduce`: how near the ring comes to what the channels give, in real tabs.

import { Command, Option } from 'commander';
import { listOf } from '../arguments.ts';
import { withCleanup } from '../cleanup.ts';
import { EXIT_OK } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import type { AllReduceReport, BesideRow, SoakReport } from './allreduce/run.ts';

interface Options {
  readonly ranks: readonly number[];
  readonly mib: readonly number[];
  readonly soak?: true;
  readonly json?: true;
}

const HELP = `
Bus bandwidth is what a ring must move on each link, over the time that it takes. It is compared, in the same run and the same
tabs, with a bare sender and receiver loop on a data channel to the next tab while all tabs send at once (raw), with a
star, in which one tab adds up for all, and with the same ring over PeerJS's own connections. The ring and the loop take turns, five to 21
times for up to a minute, and the other two every fourth; each figure is a median. Beside the rows: an all-reduce of 1 KiB, and the round trip of a small control message
to the next rank and back while 4 MiB are reduced again and again.

--soak runs 10,000 all-reduces of 1 and 64 KiB by turns between two tabs instead, and looks at the memory of their workers, after
garbage collection, at every thousand.
`;

export function allReduceCommand(exit: (status: number) => void): Command {
  return new Command('allreduce')
    .description('measure the all-reduce in headless tabs')
    .addOption(
      new Option('--ranks <list>', 'tabs, 2 to 16')
        .default([2, 4, 8], '2,4,8')
        .argParser(listOf('whole numbers from 2 to 16', (n) => Number.isInteger(n) && n >= 2 && n <= 16)),
    )
    .addOption(
      new Option('--mib <list>', 'sizes of the vector in MiB, 0.001 to 64')
        .default([0.1, 1, 4, 16], '0.1,1,4,16')
        .argParser(listOf('numbers from 0.001 to 64', (n) => n >= 0.001 && n <= 64)),
    )
    .option('--soak', 'look at memory over 10,000 all-reduces instead')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      // Loaded only now: a browser's driver and a server are much to load for a help text.
      const { measureAllReduce, soakAllReduce } = await import('./allreduce/run.ts');
      const report = await interruptible(({ signal }) =>
        withCleanup(async (cleanup): Promise<AllReduceReport | SoakReport> => {
          const log = (line: string): void => {
            process.stderr.write(`${line}\n`);
          };
          return await (options.soak === true
            ? soakAllReduce(cleanup, signal, log)
            : measureAllReduce(options, cleanup, signal, log));
        }),
      );
      const besides = 'soak' in report ? [] : report.beside.map(besideInWords);
      if (options.json !== true) process.stdout.write(`${[inWords(report), ...besides].join('\n')}\n`);
      else {
        for (const line of besides) process.stderr.write(`${line}\n`);
        process.stdout.write(`${JSON.stringify('soak' in report ? report : { rows: report.rows })}\n`);
      }
      exit(EXIT_OK);
    });
}

const COLUMNS = ['ranks', 'MiB', 'ms', 'bus MB/s', 'raw MB/s', 'ratio', 'star ms', 'PeerJS ms'];

function inWords(report: AllReduceReport | SoakReport): string {
  if ('soak' in report)
    return report.soak.heap
      .map(({ collectives, bytes }) => `${collectives} collectives: ${(bytes / 1024 / 1024).toFixed(2)} MiB`)
      .join('\n');
  return table(report.rows);
}

const besideInWords = ({ ranks, smallMs, p50Ms, p99Ms, mostBufferedBytes }: BesideRow): string =>
  `Among ${ranks} ranks: 1 KiB in ${smallMs.toFixed(2)} ms; control during bulk ${p50Ms.toFixed(1)} ms in the middle, ${p99Ms.toFixed(1)} ms at p99; at most ${Math.round(mostBufferedBytes / 1024)} KiB buffered.`;

function table(rows: AllReduceReport['rows']): string {
  const cells = rows.map((row) => [
    String(row.ranks),
    String(row.mib),
    row.ms.toFixed(1),
    row.busMBps.toFixed(1),
    row.rawMBps.toFixed(1),
    row.ratio.toFixed(2),
    row.starMs.toFixed(1),
    row.peerjsMs.toFixed(1),
  ]);
  const lines = [COLUMNS, ...cells];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines.map((line) => line.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n');
}

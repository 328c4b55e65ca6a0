// The `rankfall` command: its commands put together, and how it ends: one line for an error, and an exit status.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import * as v from 'valibot';
import { benchCommand } from './bench-command.ts';
import { demoCommand } from './demo-command.ts';
import { EXIT_OK, EXIT_USAGE, exitStatus, oneLine } from './errors.ts';
import { doctorCommand } from './doctor-command.ts';
import { exportCommand } from './export-command.ts';
import { huntCommand } from './hunt-command.ts';
import { inspectCommand } from './inspect-command.ts';
import { bugsCommand, replayCommand, shrinkCommand } from './replay-command.ts';
import { printable } from './printable.ts';
import { simCommand } from './sim-command.ts';
import { soakCommand } from './soak-command.ts';
import { startCommand } from './start-command.ts';
import { verifyCommand } from './verify-command.ts';

const ManifestSchema = v.object({ version: v.string(), description: v.string() });
const manifest = v.parse(
  ManifestSchema,
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
);

const HELP = `
Examples:
  rankfall demo                  watch tabs train, die and recover
  rankfall demo --help           all of its options
  rankfall soak --minutes 10     the same for long, under chaos of all kinds
  rankfall sim --seed 7          run the protocol once in the simulator
  rankfall hunt --seeds 10000    search for a violated invariant
  rankfall hunt --protocol FILE  the same in a protocol of your own
  rankfall inspect FILE          what a downloaded checkpoint holds
  npm start                      the lab itself, in your own browser
  npm start -- --lan             the same, for everybody in this network
`;

let status = EXIT_OK;

const program = new Command('rankfall')
  .description(manifest.description)
  .version(manifest.version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  .addHelpText('after', HELP)
  .configureOutput({
    outputError: (text, write) => {
      const said = oneLine(text).replace(/^error: /, '');
      const isUnknown = /^unknown (command|option) /.test(said);
      write(`rankfall: ${said}${isUnknown ? '; --help says what there is.' : ''}\n`);
    },
  })
  .exitOverride();

const exit = (outcome: number): void => {
  status = outcome;
};
const COMMANDS = [
  startCommand,
  demoCommand,
  soakCommand,
  simCommand,
  huntCommand,
  replayCommand,
  shrinkCommand,
  bugsCommand,
  benchCommand,
  verifyCommand,
  doctorCommand,
  inspectCommand,
  exportCommand,
];
for (const create of COMMANDS) {
  const command = create(exit).copyInheritedSettings(program);
  for (const part of command.commands) part.copyInheritedSettings(program);
  program.addCommand(command);
}

try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  // Commander has printed its own message by now.
  if (error instanceof CommanderError) status = error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  else {
    status = exitStatus(error);
    process.stderr.write(
      process.env['DEBUG'] === undefined ? `rankfall: ${printable(oneLine(error))}\n` : `${inspect(error)}\n`,
    );
  }
}

// A handle that something left open must not keep the command from ending once its output is out.
process.exitCode = status;
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));

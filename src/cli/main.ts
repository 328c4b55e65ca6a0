// The `rankfall` command: its commands put together, and how it ends: one line for an error, and an exit status.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import * as v from 'valibot';
import { EXIT_OK, EXIT_USAGE, exitStatus, oneLine } from './errors.ts';
import { printable } from './printable.ts';

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
/** Each in a module of its own: to load them all takes three times as long as what most of them then do. */
const COMMANDS: Readonly<Record<string, () => Promise<(exit: (outcome: number) => void) => Command>>> = {
  start: async () => (await import('./start-command.ts')).startCommand,
  demo: async () => (await import('./demo-command.ts')).demoCommand,
  soak: async () => (await import('./soak-command.ts')).soakCommand,
  sim: async () => (await import('./sim-command.ts')).simCommand,
  hunt: async () => (await import('./hunt-command.ts')).huntCommand,
  replay: async () => (await import('./replay-command.ts')).replayCommand,
  shrink: async () => (await import('./replay-command.ts')).shrinkCommand,
  bugs: async () => (await import('./replay-command.ts')).bugsCommand,
  bench: async () => (await import('./bench-command.ts')).benchCommand,
  verify: async () => (await import('./verify-command.ts')).verifyCommand,
  doctor: async () => (await import('./doctor-command.ts')).doctorCommand,
  inspect: async () => (await import('./inspect-command.ts')).inspectCommand,
  export: async () => (await import('./export-command.ts')).exportCommand,
};
const [, , first = ''] = process.argv;
// What names no command (help, a slip) is answered with all of them at hand.
const wanted = Object.hasOwn(COMMANDS, first) ? [first] : Object.keys(COMMANDS);
for (const name of wanted) {
  const create = await COMMANDS[name]?.();
  if (create === undefined) continue;
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

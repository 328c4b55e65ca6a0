// `rankfall start`, which is what `npm start` runs: the lab's server, on this machine alone or for a room full of people.

import { Command, InvalidArgumentError, Option } from 'commander';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderUnicodeCompact } from 'uqr';
import { certificateFacts } from '../server/certificate.ts';
import type { Certificate } from '../server/certificate.ts';
import { lanAddresses, machineNames } from '../server/lan.ts';
import type { Classroom } from '../server/classroom/classroom.ts';
import { formatRoomLink, LinkError, newRoom, parseRoomLink, type RoomLink } from '../live/link.ts';
import type { RunningServer } from '../server/start.ts';
import type { RunningWitness } from '../server/witness/witness-host.ts';
import { wholeNumber } from './arguments.ts';
import { withCleanup } from './cleanup.ts';
import { EXIT_OK, InterruptedError, RunError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { certificateFor } from './lan-certificate.ts';
import type { CertificateFlags } from './lan-certificate.ts';

const DEFAULT_PORT = 5173;

interface StartFlags extends CertificateFlags {
  readonly port?: number;
  readonly class?: true;
  /** `true`: of a new room. */
  readonly witness?: RoomLink | true;
}

const HELP = `
Without --lan only this machine reaches the lab. With it, everybody in its network does, over HTTPS, since browsers offer WebGPU
and the other parts of a rank to secure pages only. Where no certificate is given, one is made for this machine's addresses and kept for
the next time: each browser warns of it once. Compare the fingerprint that is printed, then go on.
With --lan, or --class on this machine alone, there is a class: participants open the bare address and give a nickname and the
class code, and the instructor's console is at the address that is printed last, which nobody else should see (docs/workshop.md).
The pages are built first when the sources have changed, which takes seconds. "rankfall doctor --lan" says whether a network will do.

With --witness the server votes in one room, over its own relay: a voter that computes nothing, so that of two halves the one that reaches the
server goes on, and one of two ranks may vanish. It needs the room's secret, and so the room's whole link, or makes a room and prints it. Its ballots
are kept in .cache/witness: give the same link after a restart.

Examples:
  npm start
  npm start -- --port 8080
  npm start -- --lan
  npm start -- --class
  npm start -- --witness
  npm start -- --witness 'http://localhost:5173/#room=CODE.SECRET'
  npm start -- --lan --cert room.pem --key room.key
`;

/** `exit` takes the command's exit status. */
export function startCommand(exit: (status: number) => void): Command {
  return new Command('start')
    .summary("serve the lab: the page, its rooms' signalling and their relay")
    .description("Serves the lab, with its rooms' signalling and relay, until it is interrupted.")
    .addOption(
      new Option(
        '--port <n>',
        `the port to listen on, or any for 0 (default: ${DEFAULT_PORT}, or the next free one)`,
      ).argParser(wholeNumber(0, 65_535)),
    )
    .option('--lan', 'let other machines of this network in, over HTTPS')
    .option('--class', 'open a class on this machine alone; --lan opens one as well')
    .addOption(
      new Option('--witness [link]', 'vote in this room, or in a new one, without computing').argParser(
        roomLink,
      ),
    )
    .option('--cert <file>', 'the certificate for --lan, in PEM form, with its chain')
    .option('--key <file>', "the certificate's key, in PEM form, unencrypted")
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: StartFlags) => {
      exit(await start(flags));
    });
}

async function start(flags: StartFlags): Promise<number> {
  const https = await certificateFor(flags);
  const [{ startServer }, { createClassroom }] = await Promise.all([
    import('../server/start.ts'),
    import('../server/classroom/classroom.ts'),
  ]);
  let urls: readonly LanUrl[] = [];
  const classroom =
    https === undefined && flags.class === undefined
      ? undefined
      : createClassroom({ addresses: () => urls.map(({ url }) => url) });
  return interruptible((stop) =>
    withCleanup(async (cleanup) => {
      const starting = startServer({
        mode: 'preview',
        ...(flags.port === undefined ? {} : { port: flags.port, strictPort: flags.port !== 0 }),
        ...(https === undefined ? {} : { https, host: true, names: machineNames() }),
        ...(classroom === undefined ? {} : { classroom }),
      }).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        // The server's own sentence; it says no more than that.
        const advice = reason.includes('already in use')
          ? '. Give another with --port, or none: then the next free one is taken.'
          : '';
        throw new RunError(`The server did not start: ${reason}${advice}`);
      });
      cleanup.add(async () => (await starting).close());
      const server = await starting;
      const room = flags.witness === true ? newRoom() : flags.witness;
      const witness = room === undefined ? undefined : await witnessOf(room, server);
      if (witness !== undefined) cleanup.add(() => witness.close());
      const lan = https === undefined ? [] : lanUrls(server.port);
      const here = https === undefined ? server.url : `https://localhost:${server.port}/`;
      urls = lan.length > 0 ? lan : [{ url: here, interface: undefined }];
      process.stdout.write(
        `${[
          ...(https === undefined ? tellAlone(server, flags) : tellLan(server, lan, https)),
          ...(classroom === undefined ? [] : tellClass(classroom, here)),
          ...(room === undefined ? [] : tellWitness(room, urls)),
        ].join('\n')}\n`,
      );
      await interrupted(stop.signal);
      return EXIT_OK;
    }),
  );
}

/** Ballots are kept here, a file for each room. */
const WITNESS_FOLDER = fileURLToPath(new URL('../../.cache/witness', import.meta.url));

async function witnessOf({ room, secret }: RoomLink, { url }: RunningServer): Promise<RunningWitness> {
  const { openWitness, BallotFileError } = await import('../server/witness/witness-host.ts');
  try {
    return await openWitness({
      url,
      room,
      secret,
      file: join(WITNESS_FOLDER, `${room}.ballots`),
      abstained: (reason) => process.stderr.write(`rankfall: the witness abstains: ${reason}\n`),
    });
  } catch (error) {
    throw error instanceof BallotFileError ? new RunError(error.message) : error;
  }
}

/** A room's link, whole or from its `#` on. */
function roomLink(text: string): RoomLink {
  try {
    const link = parseRoomLink(text.slice(Math.max(0, text.indexOf('#'))));
    if (link !== undefined) return link;
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
  throw new InvalidArgumentError('Expected the link of a room, which ends in #room=CODE.SECRET.');
}

const tellWitness = (room: RoomLink, urls: readonly LanUrl[]): readonly string[] => [
  '  This server is the witness of the room at',
  ...urls.map(({ url }) => `    ${url}${formatRoomLink(room)}`),
  '  It votes there and computes nothing. Give the same link to --witness after a restart.',
  '',
];

/** Being interrupted is how a server ends well. */
const interrupted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const end = (): void => {
      const reason: unknown = signal.reason;
      if (reason instanceof InterruptedError) resolve();
      else reject(reason instanceof Error ? reason : new RunError(String(reason)));
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

function tellAlone({ url, port }: RunningServer, flags: StartFlags): readonly string[] {
  const moved = flags.port !== undefined || port === DEFAULT_PORT ? '' : ` (port ${DEFAULT_PORT} was taken)`;
  return [
    '',
    `  Rankfall is at ${url}${moved}`,
    ...(flags.class === true
      ? ['  Participants open it in a tab each, give a nickname and the class code, and are in.']
      : [
          '  Open it and press "Start four ranks": they train in that tab.',
          "  Open the room's link in another tab to join, then close one in mid-run and watch the rest recover.",
        ]),
    '  For other machines of this network: npm start -- --lan',
    '',
  ];
}

interface LanUrl {
  /** Ends in a slash. */
  readonly url: string;
  /** Undefined: this machine's own. */
  readonly interface: string | undefined;
}

const lanUrls = (port: number): readonly LanUrl[] =>
  lanAddresses().map((lan) => ({ url: `https://${lan.address}:${port}/`, interface: lan.interface }));

function tellLan({ port }: RunningServer, urls: readonly LanUrl[], https: Certificate): readonly string[] {
  const { fingerprint, selfSigned } = certificateFacts(https);
  const [first] = urls;
  if (first === undefined)
    return [
      '',
      `  Rankfall is at https://localhost:${port}/`,
      '  This machine has no address in a network: connect it to one, then start again.',
      '',
    ];
  const qr = renderUnicodeCompact(first.url, { border: 2 })
    .split('\n')
    .map((line) => `  ${line}`);
  return [
    '',
    '  Rankfall is open to this network:',
    ...urls.map((lan) => `    ${lan.url}   (${lan.interface ?? 'this machine'})`),
    '',
    ...qr,
    '',
    ...(selfSigned
      ? [
          '  Each browser warns once of this certificate, which was made here. Its SHA-256 fingerprint:',
          `    ${fingerprint}`,
          '  Does somebody not get through? "npx rankfall doctor --lan" says what this network allows.',
          '',
        ]
      : []),
  ];
}

/** The key is in the fragment, which no browser sends anywhere. */
const tellClass = ({ code, key }: Classroom, here: string): readonly string[] => [
  `  Class code: ${code}`,
  "  The instructor's console, for your eyes only:",
  `    ${here}console.html#key=${key}`,
  '',
];

// `rankfall doctor`: what this machine, its browser and its network allow, and what to do where they do not.

import { Command } from 'commander';
import { certificateFacts } from '../server/certificate.ts';
import { lanAddresses } from '../server/lan.ts';
import { findBrowser } from './browser.ts';
import { withCleanup } from './cleanup.ts';
import type { Cleanup } from './cleanup.ts';
import { within } from './deadline.ts';
import type { Finding } from './doctor/finding.ts';
import { ok, problem } from './doctor/finding.ts';
import { addressFinding, certificateFinding, httpsFinding, isolationFinding } from './doctor/network.ts';
import { EXIT_FAILED, EXIT_OK, oneLine } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { certificateFor } from './lan-certificate.ts';
import type { CertificateFlags } from './lan-certificate.ts';

interface DoctorFlags extends CertificateFlags {
  readonly lan?: true;
  readonly json?: true;
}

const START_MS = 180_000;
const PROBE_MS = 90_000;

const HELP = `
Starts the lab's server on a free port, opens it in a headless browser of this machine, and looks at what a rank needs: a secure context,
WebGPU, storage, locks, WebRTC, the relay. With --lan it does so over HTTPS and this machine's network address, as a participant would,
and looks at addresses and certificate.

Exit status:
  0  nothing keeps Rankfall from working
  1  something does; each problem says what to do
  2  bad options

JSON: { ok, lan, findings: [{ check, state, found, advice }] }, where state is "ok", "warning" or "problem".
`;

/** `exit` takes the command's exit status. */
export function doctorCommand(exit: (status: number) => void): Command {
  return new Command('doctor')
    .summary('say what this machine, its browser and its network allow')
    .description(
      'Looks at what Rankfall needs of this machine, its browser and its network, and says what to do.',
    )
    .option('--lan', 'also what a room of other machines needs')
    .option('--cert <file>', 'with --lan: the certificate to use, in PEM form')
    .option('--key <file>', "with --lan: the certificate's key")
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async (flags: DoctorFlags) => {
      exit(await doctor(flags));
    });
}

async function doctor(flags: DoctorFlags): Promise<number> {
  const findings: Finding[] = [];
  const say = (finding: Finding): void => {
    findings.push(finding);
    if (flags.json !== true) process.stdout.write(`${tell(finding).join('\n')}\n`);
  };
  await interruptible((stop) => withCleanup((cleanup) => examine(flags, say, cleanup, stop.signal)));
  const well = findings.every(({ state }) => state !== 'problem');
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ ok: well, lan: flags.lan === true, findings })}\n`);
  else
    process.stdout.write(
      `\n${well ? 'Rankfall works here.' : 'Mend what is marked with ✗, then ask again.'}\n`,
    );
  return well ? EXIT_OK : EXIT_FAILED;
}

async function examine(
  flags: DoctorFlags,
  say: (finding: Finding) => void,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<void> {
  const lan = flags.lan === true;
  const https = lan ? await certificateFor(flags) : undefined;
  say(ok('Node', process.version));
  const addresses = lan ? lanAddresses() : [];
  if (https !== undefined) {
    say(addressFinding(addresses));
    say(certificateFinding(certificateFacts(https), Date.now()));
  }

  const { startServer } = await import('../server/start.ts');
  const starting = startServer({
    mode: 'preview',
    port: 0,
    ...(https === undefined ? {} : { https, host: true }),
  });
  cleanup.add(async () => (await starting).close());
  const server = await within('the server to build and start', START_MS, signal, starting);
  say(ok('server', 'builds and starts'));
  for (const { address } of addresses) say(await httpsFinding(address, server.port));

  const browser = findBrowser();
  if (browser === undefined) {
    say(
      problem(
        'browser',
        'no Chrome, Chromium or Edge',
        'Install one, or name its executable in RANKFALL_BROWSER. Firefox and Safari run the lab as well, and cannot be examined from here.',
      ),
    );
  } else {
    const [first] = addresses;
    const url = first === undefined ? server.url : `https://${first.address}:${server.port}/`;
    try {
      for (const finding of await probe(browser, url, lan, cleanup, signal)) say(finding);
    } catch (error) {
      signal.throwIfAborted();
      say(problem('browser', oneLine(error), `See whether ${browser} starts by hand.`));
    }
  }
  const [first] = addresses;
  if (first !== undefined) say(isolationFinding(`https://${first.address}:PORT/ of "npm start -- --lan"`));
}

async function probe(
  browser: string,
  url: string,
  lan: boolean,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const [{ launchProfile }, { abilitiesOf, pageFindings }] = await Promise.all([
    import('./room/profile.ts'),
    import('./doctor/page.ts'),
  ]);
  const context = await launchProfile(browser, cleanup, signal, { ignoreHTTPSErrors: true });
  const version = context.browser()?.version() ?? 'of an unknown version';
  const page = await context.newPage();
  await within('the page to load', PROBE_MS, signal, page.goto(new URL('rank.html', url).href));
  const abilities = await within('the page to answer', PROBE_MS, signal, abilitiesOf(page));
  return [ok('browser', `${browser}, ${version}`), ...pageFindings(abilities, lan)];
}

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: '✓', warning: '!', problem: '✗' };

const tell = ({ check, state, found, advice }: Finding): readonly string[] => [
  `${MARKS[state]} ${check}: ${found}`,
  ...(advice === null ? [] : [`    ${advice}`]),
];

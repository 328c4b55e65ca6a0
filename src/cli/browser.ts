/**
 * Finds a Chrome, Chromium or Edge to drive, and installs one where there is none.
 *
 * Used by `rankfall demo`, by `npm test` and by Vitest's browser project, so that all of them run the same
 * executable with the same flags.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** Names the browser's executable and overrides every other way to find one. */
const BROWSER_VARIABLE = 'RANKFALL_BROWSER';

/** The flags that every browser of ours is started with, beside those Playwright adds. */
export const BROWSER_FLAGS: readonly string[] = [
  // Chromium's sandbox needs user namespaces, which containers and root often lack; only our own pages are opened.
  '--no-sandbox',
  // WebGPU on machines without a GPU: the software adapter (SwiftShader) is behind this flag.
  '--enable-unsafe-webgpu',
  // Nothing but our own pages may use the network or the two cores during a run.
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** No browser to drive; the message is one line that says what is missing and what to do about it. */
export class BrowserMissingError extends Error {
  override readonly name = 'BrowserMissingError';
}

/** The executable of an installed Chrome, Chromium or Edge, or `undefined` where there is none. */
export function findBrowser(): string | undefined {
  const chosen = chosenByUser();
  if (chosen !== undefined) return isExecutable(chosen) ? chosen : undefined;
  return candidates().find(isExecutable);
}

/**
 * The executable of a browser, installed first if there is none.
 *
 * `log` gets one line before anything is installed; the installers' own output goes to stderr, so stdout stays
 * free for `--json`.
 *
 * @throws {BrowserMissingError} when there is none and none could be installed
 */
export async function ensureBrowser({ log }: { log: (line: string) => void }): Promise<string> {
  const found = findBrowser();
  if (found !== undefined) return found;

  const chosen = chosenByUser();
  if (chosen !== undefined) {
    throw new BrowserMissingError(
      `${BROWSER_VARIABLE} names "${chosen}", which is not an executable file: ` +
        `point it at Chrome, Chromium or Edge, or unset it to have one found.`,
    );
  }

  const failures: string[] = [];
  for (const installer of installers()) {
    log(`No Chrome, Chromium or Edge found; installing ${installer.what} (a few hundred MB, once).`);
    const failure = await install(installer);
    const installed = findBrowser();
    if (installed !== undefined) return installed;
    failures.push(failure ?? `${installer.what} is installed, but no executable of it was found`);
  }
  throw new BrowserMissingError(
    `No Chrome, Chromium or Edge found, and none could be installed (${failures.join('; ')}): ` +
      `install one by hand, or set ${BROWSER_VARIABLE} to its executable.`,
  );
}

function chosenByUser(): string | undefined {
  const chosen = process.env[BROWSER_VARIABLE];
  return chosen === '' ? undefined : chosen;
}

/** Every place where a browser usually is, best first. */
function candidates(): string[] {
  const places = [...onPath(), ...usualPlaces()];
  try {
    // Where Playwright's own download would be. Throws on platforms that it has no build for.
    places.push(chromium.executablePath());
  } catch {
    // Then there is no such place to look at.
  }
  return places;
}

function onPath(): string[] {
  if (process.platform === 'win32') return []; // Browsers' installers do not touch PATH there.
  const names = [
    'google-chrome-stable',
    'google-chrome',
    'chromium',
    'chromium-browser',
    'microsoft-edge-stable',
    'microsoft-edge',
  ];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

function usualPlaces(): string[] {
  if (process.platform === 'darwin') {
    return ['/Applications', join(homedir(), 'Applications')].flatMap((folder) => [
      join(folder, 'Google Chrome.app/Contents/MacOS/Google Chrome'),
      join(folder, 'Chromium.app/Contents/MacOS/Chromium'),
      join(folder, 'Microsoft Edge.app/Contents/MacOS/Microsoft Edge'),
    ]);
  }
  if (process.platform === 'win32') {
    return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
      .map((name) => process.env[name])
      .filter((folder) => folder !== undefined)
      .flatMap((folder) => [
        join(folder, 'Google\\Chrome\\Application\\chrome.exe'),
        join(folder, 'Chromium\\Application\\chrome.exe'),
        join(folder, 'Microsoft\\Edge\\Application\\msedge.exe'),
      ]);
  }
  return [
    '/opt/google/chrome/chrome',
    '/usr/bin/chromium',
    '/usr/lib/chromium/chromium',
    '/snap/bin/chromium',
    '/opt/microsoft/msedge/msedge',
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** One way to get a browser: commands that run one after the other, each of which must succeed. */
interface Installer {
  readonly what: string;
  readonly commands: readonly (readonly [command: string, ...args: string[]])[];
}

/** The ways that can work on this machine, best first. */
function installers(): Installer[] {
  const playwright: Installer = {
    what: "Playwright's Chromium",
    commands: [[process.execPath, playwrightCommand(), 'install', '--no-shell', 'chromium']],
  };
  if (!hasDebianChromium()) return [playwright];

  // Wait for another apt instead of failing, and keep quiet about progress.
  const apt = ['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'] as const;
  const debian: Installer = {
    what: "Debian's chromium package with apt-get",
    commands: [
      [...apt, 'update'],
      [...apt, 'install', '-y', '--no-install-recommends', 'chromium'],
    ],
  };
  return [debian, playwright];
}

function playwrightCommand(): string {
  return fileURLToPath(new URL('cli.js', import.meta.resolve('playwright-core')));
}

/** Whether apt can install a real `chromium` here. */
function hasDebianChromium(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  if (!isExecutable('/usr/bin/apt-get')) return false;
  try {
    // Ubuntu's package of that name only asks for a snap, which containers cannot install.
    return !/^ID=["']?ubuntu/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return true;
  }
}

/** Runs an installer's commands; what went wrong, or `undefined` when nothing did. */
async function install({ what, commands }: Installer): Promise<string | undefined> {
  for (const [command, ...args] of commands) {
    const outcome = await run(command, args);
    if (outcome !== 0) return `installing ${what} failed with ${String(outcome)}`;
  }
  return undefined;
}

/** A command's exit status, or why it has none. */
function run(command: string, args: readonly string[]): Promise<number | string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', process.stderr, process.stderr],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    child.on('error', (error) => {
      resolve(error.message);
    });
    child.on('exit', (status, signal) => {
      resolve(status ?? signal ?? 'no exit status');
    });
  });
}

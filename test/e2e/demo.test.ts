/** The `rankfall` command as a person runs it: a whole small demo, refused options, an interrupt. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DemoResult } from '../../src/cli/demo/verdict.ts';
import type { SoakResult } from '../../src/cli/soak/verdict.ts';

const COMMAND = fileURLToPath(new URL('../../src/cli/rankfall.mjs', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. `onOutput` sees stdout grow, and may end the command by a signal. */
function rankfall(
  args: readonly string[],
  onOutput: (stdout: string, interrupt: () => void) => void = () => undefined,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput(stdout, () => child.kill('SIGINT'));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
}

const profiles = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('rankfall-profile-'));

describe('rankfall demo', () => {
  it('trains, loses a tab, gains one, resumes, and ends where one undisturbed rank ends; its log runs again', async () => {
    const before = profiles();
    const log = join(mkdtempSync(join(tmpdir(), 'rankfall-log-')), 'run.log.gz');
    const args = '--json --engine cpu --ranks 3 --steps 30 --kill 1@8 --join 1@14'.split(' ');
    const { status, stdout, stderr } = await rankfall(['demo', ...args, '--log', log]);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as DemoResult;
    expect(result).toMatchObject({ ranks: 3, steps: 30, engine: 'cpu', parity: true, exact: true, ok: true });
    expect(result.finalHash).toBe(result.singleRankHash);
    expect(result.resumedFromStep).toBeGreaterThan(0);
    expect(result.lastLoss).toBeLessThan(result.firstLoss ?? 0);
    expect(result.recoveries).toMatchObject([{ cause: 'kill', lostSteps: 0 }]);
    expect(status).toBe(0);
    expect(profiles()).toEqual(before);

    const again = await rankfall(['replay', log, '--json']);
    rmSync(dirname(log), { recursive: true });
    expect(again).toMatchObject({ status: 0, stderr: '' });
    // Two of the first three tabs closed with the newcomer; three opened anew. The killed one took its log with it.
    expect(JSON.parse(again.stdout)).toMatchObject({
      verdict: 'held',
      divergence: null,
      ranks: 6,
      committed: 30,
      stateHash: result.finalHash,
    });
  });

  it('takes everything down when it is interrupted', async () => {
    const before = profiles();
    const { status, stderr } = await rankfall(['demo', '--engine', 'cpu'], (stdout, interrupt) => {
      if (stdout.includes('Training')) interrupt();
    });
    expect(stderr).toBe('rankfall: Stopped by SIGINT.\n');
    expect(status).toBe(130);
    expect(profiles()).toEqual(before);
  });
});

describe('rankfall soak', () => {
  it('kills, freezes and cuts as its seed says, brings the killed back, and ends where one undisturbed rank ends', async () => {
    const before = profiles();
    const args =
      '--json --engine cpu --ranks 3 --minutes 0.4 --fault-every 4 --faults kill,cut,freeze --seed 5';
    const { status, stdout, stderr } = await rankfall(['soak', ...args.split(' ')]);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as SoakResult;
    expect(result).toMatchObject({ violations: 0, falseEvictions: 0, leaks: 0, ok: true });
    expect(result.faults.map(({ kind }) => kind)).toEqual(['cut', 'freeze', 'kill']);
    const kill = result.faults.find(({ kind }) => kind === 'kill');
    expect(kill?.detectP99).toBeLessThan(1000);
    expect(kill?.lostSteps).toBe(0);
    expect(result.committedSteps).toBeGreaterThan(20);
    expect(result.finalHash).toBe(result.referenceHash);
    expect(status).toBe(0);
    expect(profiles()).toEqual(before);
  });
});

describe.concurrent('a bad option', () => {
  it.each([
    [['bogus'], "unknown command 'bogus'"],
    [['--bogus'], "unknown option '--bogus'"],
    [['demo', '--rank', '3'], "unknown option '--rank' (Did you mean --ranks?)"],
    [['demo', '--ranks', '0'], 'a whole number from 1 to 8'],
    [['demo', '--steps', '1e3'], 'a whole number from 10 to 100000'],
    [['demo', '--kill', '20'], 'Expected COUNT@STEP'],
    [['demo', '--kill', '4@20'], 'would leave no tab alive'],
    [['demo', '--engine', 'gpu'], 'Allowed choices are auto, webgpu, cpu'],
    [['demo', '--faults', '/no/such/file.json'], '/no/such/file.json'],
    [['demo', 'extra'], 'too many arguments'],
    [['soak', '--faults', 'kill,flood'], '"flood"'],
    [['soak', '--minutes', '0'], 'a number from 0.1 to 1440'],
  ])('in %j gets one line and exit status 2', async (args, text) => {
    const { status, stdout, stderr } = await rankfall(args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^rankfall: [^\n]+\n$/);
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });
});

/** The `rankfall` command as a person runs it: a whole small demo, refused options, an interrupt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DemoResult } from '../../src/cli/demo/verdict.ts';
import { profiles, rankfall } from '../support/command.ts';

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

// What a hunt has found is not lost, and an option that would mean nothing is refused.

import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calmExperiment } from '../../../src/simulator/experiment.ts';
import { encodeReplay } from '../../../src/simulator/replay.ts';
import { replayOf } from '../../../src/simulator/shrink.ts';
import { keepText } from '../../../src/cli/sim/files.ts';

const COMMAND = fileURLToPath(new URL('../../../src/cli/rankfall.mjs', import.meta.url));
const STARTS_MS = 60_000;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rankfall-hunt-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const rankfall = (...args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8', cwd: folder });

describe('a hunt', () => {
  test(
    'that could not write what it finds does not begin: one line, and exit status 2',
    () => {
      const out = join(folder, 'nowhere', 'found.json');
      const { status, stdout, stderr } = rankfall('hunt', '--seeds', '100000', '--out', out);
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^rankfall: .*found\.json cannot be written: [^\n]+\n$/u);
    },
    STARTS_MS,
  );

  test(
    'that finds nothing leaves no file',
    () => {
      const { status } = rankfall('hunt', '--seeds', '1', '--jobs', '1', '--out', 'nothing.json');
      expect(status).toBe(0);
      expect(existsSync(join(folder, 'nothing.json'))).toBe(false);
    },
    STARTS_MS,
  );

  test('keeps what it has found elsewhere, where the path has become one that cannot be written', () => {
    const kept = keepText(join(folder, 'gone', 'found.json'), 'a replay');
    expect(readFileSync(kept, 'utf8')).toBe('a replay');
    expect(readdirSync(join(kept, '..'))).toEqual(['found.json']);
    rmSync(join(kept, '..'), { recursive: true });
  });
});

describe('a replay as the scenario of a run', () => {
  test(
    'is run as it is, and refuses what it says for itself: one line, and exit status 2',
    () => {
      const path = join(folder, 'replay.json');
      writeFileSync(path, encodeReplay(replayOf(calmExperiment(7, 2, 3))));
      const run = rankfall('sim', '--scenario', path, '--json');
      expect(JSON.parse(run.stdout)).toMatchObject({ seed: 7, ranks: 2, steps: 3, verdict: 'held' });
      const { status, stdout, stderr } = rankfall('sim', '--scenario', path, '--seed', '1', '--steps', '9');
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^rankfall: .*replay\.json is a replay.*expected no --seed, --steps [^\n]+\n$/u);
    },
    STARTS_MS,
  );
});

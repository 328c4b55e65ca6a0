// What the demo, the soak and the server find out before they begin.

import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../../src/cli/rankfall.mjs', import.meta.url));
const STARTS_MS = 60_000;

const rankfall = (...args: readonly string[]) =>
  spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8', timeout: STARTS_MS });

describe('what could not be written', () => {
  test.each([
    ['demo', '--log'],
    ['demo', '--incident'],
    ['soak', '--incident'],
  ])(
    'is refused by %s %s before a browser is opened: one line, and exit status 2',
    (command, option) => {
      const path = join(tmpdir(), 'rankfall-nowhere', 'file.gz');
      const { status, stdout, stderr } = rankfall(command, option, path);
      expect(stderr).toMatch(/^rankfall: .*file\.gz cannot be written: [^\n]+\n$/u);
      expect(stdout).toBe('');
      expect(status).toBe(2);
    },
    STARTS_MS,
  );
});

describe('a port in use', () => {
  test(
    'is named, with what to do, and exit status 1',
    async () => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, 'localhost', resolve));
      const address = taken.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const { status, stderr } = rankfall('start', '--port', String(address.port));
      expect(stderr).toContain(`Port ${address.port} is already in use. Give another with --port`);
      expect(status).toBe(1);
      taken.close();
    },
    STARTS_MS,
  );
});

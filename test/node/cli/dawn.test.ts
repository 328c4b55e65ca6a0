import { expect, test } from 'vitest';
import { importFromBench } from '../../../src/cli/dawn.ts';
import { EXIT_USAGE, exitStatus } from '../../../src/cli/errors.ts';

test('a package that is not installed in bench/ is a usage error that names the command to install it', async () => {
  const error: unknown = await importFromBench('no-such-package').catch((thrown: unknown) => thrown);
  expect(exitStatus(error)).toBe(EXIT_USAGE);
  expect(String(error)).toContain(
    '"no-such-package" is not installed: run "npm --prefix bench install" first.',
  );
});

// Links node_modules/.bin/rankfall to this package's own command, so that `npx rankfall` works after `npm ci`
// alone: npm links the commands of dependencies, but not those of the package that it is run in.
// Runs as the package's postinstall, and so must never fail an install: a missing link costs only a shortcut
// (`npm run rankfall` needs none), hence the warning instead of an error.
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

try {
  // Without that folder nothing was installed here (a global install, another package manager's layout).
  if (existsSync(bin)) {
    if (process.platform === 'win32') {
      writeFileSync(
        join(bin, 'rankfall.cmd'),
        '@ECHO off\r\nnode "%~dp0\\..\\..\\src\\cli\\rankfall.mjs" %*\r\n',
      );
    } else {
      chmodSync(join(root, 'src', 'cli', 'rankfall.mjs'), 0o755);
      rmSync(join(bin, 'rankfall'), { force: true });
      symlinkSync('../../src/cli/rankfall.mjs', join(bin, 'rankfall'));
    }
  }
} catch (error) {
  console.warn(`rankfall: could not link the command (${String(error)}); use "npm run rankfall --" instead.`);
}

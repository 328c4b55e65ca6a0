// What `npm test` runs: makes sure of a browser, then three Vitest projects one after the other, with `--long` (`npm run test:all`)
// the long tests as well, stopping at the first that fails. The last line printed is the total over all of them, `N passed, N failed`, for whoever
// reads it by program.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const PROJECTS = ['node', 'browser', 'e2e', ...(process.argv.includes('--long') ? ['long'] : [])];
const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs one project and counts its tests. A failure that is no test's (a file that does not load) counts as one. */
function runProject(project, reports) {
  const report = join(reports, `${project}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...['--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const { numPassedTests: passed = 0, numFailedTests = 0 } = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : {};
  return { passed, failed: status === 0 ? numFailedTests : Math.max(numFailedTests, 1) };
}

const total = { passed: 0, failed: 0 };
const reports = mkdtempSync(join(tmpdir(), 'rankfall-test-'));
try {
  register(); // From here on, TypeScript loads.
  const { ensureBrowser } = await import('../src/cli/browser.ts');
  await ensureBrowser({ log: (line) => console.log(line) });

  for (const project of PROJECTS) {
    const { passed, failed } = runProject(project, reports);
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) break;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  total.failed += 1;
} finally {
  rmSync(reports, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

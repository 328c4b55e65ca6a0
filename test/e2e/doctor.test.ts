// `rankfall doctor` as somebody runs it on their machine: the real server, a real browser.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { lanAddresses } from '../../src/server/lan.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { readonly check: string; readonly state: string; readonly found: string }[];
}

async function doctor(...options: readonly string[]): Promise<Report> {
  const command = [`${ROOT}src/cli/rankfall.mjs`, 'doctor', '--json', ...options];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: ROOT });
  return JSON.parse(stdout) as Report;
}

const stateOf = ({ findings }: Report, check: string): string | undefined =>
  findings.find((finding) => finding.check === check)?.state;

describe('rankfall doctor', () => {
  test('finds well what the other tests live on: server, secure context, storage, locks, WebRTC and relay', async () => {
    const report = await doctor();
    const checks = ['Node', 'server', 'browser', 'secure context', 'storage', 'Web Locks', 'WebRTC', 'relay'];
    expect(checks.map((check) => [check, stateOf(report, check)])).toEqual(
      checks.map((check) => [check, 'ok']),
    );
    expect(report.ok).toBe(true);
  });

  test.skipIf(lanAddresses().length === 0)(
    'reaches the relay over HTTPS with a certificate made here, and says what cannot be seen from here',
    async () => {
      const report = await doctor('--lan');
      expect(stateOf(report, 'relay')).toBe('ok');
      expect(stateOf(report, 'certificate')).toBe('warning');
      expect(stateOf(report, 'other machines')).toBe('warning');
      expect(report.ok).toBe(true);
    },
  );
});

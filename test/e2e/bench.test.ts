/** `rankfall bench` in real tabs: the figures belong together, and every sum is checked where it is measured. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const RANKFALL = fileURLToPath(new URL('../../src/cli/rankfall.mjs', import.meta.url));

const rankfall = (...options: readonly string[]) =>
  spawnSync(process.execPath, [RANKFALL, ...options], { encoding: 'utf8', timeout: 150_000 });

test('bench allreduce compares the ring with a bare channel, a star and PeerJS', () => {
  const { status, stdout, stderr } = rankfall('bench', 'allreduce', '--ranks', '3', '--mib', '0.1', '--json');
  expect(stderr).toContain('Opening 3 tabs.');
  expect(status).toBe(0);
  const { rows } = JSON.parse(stdout) as { rows: Record<string, number>[] };
  expect(rows).toHaveLength(1);
  const { ranks, mib, ms = 0, busMBps = 0, rawMBps = 0, ratio, starMs, peerjsMs } = rows[0] ?? {};
  expect({ ranks, mib }).toEqual({ ranks: 3, mib: 0.1 });
  expect(busMBps).toBeCloseTo(((4 / 3) * Math.round(0.1 * 1024 * 1024)) / ms / 1000, 6);
  expect(ratio).toBeCloseTo(busMBps / rawMBps, 6);
  expect(starMs).toBeGreaterThan(0);
  expect(peerjsMs).toBeGreaterThan(0);
});

test('a list that makes no sense is refused in one line with status 2', () => {
  const { status, stderr } = rankfall('bench', 'allreduce', '--ranks', '2,one');
  expect(status).toBe(2);
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringContaining('Expected whole numbers from 2 to 16') as unknown,
  ]);
});

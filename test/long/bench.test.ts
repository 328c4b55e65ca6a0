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
  const report = JSON.parse(stdout) as { rows: Record<string, number>[] };
  expect(Object.keys(report)).toEqual(['rows']);
  expect(report.rows).toHaveLength(1);
  const [row = {}] = report.rows;
  expect(Object.keys(row)).toEqual([
    'ranks',
    'mib',
    'ms',
    'busMBps',
    'rawMBps',
    'ratio',
    'starMs',
    'peerjsMs',
  ]);
  const { ranks, mib, ms = 0, busMBps = 0, rawMBps = 0, ratio, starMs, peerjsMs } = row;
  expect({ ranks, mib }).toEqual({ ranks: 3, mib: 0.1 });
  expect(busMBps).toBeCloseTo(((4 / 3) * Math.round(0.1 * 1024 * 1024)) / ms / 1000, 6);
  expect(ratio).toBeCloseTo(busMBps / rawMBps, 6);
  expect(starMs).toBeGreaterThan(0);
  expect(peerjsMs).toBeGreaterThan(0);
  const beside =
    /Among 3 ranks: 1 KiB in (?<small>[\d.]+) ms; .* (?<p99>[\d.]+) ms at p99; at most (?<kib>\d+) KiB/.exec(
      stderr,
    )?.groups;
  expect(Number(beside?.['small'])).toBeGreaterThan(0);
  expect(Number(beside?.['p99'])).toBeGreaterThan(0);
  expect(Number(beside?.['kib'])).toBeLessThan(1024);
});

test.each(['cpu', 'webgpu'])('bench matmul measures every transposition on %s beside its cost', (engine) => {
  const { status, stdout, stderr } = rankfall(
    'bench',
    'matmul',
    '--engine',
    engine,
    '--sizes',
    '33',
    '--json',
  );
  expect(stderr).toContain('TN 33');
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as {
    engine: string;
    rows: { size: number; transpose: string; ms: number; gflops: number; intensity: number }[];
    costModel: { copyGBps: number };
  };
  expect(report.engine).toBe(engine);
  expect(report.rows.map(({ transpose }) => transpose)).toEqual(['NN', 'NT', 'TN']);
  for (const { ms, gflops, intensity } of report.rows) {
    expect(gflops).toBeCloseTo((2 * 33 ** 3) / ms / 1e6, 6);
    expect(intensity).toBeCloseTo(33 / 6, 6);
  }
  expect(report.costModel.copyGBps).toBeGreaterThan(0);
});

test('peers of the CPU engine are refused in one line with status 2', () => {
  const { status, stderr } = rankfall('bench', 'matmul', '--engine', 'cpu', '--peers');
  expect(status).toBe(2);
  expect(stderr.trim()).toBe(
    'rankfall: The peers run on WebGPU: expected --peers with --engine webgpu or dawn.',
  );
});

test('a list that makes no sense is refused in one line with status 2', () => {
  const { status, stderr } = rankfall('bench', 'allreduce', '--ranks', '2,one');
  expect(status).toBe(2);
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringContaining('Expected whole numbers from 2 to 16') as unknown,
  ]);
});

test('bench checkpoint saves, loads and verifies behind a page that is never blocked', () => {
  const { status, stdout } = rankfall('bench', 'checkpoint', '--mib', '1', '--json');
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as {
    rows: Record<'mib' | 'saveMs' | 'heldUpMs' | 'loadMs' | 'verifyMs', number>[];
    pageBlockedMs: number;
    digits: { heldUpMs: number; overheadShare: number };
  };
  expect(report.rows.map(({ mib }) => mib)).toEqual([1]);
  for (const row of report.rows) {
    expect(Object.keys(row)).toEqual(['mib', 'saveMs', 'heldUpMs', 'loadMs', 'verifyMs']);
    for (const value of Object.values(row)) expect(value).toBeGreaterThan(0);
    expect(row.heldUpMs).toBeLessThan(row.saveMs);
  }
  expect(report.pageBlockedMs).toBe(0);
  expect(report.digits.overheadShare).toBeLessThan(0.01);
});

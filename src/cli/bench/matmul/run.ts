// Measures a target at every size and transposition, next to its peers.

import { matmulRow, TRANSPOSES, type MatmulReport, type MatmulRow, type MatmulTarget } from './report.ts';

/** Where a person asks for none: what the issue of speed is about on a GPU, and what takes seconds without one. */
const GPU_SIZES = [512, 1024, 2048, 4096];
const SOFTWARE_SIZES = [64, 128, 256];

export async function measureMatmul(
  engine: MatmulReport['engine'],
  target: MatmulTarget,
  sizes: readonly number[] | undefined,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<MatmulReport> {
  const { adapter, software, timer } = target;
  log(`Measuring on ${adapter}.`);
  const bandwidth = await target.copyBandwidth();
  const rows: MatmulRow[] = [];
  for (const size of sizes ?? (software ? SOFTWARE_SIZES : GPU_SIZES)) {
    for (const transpose of TRANSPOSES) {
      signal.throwIfAborted();
      const measured = await target.measure(size, transpose);
      const row = matmulRow(measured, bandwidth.copyGBps, await target.measurePeers(size, transpose));
      rows.push(row);
      log(`${transpose} ${size}: ${row.gflops.toFixed(1)} GFLOP/s.`);
    }
  }
  return { engine, adapter, software, rows, costModel: { ...bandwidth, timer } };
}

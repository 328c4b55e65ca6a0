// What `rankfall bench matmul` measures and reports: the types that its command, its page and its devices share.

export const TRANSPOSES = ['NN', 'NT', 'TN'] as const;
/** Which operands are stored transposed: forward, the gradient of the inputs and that of the weights need one each. */
export type Transpose = (typeof TRANSPOSES)[number];

/** One product as measured. A GPU's figures are medians over several submits of many dispatches each. */
export interface Measured {
  readonly size: number;
  readonly transpose: Transpose;
  /** The fastest of the tilings that can run here, which is what tuning would pin. */
  readonly kernel: string;
  /** Milliseconds by tiling. */
  readonly tilings: Readonly<Record<string, number>>;
  /** Of one product: by the GPU's own clock where it offers timestamps, else as `wallMs`. */
  readonly ms: number;
  /** From submit until the queue is empty, divided by the number of products. */
  readonly wallMs: number;
}

export interface PeerRow {
  readonly gflops: number;
  /** How many times faster the product is, both by the wall clock. */
  readonly ratio: number;
}

export interface MatmulRow extends Measured {
  readonly gflops: number;
  readonly wallGflops: number;
  readonly flops: number;
  /** Each operand read once and the result written once: the least that memory must move. */
  readonly bytes: number;
  /** FLOPs a byte. */
  readonly intensity: number;
  /** What memory allows: intensity times copy bandwidth. */
  readonly rooflineGflops: number;
  readonly peers: Readonly<Record<string, PeerRow>>;
}

export interface CostModel {
  /** 10⁹ bytes a second, read and written together, of a copy too large for the caches. */
  readonly copyGBps: number;
  readonly copyBytes: number;
  readonly timer: 'timestamp-query' | 'wall';
}

export interface MatmulReport {
  readonly engine: 'cpu' | 'webgpu' | 'dawn';
  readonly adapter: string;
  readonly software: boolean;
  readonly rows: readonly MatmulRow[];
  readonly costModel: CostModel;
}

/** What a device, or the CPU, offers the benchmark. */
export interface MatmulTarget {
  readonly adapter: string;
  readonly software: boolean;
  readonly timer: CostModel['timer'];
  /** Rejects when the product is wrong. */
  measure(size: number, transpose: Transpose): Promise<Measured>;
  copyBandwidth(): Promise<Pick<CostModel, 'copyBytes' | 'copyGBps'>>;
  /** Milliseconds of one product by each peer. */
  measurePeers(size: number, transpose: Transpose): Promise<Readonly<Record<string, number>>>;
}

export function matmulRow(
  measured: Measured,
  copyGBps: number,
  peers: Readonly<Record<string, number>>,
): MatmulRow {
  const { size, ms, wallMs } = measured;
  const flops = 2 * size * size * size;
  const bytes = 4 * 3 * size * size;
  const intensity = flops / bytes;
  return {
    ...measured,
    gflops: flops / ms / 1e6,
    wallGflops: flops / wallMs / 1e6,
    flops,
    bytes,
    intensity,
    rooflineGflops: intensity * copyGBps,
    peers: Object.fromEntries(
      Object.entries(peers).map(([name, peerMs]) => [
        name,
        { gflops: flops / peerMs / 1e6, ratio: peerMs / wallMs },
      ]),
    ),
  };
}

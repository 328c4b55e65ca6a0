// What the benchmark's command, its pages and their workers say to each other.

/** One measurement on one rank. All ranks of it are told the same, except for `rank`. */
export interface Run {
  /**
   * `ring`: the product's all-reduce over its transport. `star`: everybody sends to rank 0, which adds up and sends back, over the same
   * transport. `raw`: a bare sender and receiver loop on a data channel to the next rank, everybody at once. `peerjs`: the product's
   * ring over PeerJS's own connections and serialization. `pinged-ring`: the ring, while each rank pings the next one on control.
   */
  readonly kind: 'ring' | 'star' | 'raw' | 'peerjs' | 'pinged-ring';
  readonly rank: number;
  /** By rank. */
  readonly members: readonly string[];
  /** Of the vector; for `raw`, sent in each round. */
  readonly bytes: number;
  readonly rounds: number;
  /** Sets the rounds of one run apart from those of another. */
  readonly epoch: number;
}

/** On one rank: from its first round's start to its last one's end. */
export interface Measured {
  readonly ms: number;
  readonly rounds: number;
  /** `pinged-ring`: of control messages to the next rank and back. */
  readonly roundTripsMs: readonly number[];
  /** The most that any data channel of the transport buffered, so far. */
  readonly mostBufferedBytes: number;
}

/** `window.bench` of a page. */
export interface BenchDoor {
  readonly member: string;
  /** Opens the bare channel and the PeerJS connection to the next rank, and takes those of the one before. */
  connect(room: string, rank: number, world: number): Promise<void>;
  /** How many peers the transport has linked. */
  links(): Promise<number>;
  run(run: Run): Promise<Measured>;
}

/** Longest frame of the bare loop: what the transport's bulk lane sends. */
export const RAW_FRAME_BYTES = 64 * 1024;
/** The bare loop holds back at this many buffered bytes. */
export const RAW_HIGH_WATER_BYTES = 1024 * 1024;

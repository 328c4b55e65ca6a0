// How the swarm draws each kind of fault.

import type { AnyFault } from '../faults/vocabulary.ts';
import type { Entropy } from './random.ts';

type FaultMakers = {
  readonly [Kind in AnyFault['kind']]: (
    entropy: Entropy,
    ranks: number,
  ) => Extract<AnyFault, { readonly kind: Kind }>;
};

const duration = (entropy: Entropy): number =>
  entropy.between('workload', 'duration', 20, entropy.pick('workload', 'longest', [800, 4000, 20_000]));
const peer = (entropy: Entropy, ranks: number): number => entropy.between('workload', 'peer', 0, ranks + 1);

/** Draws a fault of this kind against a room of this many. */
export const drawFault = <Kind extends AnyFault['kind']>(
  kind: Kind,
  entropy: Entropy,
  ranks: number,
): Extract<AnyFault, { readonly kind: Kind }> => MAKERS[kind](entropy, ranks);

export const MAKERS: FaultMakers = {
  close: () => ({ kind: 'close' }),
  kill: () => ({ kind: 'kill' }),
  open: () => ({ kind: 'open' }),
  reload: () => ({ kind: 'reload' }),
  freeze: (e) => ({ kind: 'freeze', forMs: duration(e) }),
  cut: (e, n) => ({
    kind: 'cut',
    to: peer(e, n),
    direction: e.pick('workload', 'direction', ['both', 'in', 'out'] as const),
    forMs: duration(e),
  }),
  delay: (e, n) => ({
    kind: 'delay',
    to: peer(e, n),
    ms: e.between('workload', 'delay', 5, 3000),
    forMs: duration(e),
  }),
  jitter: (e, n) => ({
    kind: 'jitter',
    to: peer(e, n),
    ms: e.between('workload', 'jitter', 5, 1000),
    forMs: duration(e),
  }),
  'limit-bandwidth': (e, n) => ({
    kind: 'limit-bandwidth',
    to: peer(e, n),
    bytesPerSecond: e.pick('workload', 'bandwidth', [100_000, 10_000, 1000]),
    forMs: duration(e),
  }),
  corrupt: (e, n) => ({ kind: 'corrupt', to: peer(e, n), chance: 0.2, forMs: duration(e) }),
  'exhaust-gpu': (e) => ({ kind: 'exhaust-gpu', forMs: duration(e) }),
  'refuse-gpu': (e) => ({ kind: 'refuse-gpu', forMs: duration(e) }),
  'fill-queue': (e, n) => ({
    kind: 'fill-queue',
    to: peer(e, n),
    closes: e.chance('workload', 'closes', 0.5),
    forMs: duration(e),
  }),
  'refuse-storage': (e) => ({ kind: 'refuse-storage', forMs: duration(e) }),
  'limit-storage': (e) => ({
    kind: 'limit-storage',
    maxBytes: e.pick('workload', 'room', [100, 40, 0]),
    forMs: duration(e),
  }),
  'loader-throws': (e) => ({ kind: 'loader-throws', times: e.between('workload', 'times', 1, 5) }),
  'loader-hangs': (e) => ({ kind: 'loader-hangs', forMs: duration(e) }),
  'loader-garbles': (e) => ({
    kind: 'loader-garbles',
    how: e.pick('workload', 'how', ['short', 'labels', 'non-finite'] as const),
    times: e.between('workload', 'times', 1, 5),
  }),
  'bad-sample': () => ({ kind: 'bad-sample' }),
  'oversize-buffer': (e) => ({ kind: 'oversize-buffer', times: e.between('workload', 'times', 1, 5) }),
  'lose-data': (e) => ({
    kind: 'lose-data',
    how: e.pick('workload', 'how', ['missing', 'truncated'] as const),
    forMs: duration(e),
  }),
  'lose-signalling': (e) => ({ kind: 'lose-signalling', forMs: duration(e) }),
  'hog-cpu': (e) => ({
    kind: 'hog-cpu',
    where: e.pick('workload', 'where', ['worker', 'page'] as const),
    forMs: duration(e),
  }),
  'grow-memory': () => ({ kind: 'grow-memory' }),
  'fill-storage': (e) => ({ kind: 'fill-storage', forMs: duration(e) }),
  'flip-bit': (e) => ({
    kind: 'flip-bit',
    where: e.pick('workload', 'where', ['parameters', 'moments'] as const),
  }),
  'hang-kernel': (e) => ({ kind: 'hang-kernel', forMs: duration(e) }),
  'stall-collective': (e, n) => ({ kind: 'stall-collective', to: peer(e, n), forMs: duration(e) }),
  'reconnect-storm': (e, n) => ({
    kind: 'reconnect-storm',
    to: peer(e, n),
    everyMs: e.between('workload', 'every', 100, 1000),
    forMs: duration(e),
  }),
  'lose-device': () => ({ kind: 'lose-device' }),
  'lose-gpu-process': () => ({ kind: 'lose-gpu-process' }),
  'lose-gpu-for-good': () => ({ kind: 'lose-gpu-for-good' }),
  nan: () => ({ kind: 'nan' }),
  'slow-gpu': (e) => ({
    kind: 'slow-gpu',
    factor: e.pick('workload', 'factor', [3, 10, 100]),
    forMs: duration(e),
  }),
  'slow-map': (e) => ({ kind: 'slow-map', ms: e.between('workload', 'map', 5, 2000), forMs: duration(e) }),
  'reset-link': (e, n) => ({ kind: 'reset-link', to: peer(e, n) }),
  'silent-link': (e, n) => ({ kind: 'silent-link', to: peer(e, n), forMs: duration(e) }),
  'hold-link': (e, n) => ({ kind: 'hold-link', to: peer(e, n), forMs: duration(e) }),
  'repeat-late': (e, n) => ({
    kind: 'repeat-late',
    to: peer(e, n),
    chance: 0.3,
    ms: duration(e),
    forMs: duration(e),
  }),
  partition: (e, n) => ({
    kind: 'partition',
    side: e.between('workload', 'side', 1, (1 << Math.min(n, 20)) - 1),
    forMs: duration(e),
  }),
  'ambiguous-storage': (e) => ({ kind: 'ambiguous-storage', forMs: duration(e) }),
  'damage-checkpoint': () => ({ kind: 'damage-checkpoint' }),
  'evict-checkpoints': () => ({ kind: 'evict-checkpoints' }),
  mute: (e) => ({ kind: 'mute', forMs: duration(e) }),
  hide: (e) => ({ kind: 'hide', forMs: duration(e) }),
  'clock-drift': (e) => ({ kind: 'clock-drift', rate: e.pick('workload', 'rate', [1.01, 0.99, 1.2, 0.8]) }),
  'clock-jump': (e) => ({ kind: 'clock-jump', ms: duration(e) }),
  command: (e) => ({
    kind: 'command',
    command: e.pick('workload', 'command', [
      'start',
      'pause',
      'checkpoint',
      'force',
      'leave',
      'leave',
      'leave',
      'leave',
    ] as const),
  }),
};

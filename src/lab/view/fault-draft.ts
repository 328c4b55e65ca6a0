// A fault being put together in the palette: which fields each kind has, and the fault that comes of them. Pure.

import type { Fault, FaultKind, FaultOf } from '../../faults/vocabulary.ts';

export interface FaultDraft {
  readonly kind: FaultKind;
  /** A peer's rank number; undefined: all peers. */
  readonly to: number | undefined;
  readonly direction: 'both' | 'in' | 'out';
  readonly delayMs: number;
  readonly chance: number;
  readonly times: number;
  readonly maxBytes: number;
  readonly bytesPerSecond: number;
  readonly room: number;
  readonly factor: number;
  readonly how: FaultOf<'loader-garbles'>['how'];
  readonly where: FaultOf<'flip-bit'>['where'];
  /** Undefined: until healed. */
  readonly forMs: number | undefined;
}

export type FaultField =
  | 'to'
  | 'direction'
  | 'delayMs'
  | 'chance'
  | 'times'
  | 'maxBytes'
  | 'bytesPerSecond'
  | 'room'
  | 'forMs'
  /** A duration that must be there. */
  | 'boundedMs'
  | 'factor'
  | 'how'
  | 'where';

const KIB = 1024;
const MIB = 1024 * 1024;

export const FIRST_DRAFT: FaultDraft = {
  kind: 'freeze',
  to: undefined,
  direction: 'both',
  delayMs: 200,
  chance: 0.01,
  times: 1,
  maxBytes: 1024 * MIB,
  bytesPerSecond: 64 * KIB,
  room: 4 * MIB,
  factor: 10,
  how: 'short',
  where: 'parameters',
  forMs: 5000,
};

/** The choices that the palette offers; schedule files may say any number. */
export const CHOICES = {
  forMs: [2000, 5000, 15_000, 60_000],
  delayMs: [20, 200, 1000, 5000],
  chance: [0.0001, 0.01, 0.1],
  times: [1, 3, 10],
  maxBytes: [256 * MIB, 1024 * MIB, 4096 * MIB],
  bytesPerSecond: [4 * KIB, 64 * KIB, 1024 * KIB],
  room: [0, 4 * MIB, 16 * MIB],
  factor: [2, 10, 100],
  how: ['short', 'labels', 'non-finite'],
  where: ['parameters', 'moments', 'gradient'],
} as const;

export function fieldsOf(kind: FaultKind): readonly FaultField[] {
  switch (kind) {
    case 'kill':
    case 'close':
    case 'lose-device':
    case 'nan':
    case 'damage-checkpoint':
    case 'evict-checkpoints':
      return [];
    case 'freeze':
      return ['boundedMs'];
    case 'cut':
      return ['to', 'direction', 'forMs'];
    case 'delay':
    case 'jitter':
      return ['to', 'delayMs', 'forMs'];
    case 'limit-bandwidth':
      return ['to', 'bytesPerSecond', 'forMs'];
    case 'repeat-late':
      return ['to', 'chance', 'delayMs', 'forMs'];
    case 'reset-link':
      return ['to'];
    case 'slow-gpu':
      return ['factor', 'boundedMs'];
    case 'slow-map':
      return ['delayMs', 'boundedMs'];
    case 'hang-kernel':
    case 'partition':
      return ['boundedMs'];
    case 'silent-link':
    case 'stall-collective':
    case 'reconnect-storm':
      return ['to', 'boundedMs'];
    case 'clock-jump':
      return ['delayMs'];
    case 'flip-bit':
      return ['where'];
    case 'loader-garbles':
      return ['how', 'times', 'forMs'];
    case 'limit-storage':
      return ['room', 'forMs'];
    case 'corrupt':
      return ['to', 'chance', 'forMs'];
    case 'exhaust-gpu':
      return ['maxBytes', 'forMs'];
    case 'fill-queue':
    case 'hold-link':
      return ['to', 'forMs'];
    case 'loader-throws':
      return ['times', 'forMs'];
    case 'refuse-gpu':
    case 'refuse-storage':
    case 'ambiguous-storage':
    case 'loader-hangs':
    case 'bad-sample':
    case 'lose-data':
    case 'lose-signalling':
    case 'clock-drift':
      return ['forMs'];
    case 'hide':
    case 'mute':
    case 'hog-cpu':
      return ['boundedMs'];
    case 'oversize-buffer':
      return ['times', 'forMs'];
    case 'grow-memory':
    case 'fill-storage':
      return ['maxBytes', 'forMs'];
  }
}

export function buildFault(draft: FaultDraft): Fault {
  const forMs = draft.forMs === undefined ? {} : { forMs: draft.forMs };
  const to = draft.to === undefined ? {} : { to: draft.to };
  const bounded = { forMs: draft.forMs ?? CHOICES.forMs[1] };
  const { kind } = draft;
  switch (kind) {
    case 'kill':
    case 'close':
    case 'lose-device':
    case 'nan':
    case 'damage-checkpoint':
    case 'evict-checkpoints':
      return { kind };
    case 'freeze':
    case 'hang-kernel':
    case 'partition':
      return { kind, ...bounded };
    case 'slow-gpu':
      return { kind, factor: draft.factor, ...bounded };
    case 'slow-map':
      return { kind, ms: draft.delayMs, ...bounded };
    case 'silent-link':
    case 'stall-collective':
      return { kind, ...to, ...bounded };
    case 'reconnect-storm':
      return { kind, ...to, everyMs: 500, ...bounded };
    case 'clock-jump':
      return { kind, ms: draft.delayMs };
    case 'flip-bit':
      return { kind, where: draft.where };
    case 'loader-garbles':
      return { kind, how: draft.how, times: draft.times, ...forMs };
    case 'cut':
      return { kind, ...to, direction: draft.direction, ...forMs };
    case 'delay':
    case 'jitter':
      return { kind, ...to, ms: draft.delayMs, ...forMs };
    case 'limit-bandwidth':
      return { kind, ...to, bytesPerSecond: draft.bytesPerSecond, ...forMs };
    case 'repeat-late':
      return { kind, ...to, chance: draft.chance, ms: draft.delayMs, ...forMs };
    case 'reset-link':
      return { kind, ...to };
    case 'limit-storage':
      return { kind, maxBytes: draft.room, ...forMs };
    case 'corrupt':
      return { kind, ...to, chance: draft.chance, ...forMs };
    case 'exhaust-gpu':
      return { kind, maxBytes: draft.maxBytes, ...forMs };
    case 'fill-queue':
    case 'hold-link':
      return { kind, ...to, ...forMs };
    case 'loader-throws':
      return { kind, times: draft.times, ...forMs };
    case 'refuse-gpu':
    case 'refuse-storage':
    case 'ambiguous-storage':
    case 'loader-hangs':
    case 'bad-sample':
    case 'lose-signalling':
      return { kind, ...forMs };
    case 'lose-data':
      return { kind, how: 'missing', ...forMs };
    case 'hide':
    case 'mute':
      return { kind, ...bounded };
    case 'hog-cpu':
      return { kind, where: 'worker', ...bounded };
    case 'clock-drift':
      return { kind, rate: 1.25, ...forMs };
    case 'oversize-buffer':
      return { kind, times: draft.times, ...forMs };
    case 'grow-memory':
    case 'fill-storage':
      return { kind, maxBytes: draft.maxBytes, ...forMs };
  }
}

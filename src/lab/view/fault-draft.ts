// A fault being put together in the palette: which fields each kind has, and the fault that comes of them. Pure.

import type { Fault, FaultKind } from '../../faults/vocabulary.ts';

export interface FaultDraft {
  readonly kind: FaultKind;
  /** A peer's rank number; undefined: all peers. */
  readonly to: number | undefined;
  readonly direction: 'both' | 'in' | 'out';
  readonly delayMs: number;
  readonly chance: number;
  readonly times: number;
  readonly maxBytes: number;
  /** Undefined: until healed. */
  readonly forMs: number | undefined;
}

export type FaultField =
  'to' | 'direction' | 'delayMs' | 'chance' | 'times' | 'maxBytes' | 'forMs' | 'freezeMs';

const MIB = 1024 * 1024;

export const FIRST_DRAFT: FaultDraft = {
  kind: 'freeze',
  to: undefined,
  direction: 'both',
  delayMs: 200,
  chance: 0.01,
  times: 1,
  maxBytes: 1024 * MIB,
  forMs: 5000,
};

/** The choices that the palette offers; schedule files may say any number. */
export const CHOICES = {
  forMs: [2000, 5000, 15_000, 60_000],
  delayMs: [20, 200, 1000, 5000],
  chance: [0.0001, 0.01, 0.1],
  times: [1, 3, 10],
  maxBytes: [256 * MIB, 1024 * MIB, 4096 * MIB],
} as const;

export function fieldsOf(kind: FaultKind): readonly FaultField[] {
  switch (kind) {
    case 'kill':
    case 'close':
      return [];
    case 'freeze':
      return ['freezeMs'];
    case 'cut':
      return ['to', 'direction', 'forMs'];
    case 'delay':
      return ['to', 'delayMs', 'forMs'];
    case 'corrupt':
      return ['to', 'chance', 'forMs'];
    case 'exhaust-gpu':
      return ['maxBytes', 'forMs'];
    case 'fill-queue':
      return ['to', 'forMs'];
    case 'loader-throws':
      return ['times', 'forMs'];
    case 'refuse-gpu':
    case 'refuse-storage':
    case 'loader-hangs':
      return ['forMs'];
  }
}

export function buildFault(draft: FaultDraft): Fault {
  const forMs = draft.forMs === undefined ? {} : { forMs: draft.forMs };
  const to = draft.to === undefined ? {} : { to: draft.to };
  const { kind } = draft;
  switch (kind) {
    case 'kill':
    case 'close':
      return { kind };
    case 'freeze':
      return { kind, forMs: draft.forMs ?? CHOICES.forMs[1] };
    case 'cut':
      return { kind, ...to, direction: draft.direction, ...forMs };
    case 'delay':
      return { kind, ...to, ms: draft.delayMs, ...forMs };
    case 'corrupt':
      return { kind, ...to, chance: draft.chance, ...forMs };
    case 'exhaust-gpu':
      return { kind, maxBytes: draft.maxBytes, ...forMs };
    case 'fill-queue':
      return { kind, ...to, ...forMs };
    case 'loader-throws':
      return { kind, times: draft.times, ...forMs };
    case 'refuse-gpu':
    case 'refuse-storage':
    case 'loader-hangs':
      return { kind, ...forMs };
  }
}

// What the ways of an all-reduce have in common: the running sum, parts of it on their way, and where lanes are cut into them.

import type { LaneLayout } from '../lanes.ts';

export interface OutgoingPart {
  readonly toRank: number;
  readonly part: number;
  /** Not to be changed; the same array may go to several. */
  readonly payload: Int32Array<ArrayBuffer>;
}

export interface MissingPart {
  readonly fromRank: number;
  readonly part: number;
}

export type PartOutcome =
  | { readonly kind: 'progress'; readonly out: readonly OutgoingPart[] }
  /** A duplicate: nothing to do. */
  | { readonly kind: 'ignored' }
  /** The part cannot belong to this all-reduce. */
  | { readonly kind: 'invalid'; readonly wrong: 'place' | 'size'; readonly detail: string };

/** Of one bucket, whichever way it goes. */
export interface Reduction {
  readonly rank: number;
  readonly world: number;
  readonly layout: LaneLayout;
  /** The bucket's first lane. */
  readonly start: number;
  /** The running result; complete when `complete` says so. */
  readonly lanes: Int32Array<ArrayBuffer>;
  complete: boolean;
}

/** A part that came from somebody who does not send it. */
export const misplaced = (detail: string): PartOutcome => ({ kind: 'invalid', wrong: 'place', detail });

export const missized = (found: number, expected: number): PartOutcome => ({
  kind: 'invalid',
  wrong: 'size',
  detail: `${found} lanes where ${expected} were expected`,
});

/**
 * Lanes of one part, at most, where there are segments: little to wait for and much beside its header. Just less than 128 KiB, so that part
 * and header fill two frames of the transport, and no third one travels for the rest of them.
 */
export const PART_LANES = 32 * 1024 - 128;
const MAX_SEGMENTS = 512;

/** In how many segments lanes go, of which a part holds one or a share of one. */
export const segmentsFor = (lanesInPart: number): number =>
  Math.max(1, Math.min(MAX_SEGMENTS, Math.ceil(lanesInPart / PART_LANES)));

export interface Span {
  readonly start: number;
  readonly end: number;
}

const bound = (length: number, world: number, chunk: number): number => Math.floor((chunk * length) / world);

/** The lanes of one of so many chunks of a segment. Segments follow each other. */
export function chunkSpan(
  lanes: number,
  segments: number,
  segment: number,
  chunks: number,
  chunk: number,
): Span {
  const start = bound(lanes, segments, segment);
  const length = bound(lanes, segments, segment + 1) - start;
  return { start: start + bound(length, chunks, chunk), end: start + bound(length, chunks, chunk + 1) };
}

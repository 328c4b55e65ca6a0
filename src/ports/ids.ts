// Branded identifiers: strings that the compiler keeps apart, so that a seat is never used as a member.

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** 128 random bits as 32 hex digits; new at every page load and never reused. */
export type MemberId = Branded<string, 'MemberId'>;
/** A voter: its ballots live in a browser profile's IndexedDB. 32 hex digits. */
export type SeatId = Branded<string, 'SeatId'>;
/**
 * A line of generations with one founder: `<depth>-<32 hex digits>`, depth in 8 hex digits. A founded child has a greater
 * depth than its parent, so that plain string order puts a child after its parent.
 */
export type IncarnationId = Branded<string, 'IncarnationId'>;
/** 128-bit digest of a training state, 32 hex digits (see `StateDigest` in collective/digest.ts). */
export type StateHash = Branded<string, 'StateHash'>;
/** The same digest of one piece of a state that travels (see collective/state-transfer.ts), 32 hex digits. */
export type PieceDigest = Branded<string, 'PieceDigest'>;
/** A browser profile, as one room knows it (see checkpoint/device.ts). 32 hex digits. */
export type DeviceId = Branded<string, 'DeviceId'>;
/** SHA-256 of a job's canonical JSON, 64 hex digits. */
export type JobHash = Branded<string, 'JobHash'>;

const HEX_32 = /^[0-9a-f]{32}$/;
const HEX_64 = /^[0-9a-f]{64}$/;
const INCARNATION = /^[0-9a-f]{8}-[0-9a-f]{32}$/;

export const isMemberId = (text: string): text is MemberId => HEX_32.test(text);
export const isSeatId = (text: string): text is SeatId => HEX_32.test(text);
export const isIncarnationId = (text: string): text is IncarnationId => INCARNATION.test(text);
export const isStateHash = (text: string): text is StateHash => HEX_32.test(text);
export const isPieceDigest = (text: string): text is PieceDigest => HEX_32.test(text);
export const isDeviceId = (text: string): text is DeviceId => HEX_32.test(text);
export const isJobHash = (text: string): text is JobHash => HEX_64.test(text);

/** Names one generation: numbers are unique within an incarnation. */
export interface GenerationId {
  readonly incarnation: IncarnationId;
  readonly number: number;
}

export const sameGeneration = (a: GenerationId, b: GenerationId): boolean =>
  a.incarnation === b.incarnation && a.number === b.number;

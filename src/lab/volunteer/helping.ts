// How a volunteer's help stands, and what it has come to.

/** Why nothing is computed at present. All but the last end by themselves. */
export type Pause = 'battery' | 'metered' | 'traffic' | 'asked';
/** Why it is over. */
export type End = 'stopped' | 'time' | 'memory' | 'room-over';

export type Helping =
  | { readonly kind: 'asked' }
  | { readonly kind: 'joining' }
  | { readonly kind: 'helping' }
  /** `until`: when it goes on, where that is known. */
  | { readonly kind: 'paused'; readonly why: Pause; readonly until: number | undefined }
  | { readonly kind: 'over'; readonly why: End };

export interface Contribution {
  readonly microBatches: number;
  readonly steps: number;
  readonly ms: number;
}

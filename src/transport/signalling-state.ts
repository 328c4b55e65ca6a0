// How it stands with finding other pages, as the lab shows it. Links that run do not depend on it.

export type SignallingProblem =
  /** The signalling server does not answer. */
  | 'unreachable'
  /** It answered before, and the connection to it broke. */
  | 'lost'
  /** It answered with a refusal, such as its own limit. */
  | 'refused'
  /** All places of the room are taken. */
  | 'full'
  /** This page cannot use WebRTC, or not any more. */
  | 'unsupported';

export type SignallingState =
  | { readonly state: 'connecting' }
  /** Other pages can find this one at `slot`. */
  | { readonly state: 'open'; readonly slot: number }
  | {
      readonly state: 'retrying';
      readonly problem: SignallingProblem;
      /** Expected, found, and what to do, for a person. */
      readonly message: string;
      readonly retryInMs: number;
    }
  /** It will not be tried again. */
  | { readonly state: 'failed'; readonly problem: SignallingProblem; readonly message: string };

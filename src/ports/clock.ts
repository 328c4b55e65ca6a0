// The interface to time. It lives in a worker, because a hidden page's timers run at 1 Hz.

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Calls back once, not before `ms` have passed. Returns a function that cancels. */
  after(ms: number, callback: () => void): () => void;
}

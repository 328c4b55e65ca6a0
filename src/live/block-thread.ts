// Stops the thread that calls it, as a debugger or a suspended machine would: no timer, message or lock moves meanwhile.

/** Sleeps where the platform lets a worker sleep; else is busy, which stops the thread as well and costs a core. */
export function blockThread(ms: number): void {
  const until = performance.now() + ms;
  const sleeper = sharedWord();
  while (performance.now() < until) {
    if (sleeper !== undefined) Atomics.wait(sleeper, 0, 0, until - performance.now());
  }
}

/** Keeps the thread that calls it, and its core, busy with nothing. */
export function burnThread(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Shared memory without cross-origin isolation, which is granted to WebAssembly as long as it is not sent to others. */
function sharedWord(): Int32Array | undefined {
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return new Int32Array(memory.buffer);
  } catch {
    return undefined;
  }
}

// Which engine to open, and which next when that fails: after a loss the GPU gets as many more chances as the job says, then the CPU
// takes over.

import type { Engine } from '../ports/engine.ts';
import type { EngineChoice } from './api.ts';

export interface Rung {
  readonly choice: EngineChoice;
  /** Why this and not what was asked for. */
  readonly because: string | undefined;
}

/** What to try, in order. `lost` counts the engines that this rank has had and lost, `retries` those that are opened anew. */
export function rungsAfter(lost: number, asked: EngineChoice, retries: number): readonly Rung[] {
  const first: Rung = { choice: asked, because: undefined };
  if (lost === 0 || asked === 'cpu') return [first];
  const because = `The GPU was lost ${lost === 1 ? 'once' : `${lost} times`} in this page, so the CPU took over; reload the page to try the GPU again.`;
  const last: Rung = { choice: 'cpu', because };
  // A second loss of the GPU process leaves a page without adapters until it is reloaded.
  return lost <= retries ? [first, last] : [last];
}

/** Opens the first that opens. */
export async function descend(
  rungs: readonly Rung[],
  open: (choice: EngineChoice) => Promise<Engine>,
): Promise<Engine> {
  const [first, ...rest] = rungs;
  if (first === undefined) throw new RangeError('There is no engine to try.');
  try {
    const engine = await open(first.choice);
    if (first.because === undefined) return engine;
    return { ...engine, description: { ...engine.description, reason: first.because } };
  } catch (error) {
    if (rest.length === 0) throw error;
    return await descend(rest, open);
  }
}

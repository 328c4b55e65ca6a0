/** Waits that end. */
import { describe, expect, it } from 'vitest';
import { sleep, within } from '../../../src/cli/deadline.ts';
import { InterruptedError, RunError } from '../../../src/cli/errors.ts';
import { withCleanup } from '../../../src/cli/cleanup.ts';

const never = new Promise<never>(() => undefined);
const open = new AbortController().signal;

describe('a wait', () => {
  it('passes the value on', async () => {
    expect(await within('a value', 1000, open, Promise.resolve(7))).toBe(7);
  });

  it('that is in vain says what for and for how long', async () => {
    await expect(within('Godot', 20, open, never)).rejects.toThrow(
      new RunError('Waited 0.0 s for Godot, in vain.'),
    );
  });

  it('ends with the reason of an interrupt', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new InterruptedError('SIGINT')), 10);
    await expect(within('Godot', 5000, stop.signal, never)).rejects.toThrow(InterruptedError);
    await expect(sleep(5000, stop.signal)).rejects.toThrow(InterruptedError);
  });
});

describe('cleaning up', () => {
  it('goes backwards, past failures, and keeps the outcome of the work', async () => {
    const undone: string[] = [];
    const work = withCleanup(async (cleanup) => {
      cleanup.add(() => void undone.push('first'));
      cleanup.add(() => {
        throw new Error('already gone');
      });
      cleanup.add(async () => void undone.push('last'));
      throw new RunError('the work failed');
    });
    await expect(work).rejects.toThrow('the work failed');
    expect(undone).toEqual(['last', 'first']);
  });
});

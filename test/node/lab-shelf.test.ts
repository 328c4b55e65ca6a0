// The lab's shelf: what it says of what was done, that a failure is a sentence, and that little room is noticed.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { createShelf, isShort } from '../../src/lab/model/shelf.ts';
import type { CheckpointShelf } from '../../src/live/shelf-service.ts';
import { ShelfError } from '../../src/live/shelf-service.ts';
import type { CheckpointSummary } from '../../src/ports/store.ts';
import { JOB_HASH, incarnation, stateHash } from './checkpoint/states.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const summary = (step: number): CheckpointSummary => ({
  room: 'lesson',
  generation: { incarnation: incarnation(1), number: 1 },
  step,
  id: `lesson/${step}`,
  jobHash: JOB_HASH,
  stateHash: stateHash('1'),
  bytes: 1000,
  savedAt: 0,
  pinned: false,
  standing: 'verified',
});

function open(changes: Partial<CheckpointShelf> = {}) {
  const said: string[] = [];
  const complained: string[] = [];
  const persist = vi.fn(() => Promise.resolve(true));
  vi.stubGlobal('navigator', {
    storage: {
      persisted: () => Promise.resolve(persist.mock.calls.length > 0),
      persist,
      estimate: () => Promise.resolve({ usage: 900, quota: 3000 }),
    },
  });
  vi.stubGlobal('location', { pathname: '/', search: '?engine=cpu&from=old' });
  const all = [summary(2), summary(1)];
  const calls: CheckpointShelf = {
    list: () => Promise.resolve(all),
    verify: (id) =>
      Promise.resolve({ ...summary(2), id, standing: id.endsWith('1') ? 'corrupt' : 'verified' }),
    pin: (_id, pinned) => Promise.resolve({ ...summary(2), pinned }),
    delete: () => Promise.resolve(),
    damage: () => Promise.resolve(),
    download: () => Promise.resolve(new Uint8Array(1)),
    upload: () => Promise.resolve(summary(7)),
    ...changes,
  };
  const shelf = createShelf('lesson', calls, {
    say: (text) => said.push(text),
    complain: (what) => complained.push(what()),
  });
  return { shelf, said, complained, persist };
}

describe("the lab's shelf", () => {
  test('lists what is there, asks the browser once to keep it, and knows how full it is', async () => {
    const { shelf, persist } = open();
    await shelf.refresh();
    await shelf.refresh();
    expect(shelf.checkpoints.value.map(({ step }) => step)).toEqual([2, 1]);
    expect(persist).toHaveBeenCalledTimes(1);
    expect(shelf.storage.value).toEqual({ used: 900, quota: 3000, persisted: true });
    expect(isShort({ used: 900, quota: 3000, persisted: true }, 1000)).toBe(true);
    expect(isShort({ used: 900, quota: 3000, persisted: true }, 100)).toBe(false);
  });

  test('asks for nothing while there is nothing to keep', async () => {
    const { shelf, persist } = open({ list: () => Promise.resolve([]) });
    await shelf.refresh();
    expect(persist).not.toHaveBeenCalled();
  });

  test('says what verifying showed, of one and of all', async () => {
    const { shelf, said } = open();
    await shelf.refresh();
    await shelf.verify('lesson/2');
    await shelf.verifyAll();
    expect(said).toEqual(['Step 2 verifies.', '1 of 2 are damaged: a resume will skip them.']);
    expect(shelf.busy.value.size).toBe(0);
  });

  test('turns a refusal into the sentence that it is', async () => {
    const { shelf, said, complained } = open({
      upload: () =>
        Promise.reject(new ShelfError('The header claims 9 bytes and 1 follow: the file is cut short.')),
    });
    await shelf.upload({ size: 1 } as File);
    expect([said, complained]).toEqual([
      [],
      ['The header claims 9 bytes and 1 follow: the file is cut short.'],
    ]);
  });

  test('restores into a new room that goes on from there, under the same name', () => {
    const link = new URL(open().shelf.restoreLink('lesson/2'), 'http://localhost');
    expect(Object.fromEntries(link.searchParams)).toEqual({
      engine: 'cpu',
      checkpoints: 'lesson',
      from: 'lesson/2',
    });
    expect(link.hash).toBe('');
  });
});

// Seat locks between real workers: a seat comes to its watcher when the holder has stopped, busy or not, and not before.

import { afterEach, describe, expect, test } from 'vitest';
import { seatLockName } from '../../../src/checkpoint/seat-locks.ts';
import type { SeatId } from '../../../src/ports/ids.ts';

const workers: Worker[] = [];
afterEach(() => {
  for (const worker of workers.splice(0)) worker.terminate();
});

interface SeatWorker {
  readonly worker: Worker;
  readonly said: string[];
  order(does: 'hold' | 'watch' | 'block', seat: SeatId): void;
  hears(word: string): Promise<void>;
}

function seatWorker(): SeatWorker {
  const worker = new Worker(new URL('./seat.worker.ts', import.meta.url), { type: 'module' });
  workers.push(worker);
  const said: string[] = [];
  const waiting = new Map<string, () => void>();
  worker.addEventListener('message', ({ data }: MessageEvent<string>) => {
    said.push(data);
    waiting.get(data)?.();
  });
  return {
    worker,
    said,
    order: (does, seat) => {
      worker.postMessage({ does, seat });
    },
    hears: (word) =>
      said.includes(word) ? Promise.resolve() : new Promise((resolve) => waiting.set(word, resolve)),
  };
}

const newSeat = (): SeatId => crypto.randomUUID().replaceAll('-', '') as SeatId;

/** Resolves once somebody queues for the seat. */
async function queued(seat: SeatId): Promise<void> {
  for (;;) {
    const { pending = [] } = await navigator.locks.query();
    if (pending.some((lock) => lock.name === seatLockName(seat))) return;
  }
}

describe('the seat of a worker', () => {
  test.each(['idle', 'busy'])(
    'that is %s comes to the watcher when that worker has stopped',
    async (kind) => {
      const seat = newSeat();
      const holder = seatWorker();
      const watcher = seatWorker();
      holder.order('hold', seat);
      await holder.hears('held');
      if (kind === 'busy') {
        holder.order('block', seat);
        await holder.hears('blocking');
      }
      watcher.order('watch', seat);
      await queued(seat);
      expect(watcher.said).toEqual(['watching']);

      holder.worker.terminate();
      await watcher.hears('acquired');
      const { held = [] } = await navigator.locks.query();
      expect(held.filter((lock) => lock.name === seatLockName(seat))).toHaveLength(1);
    },
  );

  test('goes to the next watcher when the one that acquired it stops too', async () => {
    const seat = newSeat();
    const [holder, second, third] = [seatWorker(), seatWorker(), seatWorker()];
    holder.order('hold', seat);
    await holder.hears('held');
    second.order('watch', seat);
    await queued(seat);
    third.order('watch', seat);
    await third.hears('watching');
    holder.worker.terminate();
    await Promise.race([second.hears('acquired'), third.hears('acquired')]);
    const first = second.said.includes('acquired') ? second : third;
    const last = first === second ? third : second;
    expect(last.said).not.toContain('acquired');
    first.worker.terminate();
    await last.hears('acquired');
  });
});

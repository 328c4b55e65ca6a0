// Faults of the loader, of storage, of the GPU and of the page, each at its port.

import { describe, expect, test } from 'vitest';
import { loadRows } from '../../../src/engine/requests.ts';
import { LONGEST_HOLD_MS } from '../../../src/faults/consent.ts';
import { FaultError } from '../../../src/faults/fault-error.ts';
import { exhaustGpu, gpuAllocationFaults, gpuExhaustion } from '../../../src/faults/gpu.ts';
import type { BufferMaker, Exhaustion } from '../../../src/faults/gpu.ts';
import { faultyLoader } from '../../../src/faults/loader.ts';
import { pageFaults } from '../../../src/faults/page.ts';
import type { PageActions } from '../../../src/faults/page.ts';
import { faultyBallotStore, faultyCheckpointStore } from '../../../src/faults/storage.ts';
import { EngineError } from '../../../src/ports/engine.ts';
import type { SeatId } from '../../../src/ports/ids.ts';
import { LoaderError } from '../../../src/ports/loader.ts';
import type { Loader } from '../../../src/ports/loader.ts';
import { StoreError } from '../../../src/ports/store.ts';
import type { BallotStore, CheckpointStore, CheckpointSummary } from '../../../src/ports/store.ts';
import { JOB_HASH, incarnation, stateHash } from '../checkpoint/states.ts';
import { injectInto } from './inject-into.ts';
import { virtualClock } from './virtual-clock.ts';

const MIB = 1024 * 1024;

const bareLoader: Loader = {
  format: { type: 'f32', shape: [1], positions: 1, classes: 10 },
  sizes: { train: 5, test: 3 },
  load: (split, rows) =>
    Promise.resolve({
      inputs: new Float32Array(rows.length).fill(split === 'train' ? 1 : 2),
      labels: rows.slice(),
    }),
};
const rows = Int32Array.of(4, 2);

describe('a loader', () => {
  test('without faults loads what the bare one loads', async () => {
    const { loader } = faultyLoader(bareLoader);
    expect([loader.sizes, loader.format]).toEqual([bareLoader.sizes, bareLoader.format]);
    for (const split of ['train', 'test'] as const) {
      expect(await loader.load(split, rows)).toEqual(await bareLoader.load(split, rows));
    }
  });

  test('that throws does so as often as it was told, says when that is over, and then loads', async () => {
    const { loader, faults } = faultyLoader(bareLoader);
    const injected = injectInto(faults, { kind: 'loader-throws', times: 2 });
    await expect(loader.load('train', rows)).rejects.toBeInstanceOf(LoaderError);
    expect(injected.ended).toBe(0);
    await expect(loader.load('train', rows)).rejects.toThrow('an injected fault');
    expect(injected.ended).toBe(1);
    expect((await loader.load('train', rows)).labels).toEqual(rows);
  });

  test('that throws until it is healed goes on throwing', async () => {
    const { loader, faults } = faultyLoader(bareLoader);
    const injected = injectInto(faults, { kind: 'loader-throws' });
    for (let i = 0; i < 5; i++) await expect(loader.load('train', rows)).rejects.toBeInstanceOf(LoaderError);
    injected.heal();
    expect((await loader.load('train', rows)).labels).toEqual(rows);
  });

  test('that garbles brings what an engine refuses, as often as it was told', async () => {
    const { loader, faults } = faultyLoader(bareLoader);
    for (const how of ['short', 'labels', 'non-finite'] as const) {
      const injected = injectInto(faults, { kind: 'loader-garbles', how, times: 1 });
      await expect(loadRows(loader, 'train', rows)).rejects.toMatchObject({ fault: 'loader' });
      expect(injected.ended).toBe(1);
      expect(await loadRows(loader, 'train', rows)).toEqual(await bareLoader.load('train', rows));
    }
  });

  test('that hangs answers nothing until the last such fault is healed, then everything', async () => {
    const { loader, faults } = faultyLoader(bareLoader);
    const first = injectInto(faults, { kind: 'loader-hangs' });
    const second = injectInto(faults, { kind: 'loader-hangs' });
    let answered = 0;
    const loads = [loader.load('train', rows), loader.load('test', rows)].map((load) =>
      load.finally(() => answered++),
    );
    first.heal();
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(0);
    second.heal();
    await Promise.all(loads);
    expect(answered).toBe(2);
  });
});

describe('storage', () => {
  const calls: string[] = [];
  const summary: CheckpointSummary = {
    room: 'room',
    generation: { incarnation: incarnation(0), number: 1 },
    step: 1,
    id: 'id',
    jobHash: JOB_HASH,
    stateHash: stateHash('1'),
    bytes: 1,
    savedAt: 0,
    pinned: false,
    standing: 'verified',
  };
  const note = <T>(call: string, answer: T): Promise<T> => {
    calls.push(call);
    return Promise.resolve(answer);
  };
  const checkpoints: CheckpointStore = {
    save: (key) => note(`save ${key.step}`, summary),
    list: (room) => note(`list ${room}`, [summary]),
    load: (id) => note(`load ${id}`, { summary, file: new Uint8Array(1) }),
    loadNewest: (room) => note(`newest ${room}`, { found: undefined, skipped: [] }),
    delete: (id) => note(`delete ${id}`, undefined),
    rooms: () => note('rooms', ['room']),
  };
  const ballots: BallotStore = {
    load: (seat) => note(`load ${seat}`, { round: 1 }),
    save: (seat) => note(`save ${seat}`, undefined),
    delete: (seat) => note(`delete ${seat}`, undefined),
  };
  const useAll = async (checkpointStore: CheckpointStore, ballotStore: BallotStore): Promise<unknown[]> => {
    const answers = [
      await checkpointStore.save(summary, JOB_HASH, stateHash('1'), new Uint8Array(1)),
      await checkpointStore.list('room'),
      await checkpointStore.load('id'),
      await checkpointStore.loadNewest('room', JOB_HASH),
      await checkpointStore.rooms(),
      await ballotStore.load('seat' as SeatId),
    ];
    await checkpointStore.delete('id');
    await ballotStore.save('seat' as SeatId, {});
    await ballotStore.delete('seat' as SeatId);
    return answers;
  };

  test('without faults does what the bare stores do', async () => {
    const bare = await useAll(checkpoints, ballots);
    const bareCalls = calls.splice(0);
    expect(await useAll(faultyCheckpointStore(checkpoints).store, faultyBallotStore(ballots).store)).toEqual(
      bare,
    );
    expect(calls.splice(0)).toEqual(bareCalls);
  });

  test('that refuses writes nothing, says so, and can still be read', async () => {
    const faultyCheckpoints = faultyCheckpointStore(checkpoints);
    const faultyBallots = faultyBallotStore(ballots);
    const injected = [faultyCheckpoints.faults, faultyBallots.faults].map((port) =>
      injectInto(port, { kind: 'refuse-storage' }),
    );
    const { store } = faultyCheckpoints;
    for (const write of [
      store.save(summary, JOB_HASH, stateHash('1'), new Uint8Array(1)),
      store.delete('id'),
      faultyBallots.store.save('seat' as SeatId, {}),
      faultyBallots.store.delete('seat' as SeatId),
    ]) {
      await expect(write).rejects.toMatchObject({ name: 'StoreError', fault: 'refused' });
      await expect(write).rejects.toBeInstanceOf(StoreError);
    }
    expect(await store.list('room')).toHaveLength(1);
    expect(await faultyBallots.store.load('seat' as SeatId)).toEqual({ round: 1 });
    expect(calls.splice(0)).toEqual(['list room', 'load seat']);
    for (const one of injected) one.heal();
    await store.save(summary, JOB_HASH, stateHash('1'), new Uint8Array(1));
    expect(calls.splice(0)).toEqual(['save 1']);
  });

  test('that has no room refuses a checkpoint that does not fit, and takes one that does', async () => {
    const { store, faults } = faultyCheckpointStore(checkpoints);
    const room = injectInto(faults, { kind: 'limit-storage', maxBytes: summary.bytes + 10 });
    const save = (bytes: number): Promise<unknown> =>
      store.save(summary, JOB_HASH, stateHash('1'), new Uint8Array(bytes));
    await expect(save(11)).rejects.toMatchObject({ name: 'StoreError', fault: 'quota' });
    await save(10);
    room.heal();
    await save(11);
    expect(calls.splice(0).filter((call) => call.startsWith('save'))).toHaveLength(2);
  });

  test('that answers wrongly has stored what it says it has not', async () => {
    const faultyBallots = faultyBallotStore(ballots);
    injectInto(faultyBallots.faults, { kind: 'ambiguous-storage' });
    const saved = faultyBallots.store.save('seat' as SeatId, {});
    await expect(saved).rejects.toMatchObject({ name: 'StoreError', fault: 'unavailable' });
    expect(calls.splice(0)).toEqual(['save seat']);
  });
});

/** A GPU with so many bytes of memory. */
function gpu(capacity: number, maxBufferSize = 64 * MIB) {
  const state = { used: 0, created: 0, scopes: [] as string[], failures: new Map<string, object | null>() };
  const device: BufferMaker = {
    limits: { maxBufferSize },
    createBuffer({ size }) {
      state.created++;
      const fits = state.used + size <= capacity;
      state.failures = new Map([['out-of-memory', fits ? null : { message: 'full' }]]);
      if (fits) state.used += size;
      let held = fits;
      const destroy = (): undefined => {
        if (held) state.used -= size;
        held = false;
        return undefined;
      };
      return { size, destroy } as unknown as GPUBuffer;
    },
    pushErrorScope(filter) {
      state.scopes.push(filter);
      return undefined;
    },
    popErrorScope: () =>
      Promise.resolve((state.failures.get(state.scopes.pop() ?? '') ?? null) as GPUError | null),
  };
  return { device, state };
}

describe('GPU memory', () => {
  test('is refused at the port while such a fault is active, and only then', () => {
    const { admit, createBuffer, faults } = gpuAllocationFaults();
    const { device, state } = gpu(MIB);
    createBuffer(device, { size: 16, usage: 0 });
    const injected = injectInto(faults, { kind: 'refuse-gpu' });
    expect(() => createBuffer(device, { size: 32, usage: 0 })).toThrow(EngineError);
    expect(() => admit(32)).toThrow('32 bytes of GPU memory were refused by an injected fault');
    expect(state.created).toBe(1);
    injected.heal();
    createBuffer(device, { size: 32, usage: 0 });
    expect(state.used).toBe(48);
  });

  test('is exhausted by real allocations until even a mebibyte is refused, and is given back', async () => {
    const { device, state } = gpu(200 * MIB + 5);
    const exhaustion = await exhaustGpu(device, { maxBytes: 1024 * MIB, maxMs: 1000 }, () => 0);
    expect([exhaustion.bytes, exhaustion.refused, state.used]).toEqual([200 * MIB, true, 200 * MIB]);
    expect(state.scopes).toEqual([]);
    exhaustion.release();
    exhaustion.release();
    expect(state.used).toBe(0);
  });

  test('is not taken beyond the budget of bytes or time', async () => {
    const { device, state } = gpu(1024 * MIB);
    const bytes = await exhaustGpu(device, { maxBytes: 100 * MIB, maxMs: 1000 }, () => 0);
    expect([bytes.bytes, bytes.refused, state.used]).toEqual([100 * MIB, false, 100 * MIB]);
    bytes.release();
    let now = 0;
    const time = await exhaustGpu(device, { maxBytes: 1024 * MIB, maxMs: 3 }, () => now++);
    expect(time.bytes).toBeLessThanOrEqual(3 * 64 * MIB);
    time.release();
    const small = await exhaustGpu(device, { maxBytes: 1000, maxMs: 1000 }, () => 0);
    expect(small.bytes).toBeLessThanOrEqual(1000);
  });

  test('is exhausted only with consent', async () => {
    const exhaust = (): Promise<Exhaustion> => Promise.reject(new Error('must not be asked'));
    const port = gpuExhaustion({
      consent: () => Promise.resolve(false),
      clock: virtualClock(),
      exhaust,
      budget: { maxBytes: 1, maxMs: 1 },
    });
    await expect(injectInto(port, { kind: 'exhaust-gpu' }).outcomes[0]).rejects.toMatchObject({
      refusal: 'no-consent',
    });
    await expect(injectInto(port, { kind: 'exhaust-gpu' }).outcomes[0]).rejects.toBeInstanceOf(FaultError);
  });

  test('that a fault asks for stays within what the machine allows, and goes back when it is healed, early or late', async () => {
    const { device, state } = gpu(1024 * MIB);
    const clock = virtualClock();
    const port = gpuExhaustion({
      consent: () => Promise.resolve(true),
      clock,
      exhaust: (budget) => exhaustGpu(device, budget, () => 0),
      budget: { maxBytes: 64 * MIB, maxMs: 1000 },
    });
    const late = injectInto(port, { kind: 'exhaust-gpu', maxBytes: 512 * MIB });
    expect(await late.outcomes[0]).toBe(`${64 * MIB} bytes of GPU memory held, then the budget ended`);
    expect(state.used).toBe(64 * MIB);
    late.heal();
    expect(state.used).toBe(0);
    const early = injectInto(port, { kind: 'exhaust-gpu', maxBytes: 2 * MIB });
    early.heal();
    expect(await early.outcomes[0]).toBe('healed before it began');
    const amid = injectInto(port, { kind: 'exhaust-gpu', maxBytes: 2 * MIB });
    await Promise.resolve();
    await Promise.resolve();
    amid.heal();
    await amid.outcomes[0];
    expect(state.used).toBe(0);
    const forgotten = injectInto(port, { kind: 'exhaust-gpu', maxBytes: 2 * MIB });
    await forgotten.outcomes[0];
    clock.pass(LONGEST_HOLD_MS - 1);
    expect(state.used).toBe(2 * MIB);
    clock.pass(1);
    expect([forgotten.ended, state.used]).toEqual([1, 0]);
  });
});

describe('a page', () => {
  test('does what the fault says, once', () => {
    const done: string[] = [];
    const page: PageActions = {
      close: () => void done.push('close'),
      kill: () => void done.push('kill'),
      freeze: (forMs) => void done.push(`freeze ${forMs}`),
      goodbyes: (on) => void done.push(`goodbyes ${on}`),
      signalling: (on) => void done.push(`signalling ${on}`),
    };
    const clock = virtualClock();
    const port = pageFaults(page, clock);
    injectInto(port, { kind: 'freeze', forMs: 50 }).heal();
    injectInto(port, { kind: 'close' });
    injectInto(port, { kind: 'kill' });
    expect(done.splice(0)).toEqual(['freeze 50', 'close', 'kill']);
    const mute = injectInto(port, { kind: 'mute', forMs: 400 });
    clock.pass(100);
    mute.heal();
    expect(done.splice(0)).toEqual(['goodbyes false', 'freeze 300', 'goodbyes true']);
    injectInto(port, { kind: 'mute', forMs: 400 }).heal();
    clock.pass(400);
    expect(done.splice(0)).toEqual(['goodbyes false', 'goodbyes true']);
    injectInto(port, { kind: 'lose-signalling' }).heal();
    expect(done).toEqual(['signalling false', 'signalling true']);
  });
});

// The ports' contract in Node: the simulated ports, and the real stores over an IndexedDB in memory.

import 'fake-indexeddb/auto';
import { describe, it } from 'vitest';
import { DEFAULT_JOB } from '../../../src/job/job.ts';
import type { MemberId } from '../../../src/ports/ids.ts';
import { CHANNEL_CONTRACT } from '../../../src/ports/contract/channel.ts';
import {
  CLOCK_CONTRACT,
  HIDDEN_CLOCK_CONTRACT,
  HIDDEN_PAGE_CLOCK_CONTRACT,
  type HideableHarness,
} from '../../../src/ports/contract/clock.ts';
import { DEVICE_CONTRACT, ENGINE_CONTRACT, type DeviceHarness } from '../../../src/ports/contract/engine.ts';
import {
  INTERRUPTED_CONTRACT,
  MORTAL_CONTRACT,
  NETWORK_CONTRACT,
  type InterruptibleHarness,
  type MortalHarness,
  type NetworkHarness,
  type Station,
  type Told,
} from '../../../src/ports/contract/network.ts';
import { BALLOT_CONTRACT, CHECKPOINT_CONTRACT } from '../../../src/ports/contract/stores.ts';
import type { Network, NetworkHandlers } from '../../../src/ports/network.ts';
import { createSimulatedChannels } from '../../../src/simulator/ports/channel.ts';
import type { Compute } from '../../../src/simulator/compute.ts';
import { cpuCompute, smallJob } from '../../../src/simulator/cpu-compute.ts';
import { release } from '../../../src/simulator/gpu.ts';
import { hashCompute } from '../../../src/simulator/hash-engine.ts';
import { createSimulatedEngine } from '../../../src/simulator/ports/engine.ts';
import { createSimulatedPage } from '../../../src/simulator/ports/clock.ts';
import { createSimulatedHub } from '../../../src/simulator/ports/network.ts';
import { createStage } from '../../../src/simulator/ports/stage.ts';
import { createSimulatedBallots, createSimulatedCheckpoints } from '../../../src/simulator/ports/stores.ts';
import { createCpuEngine } from '../../../src/engine/cpu/engine.ts';
import { clusterLoader, layoutOf, mlpJob } from '../../support/engine.ts';
import { underFaults } from '../../support/engine-harness.ts';
import { ballotHarness, checkpointHarness } from '../../support/store-harness.ts';
import { createHub, createProfile } from '../live/memory-ports.ts';
import { createVirtualClock, type VirtualClock } from '../live/virtual-clock.ts';

const [A, B, STRANGER] = ['a', 'b', 'c'].map((digit) => digit.repeat(32) as MemberId) as [
  MemberId,
  MemberId,
  MemberId,
];

function station(self: MemberId, connect: (handlers: NetworkHandlers) => Network): Station {
  const told: Told[] = [];
  const network = connect({
    linkUp: (peer) => void told.push({ kind: 'linkUp', peer }),
    linkDown: (peer, evidence) => void told.push({ kind: 'linkDown', peer, evidence }),
    message: (peer, lane, bytes) => void told.push({ kind: 'message', peer, lane, bytes }),
  });
  return { self, network, told };
}

/** A station that sends back whatever it is sent. */
function echo(connect: (handlers: NetworkHandlers) => Network): void {
  const network = connect({
    linkUp: () => undefined,
    linkDown: () => undefined,
    message: (peer, lane, bytes) => void network.send(peer, lane, bytes),
  });
}

async function simulatedPair(seed: number): Promise<NetworkHarness> {
  const stage = createStage(seed);
  const hub = createSimulatedHub(stage);
  const a = station(A, (handlers) => hub.connect(A, handlers));
  const b = station(B, (handlers) => hub.connect(B, handlers));
  await stage.until('the stations are linked', () => a.told.length > 0 && b.told.length > 0);
  return {
    a,
    b,
    stranger: STRANGER,
    until: (what, condition) => stage.until(what, condition),
    pass: (ms) => stage.pass(ms),
    reconnect: () => hub.reset(A, B),
    close: () => hub.depart(B, 'close'),
  };
}

async function simulatedEcho(seed: number): Promise<MortalHarness & InterruptibleHarness> {
  const stage = createStage(seed);
  const hub = createSimulatedHub(stage);
  const a = station(A, (handlers) => hub.connect(A, handlers));
  echo((handlers) => hub.connect(B, handlers));
  await stage.until('the stations are linked', () => a.told.length > 0);
  return {
    a,
    peer: B,
    until: (what, condition) => stage.until(what, condition),
    pass: (ms) => stage.pass(ms),
    kill: async () => hub.depart(B, 'kill'),
    freeze: async (ms) => hub.freeze(B, ms),
    hold: async (held) => hub.setFault(A, B, held ? { kind: 'hold' } : undefined),
    cut: async () => hub.setFault(A, B, { kind: 'cut' }),
  };
}

const SEEDS = [1, 2, 3];

describe('the simulated network', () => {
  it.each(NETWORK_CONTRACT)('keeps that $name', async ({ run }) => {
    for (const seed of SEEDS) await run(await simulatedPair(seed));
  });

  it.each([...MORTAL_CONTRACT, ...INTERRUPTED_CONTRACT])('keeps that $name', async ({ run }) => {
    for (const seed of SEEDS) await run(await simulatedEcho(seed));
  });
});

describe('a simulated data channel', () => {
  it.each(CHANNEL_CONTRACT)('keeps that $name', async ({ run }) => {
    for (const seed of SEEDS) {
      const stage = createStage(seed);
      const received: Uint8Array[] = [];
      const ends = createSimulatedChannels(stage, (bytes) => void received.push(bytes));
      await run({
        ...ends,
        received,
        until: (what, condition) => stage.until(what, condition),
        pass: (ms) => stage.pass(ms),
      });
    }
  });
});

function hideable(which: 'clock' | 'workerClock'): HideableHarness {
  const stage = createStage(1);
  const page = createSimulatedPage(stage);
  return {
    clock: page[which],
    until: (what, condition) => stage.until(what, condition),
    pass: (ms) => stage.pass(ms),
    hide: async () => void (page.hidden = true),
  };
}

describe("a simulated worker's clock", () => {
  it.each([...CLOCK_CONTRACT, ...HIDDEN_CLOCK_CONTRACT])('keeps that $name', async ({ run }) => {
    await run(hideable('workerClock'));
  });
});

describe("a simulated page's clock", () => {
  it.each([...CLOCK_CONTRACT, ...HIDDEN_PAGE_CLOCK_CONTRACT])('keeps that $name', async ({ run }) => {
    await run(hideable('clock'));
  });
});

describe('a simulated ballot store', () => {
  it.each(BALLOT_CONTRACT)('keeps that $name', async ({ run }) => {
    for (const seed of SEEDS) {
      const { store, disk } = createSimulatedBallots(createStage(seed), A);
      await run({
        ballots: store,
        hideAnswers: (hidden) => void (disk.ambiguous = hidden ? 1 : 0),
        refuse: (refuses) => void (disk.refusing = refuses ? 1 : 0),
      });
    }
  });
});

describe('a simulated checkpoint store', () => {
  it.each(CHECKPOINT_CONTRACT)('keeps that $name', async ({ run }) => {
    for (const seed of SEEDS) {
      const { store, shelf, damage } = createSimulatedCheckpoints(createStage(seed), A);
      await run({
        checkpoints: store,
        hideAnswers: (hidden) => void (shelf.ambiguous = hidden ? 1 : 0),
        limit: (bytes) => void shelf.quotas.splice(0, 1, ...(bytes === undefined ? [] : [bytes])),
        damage: async (id) => damage(id),
      });
    }
  });
});

function simulatedEngine(seed: number, compute: Compute): DeviceHarness {
  const stage = createStage(seed);
  const { engine, gpu, lose } = createSimulatedEngine(stage, compute, A);
  return {
    engine,
    lanes: compute.layout,
    now: stage.now,
    until: (what, condition) => stage.until(what, condition),
    pass: (ms) => stage.pass(ms),
    mapLate: (ms) => void (gpu.mapMs = ms ?? 0),
    hang(hangs) {
      gpu.hung = hangs ? 1 : 0;
      if (!hangs) release(gpu);
    },
    poison: () => void (gpu.poisoned = 1),
    flip: () => void (gpu.flipped = 1),
    refuseMemory: (refuses) => void (gpu.refusing = refuses ? 1 : 0),
    loseDevice: lose,
  };
}

describe('the simulated GPU', () => {
  const { seed, microBatches, wire } = DEFAULT_JOB;
  const chain = hashCompute(seed, microBatches, 'uniform', wire, true);
  const trained: Compute = cpuCompute(smallJob(DEFAULT_JOB), new Map());

  it.each([...ENGINE_CONTRACT, ...DEVICE_CONTRACT])(
    'keeps, with a hash chain and with real training, that $name',
    async ({ run }) => {
      for (const compute of [chain, trained])
        for (const seed of SEEDS) await run(simulatedEngine(seed, compute));
    },
  );
});

describe('the CPU engine behind its faults', () => {
  const job = mlpJob([11, 9, 5], { globalBatch: 24, microBatches: 4 });

  it.each(ENGINE_CONTRACT)('keeps that $name', async ({ run }) => {
    const { harness } = await underFaults(layoutOf(job), async () =>
      createCpuEngine({ job, loader: clusterLoader(11, 5), reason: 'A test.' }),
    );
    await run(harness);
  });
});

describe('the ports that tests of the live rank have in memory', () => {
  const memory = () => createProfile(createVirtualClock());
  const passing =
    (clock: VirtualClock) =>
    (ms: number): Promise<void> => {
      let isOver = false;
      clock.after(ms, () => void (isOver = true));
      return clock.until('the time has passed', () => isOver);
    };

  it.each(NETWORK_CONTRACT)('have a network that keeps that $name', async ({ run }) => {
    const clock = createVirtualClock();
    const hub = createHub(clock);
    const a = station(A, (handlers) => hub.connect(A, handlers));
    const b = station(B, (handlers) => hub.connect(B, handlers));
    await clock.until('the stations are linked', () => a.told.length > 0 && b.told.length > 0);
    await run({
      a,
      b,
      stranger: STRANGER,
      until: (what, condition) => clock.until(what, condition),
      pass: passing(clock),
      reconnect: () => hub.reset(A, B),
      close: () => hub.remove(B, 'goodbye'),
    });
  });

  it.each(MORTAL_CONTRACT)('have a network that keeps that $name', async ({ run }) => {
    const clock = createVirtualClock();
    const hub = createHub(clock);
    const a = station(A, (handlers) => hub.connect(A, handlers));
    echo((handlers) => hub.connect(B, handlers));
    await clock.until('the stations are linked', () => a.told.length > 0);
    await run({
      a,
      peer: B,
      until: (what, condition) => clock.until(what, condition),
      pass: passing(clock),
      kill: async () => hub.remove(B),
    });
  });

  it.each(CLOCK_CONTRACT)('have a clock that keeps that $name', async ({ run }) => {
    const clock = createVirtualClock();
    await run({ clock, until: (what, condition) => clock.until(what, condition), pass: passing(clock) });
  });

  it.each(BALLOT_CONTRACT)('have a ballot store that keeps that $name', async ({ run }) => {
    await run(ballotHarness(memory().ballotStore));
  });

  it.each(CHECKPOINT_CONTRACT)('have a checkpoint store that keeps that $name', async ({ run }) => {
    const { checkpointStore, records } = memory();
    await run(
      checkpointHarness({
        store: checkpointStore,
        damage: async (id) => {
          const file = records.get(id)?.file;
          if (file !== undefined) file[0] = (file[0] ?? 0) ^ 1;
        },
      }),
    );
  });
});

describe('the ballot store over an IndexedDB in memory', () => {
  it.each(BALLOT_CONTRACT)('keeps that $name', async ({ run }) => {
    await run(ballotHarness());
  });
});

describe('the checkpoint store over an IndexedDB in memory', () => {
  it.each(CHECKPOINT_CONTRACT)('keeps that $name', async ({ run }) => {
    await run(checkpointHarness());
  });
});

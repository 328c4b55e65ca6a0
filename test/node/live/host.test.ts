// The host carries effects out as their doc comments say: in order, one engine call at a time, and nothing said before it is stored.

import { describe, expect, test } from 'vitest';
import { jobHash, type Job } from '../../../src/job/job.ts';
import type { RankOptions } from '../../../src/live/api.ts';
import { defer, type Deferred } from '../../../src/live/deferred.ts';
import { createHost } from '../../../src/live/host.ts';
import { encodeSnapshot } from '../../../src/live/state-encoder.ts';
import type { HostPorts } from '../../../src/live/host-ports.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { EngineError } from '../../../src/ports/engine.ts';
import type { GenerationId, IncarnationId, MemberId, SeatId } from '../../../src/ports/ids.ts';
import { bytesOf } from '../../../src/ports/network.ts';
import type { Network, NetworkHandlers, SendOutcome } from '../../../src/ports/network.ts';
import { StoreError } from '../../../src/ports/store.ts';
import { decodeMessage } from '../../../src/protocol/codec.ts';
import type { Effect, Event } from '../../../src/protocol/effects.ts';
import type { Message } from '../../../src/protocol/messages.ts';
import { emptyRecord } from '../../../src/protocol/votes.ts';
import { createProfile } from './memory-ports.ts';
import { scriptedCore } from './scripted-core.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';
import { createVirtualClock } from './virtual-clock.ts';

const SELF = 'a'.repeat(32) as MemberId;
const PEER = 'b'.repeat(32) as MemberId;
const SEAT = 'c'.repeat(32) as SeatId;
const OTHER_SEAT = 'd'.repeat(32) as SeatId;
const generation = (number: number): GenerationId => ({
  incarnation: `00000001-${'e'.repeat(32)}` as IncarnationId,
  number,
});
const GENERATION = generation(1);

const GONE = new EngineError('device-lost', 'The GPU is gone.');

const heal: Message = { kind: 'heal', generation: GENERATION, have: undefined, piece: 0 };
const start: Message = { kind: 'start', generation: GENERATION };

const compute = (step: number, of = GENERATION): Effect => ({
  kind: 'compute',
  generation: of,
  step,
  attempt: 0,
  microBatches: [0],
  exponents: undefined,
  quarantined: undefined,
});

/** A vote as one effect: the record, then the promise. */
const vote = (): Effect => ({
  kind: 'store',
  record: emptyRecord(SEAT, undefined),
  thenSend: [{ to: PEER, message: heal }],
  thenReport: { kind: 'seatAcquired', seat: SEAT },
});

async function openHost(ports: Partial<HostPorts> = {}, options: Partial<RankOptions> = {}) {
  const clock = createVirtualClock();
  const profile = createProfile(clock);
  const core = scriptedCore(SELF, SEAT);
  const sent: Message[] = [];
  let outcome: SendOutcome = 'sent';
  let handlers: NetworkHandlers | undefined;
  const network: Network = {
    send(_peer, _lane, message) {
      if (outcome === 'sent') sent.push(decodeMessage(bytesOf(message)));
      return outcome;
    },
    queuedBytes: () => 0,
    drop: () => undefined,
    peers: () => [PEER],
  };
  const host = createHost(
    {
      member: SELF,
      seat: SEAT,
      jobHash: jobHash(SMALL_JOB),
      options: {
        room: 'ROOMAA',
        secret: 's',
        fresh: true,
        engine: 'cpu',
        autostart: true,
        tune: false,
        job: SMALL_JOB,
        ...options,
      },
    },
    {
      core,
      clock,
      wallClock: () => clock.now(),
      connect(own) {
        handlers = own;
        return network;
      },
      carrierOf: () => 'webrtc',
      refusals: () => [],
      openEngine: async (job) => smallEngine(job),
      openEvaluator: async (job) => smallEngine(job),
      ballots: profile.ballotStore,
      checkpoints: profile.checkpointStore,
      device: profile.device,
      encode: async (snapshot) => encodeSnapshot(snapshot),
      seatLocks: profile.seatLocks(core),
      writer: profile.writer(core),
      evaluations: { publish: () => undefined, subscribe: () => undefined },
      activeFaults: () => [],
      ...ports,
    },
  );
  return {
    clock,
    core,
    host,
    profile,
    sent,
    /** Gives the core these effects to return, and carries them out. */
    async effects(...effects: Effect[]) {
      core.on('command', ...effects);
      host.command('start');
      await clock.settle();
    },
    /** Bytes from the peer. */
    receive(bytes: Uint8Array<ArrayBuffer>) {
      handlers?.message(PEER, 'control', bytes);
    },
    network(next: SendOutcome) {
      outcome = next;
    },
    reports: () => host.log(0, 1000).map(({ event }) => event),
  };
}

/** An engine whose calls are counted and finish when told to. */
function slowEngine() {
  const calls: string[] = [];
  const gates: (() => void)[] = [];
  const engine = smallEngine(SMALL_JOB);
  let running = 0;
  let most = 0;
  const slow = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    calls.push(name);
    running += 1;
    most = Math.max(most, running);
    const gate = defer<undefined>();
    gates.push(() => {
      gate.resolve(undefined);
    });
    await gate.promise;
    running -= 1;
    return await call();
  };
  const wrapped: Engine = {
    ...engine,
    contributeInBuckets: (request, deliver) =>
      slow(`contribute ${request.step}`, () => engine.contributeInBuckets(request, deliver)),
    apply: (request) => slow(`apply ${request.step}`, () => engine.apply(request)),
    exportState: () => slow('export', () => engine.exportState()),
  };
  return {
    engine: wrapped,
    calls,
    most: () => most,
    finishNext() {
      gates.shift()?.();
    },
  };
}

describe('the host', () => {
  test('has stored its seat and holds its lock before the first event', async () => {
    const { core, host, profile } = await openHost();
    const booted = host.boot();
    expect(core.events).toEqual([]);
    await booted;
    expect(profile.ballots.get(SEAT)).toEqual(emptyRecord(SEAT, undefined));
    expect(profile.locks.isHeld(`seat:${SEAT}`)).toBe(true);
    expect(core.kinds()).toEqual(['boot']);
  });

  test('says a vote only when it is stored', async () => {
    const gate = defer<undefined>();
    let saves = 0;
    const { host, effects, sent, clock, reports } = await openHost({
      ballots: {
        load: async () => undefined,
        save: async () => {
          saves += 1;
          if (saves > 1) await gate.promise;
        },
        delete: async () => undefined,
      },
    });
    await host.boot();
    await effects(vote());
    expect(saves).toBe(2);
    expect(sent).toEqual([]);
    expect(reports()).toEqual([]);
    gate.resolve(undefined);
    await clock.settle();
    expect(sent).toEqual([heal]);
    expect(reports()).toEqual([{ kind: 'seatAcquired', seat: SEAT }]);
  });

  test('says nothing of a vote that could not be stored', async () => {
    let refuse = false;
    const { host, core, effects, sent, reports } = await openHost({
      ballots: {
        load: async () => undefined,
        save: async () => {
          if (refuse) throw new StoreError('quota', 'The disk is full.');
        },
        delete: async () => undefined,
      },
    });
    await host.boot();
    refuse = true;
    await effects(vote());
    expect(sent).toEqual([]);
    expect(reports()).toEqual([]);
    expect(core.events.at(-1)).toEqual({ kind: 'seatNotStored', seat: SEAT, detail: 'The disk is full.' });
  });

  test('counts a vote that is not stored in time as an abstention, also when it lands later', async () => {
    const gate = defer<undefined>();
    let saves = 0;
    const { host, core, clock, effects, sent } = await openHost({
      ballots: {
        load: async () => undefined,
        save: async () => {
          saves += 1;
          if (saves > 1) await gate.promise;
        },
        delete: async () => undefined,
      },
    });
    await host.boot();
    await effects(vote());
    await clock.until('the host gives the vote up', () => core.kinds().includes('seatNotStored'), 5_000);
    gate.resolve(undefined);
    await clock.settle();
    expect(sent).toEqual([]);
  });

  test('gives messages to itself back as events, behind the effects of the same step', async () => {
    const { host, core, effects, sent } = await openHost();
    await host.boot();
    await effects({ kind: 'send', to: SELF, message: heal }, { kind: 'send', to: PEER, message: start });
    expect(sent).toEqual([start]);
    expect(core.events.at(-1)).toEqual({ kind: 'message', from: SELF, message: heal });
  });

  test('reports a send that did not leave', async () => {
    const { host, core, effects, network } = await openHost();
    await host.boot();
    network('overflow');
    await effects({ kind: 'send', to: PEER, message: heal });
    expect(core.events.at(-1)).toEqual({ kind: 'unsent', to: PEER });
  });

  test('turns bytes that are no message into an event, not into a crash', async () => {
    const { host, core, receive } = await openHost();
    await host.boot();
    receive(new Uint8Array([1, 2, 3]));
    expect(core.events.at(-1)).toMatchObject({ kind: 'garbled', from: PEER });
  });

  test('makes little of a flood of such bytes, and hears more of them a second later', async () => {
    const { host, core, clock, receive } = await openHost();
    await host.boot();
    const garbled = () => core.events.filter(({ kind }) => kind === 'garbled').length;
    for (let i = 0; i < 5_000; i++) receive(new Uint8Array(0));
    expect(garbled()).toBe(100);
    let later = false;
    clock.after(1_000, () => {
      later = true;
    });
    await clock.until('a second has passed', () => later);
    receive(new Uint8Array(0));
    expect(garbled()).toBe(101);
  });

  test('runs engine calls one at a time, in the order of the effects', async () => {
    const slow = slowEngine();
    const { host, core, clock, effects } = await openHost({ openEngine: async () => slow.engine });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    await effects({ kind: 'exportState', generation: GENERATION }, compute(0));
    expect(slow.calls).toEqual(['export']);
    slow.finishNext();
    await clock.settle();
    expect(slow.calls).toEqual(['export', 'contribute 0']);
    slow.finishNext();
    await clock.settle();
    expect(slow.most()).toBe(1);
    expect(core.kinds().slice(-2)).toEqual(['exported', 'computed']);
  });

  test('drops a computation of an aborted generation before it starts', async () => {
    const slow = slowEngine();
    const { host, core, clock, effects } = await openHost({ openEngine: async () => slow.engine });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    await effects({ kind: 'exportState', generation: GENERATION }, compute(0));
    await effects({ kind: 'report', event: { kind: 'aborted', generation: GENERATION, step: 0 } });
    await effects(compute(0, generation(2)));
    slow.finishNext();
    await clock.settle();
    slow.finishNext();
    await clock.settle();
    expect(slow.calls).toEqual(['export', 'contribute 0']);
    expect(core.events.filter(({ kind }) => kind === 'computed')).toMatchObject([
      { generation: generation(2) },
    ]);
  });

  test('resets the engine that is open when the same job is asked for again', async () => {
    let opened = 0;
    const { host, core, effects } = await openHost({
      openEngine: async (job) => {
        opened += 1;
        return smallEngine(job);
      },
    });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    expect(opened).toBe(1);
    expect(core.events.filter(({ kind }) => kind === 'engineReady')).toHaveLength(2);
  });

  test('answers for the job that was asked for last, when a slow engine for another opens after that', async () => {
    const own: Job = { ...SMALL_JOB, steps: 40 };
    const opens = new Map<string, Deferred<undefined>>();
    const { host, core, clock, effects } = await openHost({
      openEngine: async (job) => {
        const open = defer<undefined>();
        opens.set(jobHash(job), open);
        await open.promise;
        return smallEngine(job);
      },
    });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: own });
    // The page has heard of a room meanwhile, which trains another job.
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    const ready = (): Event[] => core.events.filter(({ kind }) => kind === 'engineReady');
    opens.get(jobHash(own))?.resolve(undefined);
    await clock.settle();
    expect(ready()).toEqual([]);
    opens.get(jobHash(SMALL_JOB))?.resolve(undefined);
    await clock.settle();
    expect(ready()).toMatchObject([{ jobHash: jobHash(SMALL_JOB) }]);
  });

  test('tells of a lost engine once, and says how many were lost when it opens the next', async () => {
    const lost = defer<EngineError>();
    const attempts: number[] = [];
    const { host, core, clock, effects } = await openHost({
      openEngine: async (job, attempt) => {
        attempts.push(attempt);
        return { ...smallEngine(job), lost: lost.promise, contributeInBuckets: () => Promise.reject(GONE) };
      },
    });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    await effects(compute(0));
    lost.resolve(GONE);
    await clock.settle();
    expect(core.events.filter(({ kind }) => kind === 'engineFailed')).toEqual([
      { kind: 'engineFailed', fault: 'device-lost', detail: 'The GPU is gone.' },
    ]);
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    expect(attempts).toEqual([0, 1]);
  });

  test('tells of a lost engine as lost, also when the call that ran fails for another reason then', async () => {
    const lost = defer<EngineError>();
    const gate = defer<never>();
    const { host, core, clock, effects } = await openHost({
      openEngine: async (job) => ({
        ...smallEngine(job),
        lost: lost.promise,
        apply: () => gate.promise,
        destroy: () => {
          gate.reject(new EngineError('unavailable', 'The engine was closed.'));
        },
      }),
    });
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    // One runs, and one waits behind it for an engine that will not be there.
    const apply: Effect = {
      kind: 'apply',
      generation: GENERATION,
      step: 0,
      reduced: new Int32Array(1),
      exponents: undefined,
      quarantined: undefined,
      mode: 'native',
    };
    await effects(apply, apply);
    lost.resolve(GONE);
    await clock.settle();
    expect(core.events.filter(({ kind }) => kind === 'engineFailed')).toMatchObject([
      { fault: 'device-lost' },
    ]);
  });

  test('brings back a state that it exported itself, with the history that goes with it', async () => {
    const { host, core, effects } = await openHost();
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    await effects({ kind: 'exportState', generation: GENERATION });
    const exported = core.events.at(-1);
    if (exported?.kind !== 'exported') throw new Error('the state was exported');
    const { step, hash, state } = exported;
    await effects({ kind: 'importState', generation: GENERATION, step, hash, pieces: state.pieces });
    expect(core.events.at(-1)).toEqual({ kind: 'imported', generation: GENERATION, step, hash });
    const damaged = state.pieces.slice(0, -1);
    await effects({ kind: 'importState', generation: GENERATION, step, hash, pieces: damaged });
    expect(core.events.at(-1)).toMatchObject({ kind: 'importFailed', generation: GENERATION });
  });

  test('hands over a dead page’s seat with its ballots, and is silent about one of another machine', async () => {
    const { host, core, clock, effects, profile } = await openHost();
    await host.boot();
    const otherPage = {};
    const record = { ...emptyRecord(OTHER_SEAT, undefined), promised: { round: 3, proposer: PEER } };
    profile.ballots.set(OTHER_SEAT, record);
    await profile.seatLocks(otherPage).hold(OTHER_SEAT);
    const foreign = 'f'.repeat(32) as SeatId;
    await effects({ kind: 'watchSeats', seats: [OTHER_SEAT, foreign] });
    expect(core.kinds()).not.toContain('seatAcquired');
    expect(profile.locks.isHeld(`seat:${foreign}`)).toBe(false);
    profile.locks.releaseAll(otherPage);
    await clock.settle();
    expect(core.events.at(-1)).toEqual({ kind: 'seatAcquired', seat: OTHER_SEAT, record });
    await effects({ kind: 'releaseSeat', seat: OTHER_SEAT });
    expect(profile.locks.isHeld(`seat:${OTHER_SEAT}`)).toBe(false);
    // Another page of this browser may still have to answer for it.
    expect(profile.ballots.has(OTHER_SEAT)).toBe(true);
  });

  test('leaves regular checkpoints to the browser’s writer, and takes one itself when asked', async () => {
    const { host, core, effects, profile } = await openHost();
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    const ready = core.events.at(-1);
    if (ready?.kind !== 'engineReady') throw new Error('the engine is ready');
    const checkpoint: Effect = { kind: 'checkpoint', generation: GENERATION, step: 0, hash: ready.hash };
    await profile.writer({}).acquire();
    await effects(checkpoint);
    expect(core.kinds()).not.toContain('checkpointed');
    core.on('command', checkpoint);
    await expect(host.checkpointNow()).resolves.toMatchObject({ step: 0, stateHash: ready.hash });
    expect(core.kinds()).toContain('checkpointed');
  });

  test('passes over a checkpoint whose state is not what was saved, for the one before', async () => {
    const { host, core, effects, profile } = await openHost();
    await host.boot();
    await effects({ kind: 'prepareEngine', job: SMALL_JOB });
    const ready = core.events.at(-1);
    if (ready?.kind !== 'engineReady') throw new Error('the engine is ready');
    for (const number of [1, 2]) {
      const { hash } = ready;
      core.on('command', { kind: 'checkpoint', generation: generation(number), step: 0, hash });
      await host.checkpointNow();
    }
    const [newest] = await profile.checkpointStore.list('ROOMAA');
    const stored = newest && profile.records.get(newest.id);
    if (stored === undefined) throw new Error('two were saved');
    stored.file.fill(1, -4);

    const reopened = await openHost({ checkpoints: profile.checkpointStore }, { fresh: false });
    await reopened.host.boot();
    const boot = reopened.core.events[0];
    if (boot?.kind !== 'boot') throw new Error('it has booted');
    expect(boot.saved).toMatchObject({ lineage: generation(1), step: 0, hash: ready.hash });
    expect(reopened.reports()).toMatchObject([{ kind: 'checkpointSkipped', step: 0 }]);
  });

  test('stops itself, and takes nobody along, when the core meets what cannot be', async () => {
    const { host, core, clock, profile, reports } = await openHost();
    await host.boot();
    core.step = () => {
      throw new Error('two and two are five');
    };
    host.command('start');
    await clock.settle();
    expect(reports()).toContainEqual({
      kind: 'stopped',
      reason: 'invariant',
      detail: 'two and two are five',
    });
    expect(host.status().problem).toContain('two and two are five');
    expect(profile.locks.isHeld(`seat:${SEAT}`)).toBe(false);
    expect(profile.ballots.has(SEAT)).toBe(true);
  });
});

// Puts a rank together in its worker: the protocol core, the browser's ports, and the faults between them.

import { openBallast } from '../checkpoint/ballast.ts';
import { openBallotStore } from '../checkpoint/ballots.ts';
import { deviceIn } from '../checkpoint/device.ts';
import { openSeatLocks } from '../checkpoint/seat-locks.ts';
import { openCheckpointStore } from '../checkpoint/store.ts';
import { faultyClock } from '../faults/clock.ts';
import { LONGEST_HOLD_MS } from '../faults/consent.ts';
import type { Exhausted } from '../faults/consent.ts';
import { createFaultInjector } from '../faults/injector.ts';
import type { FaultInjector } from '../faults/injector.ts';
import { machineFaults } from '../faults/machine.ts';
import type { HoldBudget } from '../faults/machine.ts';
import { faultyNetwork } from '../faults/network.ts';
import { faultyPagePort } from '../faults/page-turns.ts';
import { pageFaults } from '../faults/page.ts';
import { seededSites } from '../faults/site-random.ts';
import { faultyBallotStore, faultyCheckpointStore, storedCheckpointFaults } from '../faults/storage.ts';
import { jobHash } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import { recoveryOf } from '../job/recovery-schema.ts';
import type { Engine } from '../ports/engine.ts';
import type { DeviceId, MemberId, SeatId } from '../ports/ids.ts';
import { isSeatId } from '../ports/ids.ts';
import { createRank, stepRank } from '../protocol/rank.ts';
import { viewRank } from '../protocol/view.ts';
import { systemClock } from '../transport/system-clock.ts';
import { broadcastIsThere, openBroadcast } from '../transport/fallback/broadcast.ts';
import { openRelay } from '../transport/fallback/relay.ts';
import { RELAY_PATH } from '../transport/fallback/relay-protocol.ts';
import type { RefusalCode } from '../transport/refusal.ts';
import { openWorkerTransport } from '../transport/worker.ts';
import type { WorkerTransport } from '../transport/worker.ts';
import type { EngineChoice, RankGone, RankOptions } from './api.ts';
import { blockThread, burnThread } from './block-thread.ts';
import { engineFaultPorts } from './engine-fault-port.ts';
import { descend, rungsAfter } from './engine-ladder.ts';
import { openEngineProxy } from './engine-proxy.ts';
import { broadcastEvaluations } from './evaluation-share.ts';
import { helpersOf } from './helpers.ts';
import type { Helper, HelperKeeper } from './helpers.ts';
import { createHost } from './host.ts';
import type { Host } from './host.ts';
import { createRecorder } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import { openSaver } from './save-service.ts';
import { webWriterRole } from './writer-role.ts';

export interface RankSetup {
  readonly member: MemberId;
  readonly options: RankOptions;
  /** Address of the folder with the packed data sets, and a slash at its end. */
  readonly data: string;
}

/** What only the page can do for its worker. */
export interface PageActions extends HelperKeeper {
  /** Goes away, with a goodbye or, if killed, without a word. */
  go(how: RankGone['how']): void;
  /** Asks whoever sits at the machine. */
  consent(what: Exhausted): Promise<boolean>;
  /** Whether it says goodbye when it goes. */
  goodbyes(on: boolean): void;
  /** Whether it reaches the signalling server. */
  signalling(on: boolean): void;
  /** Keeps its own thread busy, in turns. */
  hog(on: boolean): void;
}

export interface OpenedRank {
  readonly host: Host;
  readonly faults: FaultInjector;
  readonly recorder: Recorder;
}

/** What really taking memory or storage may take, whatever a fault asks for. */
const HOLD_BUDGET: HoldBudget = { maxBytes: 1024 * 1024 * 1024, maxMs: 5_000 };

export function openRank(
  { member, options, data }: RankSetup,
  transport: MessagePort,
  page: PageActions,
): OpenedRank {
  const seat = newSeatId();
  const time = faultyClock(systemClock());
  const { clock } = time;
  const state = createRank({ member, seat });
  const recorder = createRecorder({
    self: { member, seat },
    core: {
      step: (event, now) => stepRank(state, event, now),
      view: (now) => viewRank(state, now),
    },
    now: () => clock.now(),
    wallClock: () => Date.now(),
  });

  const ballots = faultyBallotStore(openBallotStore());
  const { checkpointsKept: keep, checkpointsKeptEvery: everyNth } = options.job.policies;
  const store = openCheckpointStore({ keep, everyNth, now: () => Date.now() });
  const openHelper = helpersOf(page);
  const saver = openSaver(() => openHelper('save'), { keep, everyNth });
  const checkpoints = faultyCheckpointStore({ ...store, save: saver.save });
  const refusals = new Map<RefusalCode, number>();
  const turns = faultyPagePort(transport, systemClock(), (hidden) => {
    host.visibility(hidden);
  });
  let carriers: WorkerTransport | undefined;
  const network = faultyNetwork(
    (handlers) =>
      (carriers = openWorkerTransport({
        port: turns.port,
        self: member,
        room: options.room,
        secret: options.secret,
        fallbacks: [
          ...(broadcastIsThere() ? [openBroadcast(options.room)] : []),
          openRelay({ url: relayUrl(), room: options.room, secret: options.secret, clock }),
        ],
        handlers: {
          ...handlers,
          refused({ code, by, peer, message }) {
            if (by === 'peer') host.report({ kind: 'refused', by: peer, reason: message });
            else {
              refusals.set(code, (refusals.get(code) ?? 0) + 1);
              host.report({ kind: 'turnedAway', peer, reason: message });
            }
            // Who has a link has the right secret: then it is the stranger's that is wrong.
            if (code === 'wrong-secret' && carriers?.peers().length === 0) host.complain('links', message);
          },
          signalling(signalling) {
            const failing = signalling.state === 'retrying' || signalling.state === 'failed';
            host.complain('signalling', failing ? signalling.message : undefined);
          },
        },
      })),
    clock,
    // Chance must differ between ranks; a member id is random and is in the log.
    seededSites(Number.parseInt(member.slice(0, 8), 16)),
  );
  const engineFaults = engineFaultPorts({
    consent: (what) => page.consent(what),
    clock: systemClock(),
    note: (detail) => {
      host.report({ kind: 'engine', detail });
    },
  });

  /** Loads its code while this worker opens its stores. */
  let spare: Helper | undefined = openHelper('engine');
  const openIn = async (choice: EngineChoice, job: Job): Promise<Engine> => {
    const helper = spare ?? openHelper('engine');
    spare = undefined;
    const engine = await openEngineProxy(helper, { choice, job, data, share: options.share }, (notice) => {
      engineFaults.notice(notice);
    });
    engineFaults.attach(engine);
    return engine;
  };

  const faults = createFaultInjector({
    // How long a fault lasts is no matter of a clock that jumps.
    clock: systemClock(),
    resolvePeer: (rank) => host.memberOfRank(rank),
    report: (event) => {
      host.report(event);
    },
    ports: [
      network.faults,
      ballots.faults,
      checkpoints.faults,
      storedCheckpointFaults(store, options.path ?? options.room),
      time.faults,
      ...engineFaults.ports,
      turns.faults,
      machineFaults({
        consent: (what) => page.consent(what),
        clock: systemClock(),
        busy: burnThread,
        hogPage: (on) => {
          page.hog(on);
        },
        ballast: openBallast(member, LONGEST_HOLD_MS, () => Date.now()),
        budget: HOLD_BUDGET,
      }),
      // Each acts in a task of its own: the answer to whoever asked goes out first.
      pageFaults(
        {
          close: () => {
            setTimeout(() => {
              page.go('close');
            }, 0);
          },
          kill: () => {
            setTimeout(() => {
              page.go('kill');
            }, 0);
          },
          freeze: (ms) => {
            setTimeout(() => {
              blockThread(ms);
            }, 0);
          },
          goodbyes: (on) => {
            page.goodbyes(on);
          },
          signalling: (on) => {
            page.signalling(on);
          },
        },
        systemClock(),
      ),
    ],
  });

  let device: Promise<DeviceId> | undefined;
  const host = createHost(
    { member, seat, options, jobHash: jobHash(options.job) },
    {
      core: recorder.core,
      noted: (event) => {
        recorder.noted(event);
      },
      clock,
      wallClock: () => Date.now(),
      ballots: ballots.store,
      checkpoints: checkpoints.store,
      device: () =>
        (device ??= deviceIn(options.room).catch((error: unknown) => {
          device = undefined;
          throw error;
        })),
      encode: saver.encode,
      seatLocks: openSeatLocks(),
      writer: webWriterRole(navigator.locks, options.path ?? options.room),
      evaluations: broadcastEvaluations(options.room),
      openEngine: async (job, lost) =>
        await descend(rungsAfter(lost, options.engine, recoveryOf(job.policies).deviceRetries), (choice) =>
          openIn(choice, job),
        ),
      openEvaluator: (job) => openEngineProxy(openHelper('engine'), { choice: 'cpu', job, data }),
      connect: (handlers) => network.connect(handlers),
      carrierOf: (peer) => carriers?.carrier(peer),
      refusals: () => [...refusals].map(([code, count]) => ({ code, count })),
      activeFaults: () => faults.active(),
    },
  );

  return { host, faults, recorder };
}

/** On the origin that served this worker. */
const relayUrl = (): string =>
  `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${RELAY_PATH}`;

function newSeatId(): SeatId {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!isSeatId(id)) throw new TypeError(`A seat id has 32 hex digits, and this one is ${id}.`);
  return id;
}

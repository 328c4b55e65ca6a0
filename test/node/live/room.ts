// A room of real hosts with the real core and the CPU engine, on ports in memory: what tests of the whole open and break.

import { createHost } from '../../../src/live/host.ts';
import type { Host } from '../../../src/live/host.ts';
import { createRecorder } from '../../../src/live/recorder.ts';
import { encodeSnapshot } from '../../../src/live/state-encoder.ts';
import type { HostPorts } from '../../../src/live/host-ports.ts';
import type { RankOptions } from '../../../src/live/api.ts';
import { jobHash } from '../../../src/job/job.ts';
import type { Job } from '../../../src/job/job.ts';
import type { MemberId, SeatId } from '../../../src/ports/ids.ts';
import type { Evidence } from '../../../src/ports/network.ts';
import { createRank, stepRank } from '../../../src/protocol/rank.ts';
import { viewRank } from '../../../src/protocol/view.ts';
import { createHub, createProfile } from './memory-ports.ts';
import type { Hub, Profile } from './memory-ports.ts';
import { SMALL_JOB, smallEngine } from './small-job.ts';
import { createVirtualClock } from './virtual-clock.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface TestRank {
  readonly member: MemberId;
  readonly host: Host;
  /** What its core was told and answered, as it would be downloaded. */
  recording(): Promise<Uint8Array<ArrayBuffer>>;
  /** The page and its worker are gone. Without evidence, the others must find out. */
  kill(evidence?: Evidence): void;
}

export interface OpenRankOptions {
  readonly profile?: Profile;
  readonly options?: Partial<RankOptions>;
  /** Replaces ports. */
  readonly ports?: Partial<HostPorts>;
  /** Characters after which the recording ends. */
  readonly recordingLimit?: number;
}

export interface Room {
  readonly clock: VirtualClock;
  readonly hub: Hub;
  readonly profile: Profile;
  open(options?: OpenRankOptions): Promise<TestRank>;
  /** Opens that many, the first into a fresh room, and waits until all train. */
  openAll(count: number): Promise<TestRank[]>;
}

export function createRoom(job: Job = SMALL_JOB): Room {
  const clock = createVirtualClock();
  const hub = createHub(clock);
  const profile = createProfile(clock);
  let count = 0;

  const open: Room['open'] = async ({
    profile: own = profile,
    options = {},
    ports = {},
    recordingLimit,
  } = {}) => {
    const id = (count++).toString(16).padStart(2, '0');
    const member = id.repeat(16) as MemberId;
    const seat = id.repeat(16) as SeatId;
    const state = createRank({ member, seat });
    const page = {};
    let alive = true;
    const recorder = createRecorder({
      self: { member, seat },
      core: {
        step: (event, now) => stepRank(state, event, now),
        view: (now) => viewRank(state, now),
      },
      now: () => clock.now(),
      wallClock: () => clock.now(),
      ...(recordingLimit === undefined ? {} : { limit: recordingLimit }),
    });
    const host = createHost(
      {
        member,
        seat,
        options: {
          room: 'ROOMAA',
          secret: 's',
          fresh: false,
          engine: 'cpu',
          autostart: true,
          tune: false,
          job,
          ...options,
        },
        jobHash: jobHash(options.job ?? job),
      },
      {
        core: {
          step: (event, now) => (alive ? recorder.core.step(event, now) : []),
          view: recorder.core.view,
        },
        noted: (event) => {
          recorder.noted(event);
        },
        clock,
        wallClock: () => clock.now(),
        connect: (handlers) => hub.connect(member, handlers),
        carrierOf: () => 'webrtc',
        refusals: () => [],
        openEngine: async (wanted) => smallEngine(wanted),
        openEvaluator: async (wanted) => smallEngine(wanted),
        ballots: own.ballotStore,
        checkpoints: own.checkpointStore,
        device: own.device,
        encode: async (snapshot) => encodeSnapshot(snapshot),
        seatLocks: own.seatLocks(page),
        writer: own.writer(page),
        evaluations: { publish: () => undefined, subscribe: () => undefined },
        activeFaults: () => [],
        ...ports,
      },
    );
    await host.boot();
    return {
      member,
      host,
      recording: () => recorder.read(),
      kill(evidence) {
        alive = false;
        hub.remove(member, evidence);
        own.locks.releaseAll(page);
      },
    };
  };

  return {
    clock,
    hub,
    profile,
    open,
    async openAll(size) {
      const ranks = [await open({ options: { fresh: true, autostart: false } })];
      while (ranks.length < size) ranks.push(await open({ options: { autostart: false } }));
      await clock.until(`${size} ranks are members`, () =>
        ranks.every(({ host }) => host.status().members.length === size && host.status().phase === 'idle'),
      );
      return ranks;
    },
  };
}

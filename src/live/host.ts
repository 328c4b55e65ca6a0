// The rank in a browser, without the browser: runs the protocol core and carries its effects out through injected ports.
// What must be durable before it is said (`store`) is stored first, and when that fails nothing of it is said.

import { jobHash as hashOfJob } from '../job/job.ts';
import type { PredictRequest } from '../ports/engine.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Network } from '../ports/network.ts';
import type { CheckpointSummary } from '../ports/store.ts';
import type { Effect } from '../protocol/effects.ts';
import type { Holding } from '../protocol/messages.ts';
import type { RankView } from '../protocol/view.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';
import type { Flight } from '../trace/flight-recorder.ts';
import type { EvaluationPoint, MetricPoint, Prediction, RankStatus } from './api.ts';
import { createCheckpointTaking } from './checkpoint-taking.ts';
import { createCheckpointer } from './checkpointer.ts';
import { createColourTelling } from './colour-telling.ts';
import { createComplaints, type Complaint } from './complaints.ts';
import { createEngineWork } from './engine-work.ts';
import { createEvaluator } from './evaluator.ts';
import { createEventLoop } from './event-loop.ts';
import { createGoingBack } from './going-back.ts';
import { createHistory } from './history.ts';
import type { HostPorts, HostSelf } from './host-ports.ts';
import { createInbox } from './inbox.ts';
import { createLeaving } from './leaving.ts';
import { createLogbook } from './logbook.ts';
import { messageOf } from './message-of.ts';
import { createOutbox } from './outbox.ts';
import { createPredict } from './predicting.ts';
import { RankError } from './rank-error.ts';
import { createRestoring } from './restoring.ts';
import { createRoomEnquiries } from './room-enquiries.ts';
import { createSavePacer } from './save-pacer.ts';
import { createSeats } from './seats.ts';
import { createStartingPoint } from './starting-point.ts';
import { createStateNotes } from './state-notes.ts';
import { createTimers } from './timers.ts';
import { meterTraffic } from './traffic.ts';

export interface Host {
  /** Takes a seat, looks for a checkpoint, then starts the protocol and connects. */
  boot(): Promise<void>;
  status(): RankStatus;
  metrics(from: number): {
    readonly points: readonly MetricPoint[];
    readonly evaluations: readonly EvaluationPoint[];
    readonly next: number;
  };
  log(from: number, limit: number): readonly TraceRecord[];
  /** The flights of all linked ranks that answer in time. */
  recall(): Promise<readonly Flight[]>;
  /** The checkpoints of each other device that answers in time. */
  copies(): Promise<readonly Holding[]>;
  command(command: 'start' | 'pause' | 'force'): void;
  checkpointNow(): Promise<CheckpointSummary>;
  checkpoints(): Promise<readonly CheckpointSummary[]>;
  /** The whole room goes back to it, once its members have agreed. */
  rollBack(id: string): Promise<void>;
  /** The page is about to be hidden, or was and is shown again. */
  visibility(hidden: boolean): void;
  leave(): Promise<void>;
  predict(request: PredictRequest, newest: boolean): Promise<Prediction>;
  /** Writes to the log from outside the core: faults, refusals. */
  report(event: TraceEvent): void;
  /** The member with this rank number in the generation in force. */
  memberOfRank(rank: number): MemberId | undefined;
  /** Something a person should know that the core does not; `undefined` once it is over. The last source to speak up is shown. */
  complain(source: Complaint, problem: string | undefined): void;
  close(): Promise<void>;
}

export function createHost(self: HostSelf, ports: HostPorts): Host {
  const { member, seat, options, jobHash } = self;
  const { core, clock } = ports;
  const { complain, shown } = createComplaints();
  const logbook = createLogbook({ member, wallClock: ports.wallClock, noted: ports.noted, complain });
  const { report, note } = logbook;
  const history = createHistory();
  const traffic = meterTraffic(ports.connect);
  const timers = createTimers(clock, (name) => {
    dispatch({ kind: 'timer', name });
  });
  const path = options.path ?? options.room;
  const now = (): number => clock.now();
  const look = (): RankView => core.view(clock.now());
  const pacer = createSavePacer(now, () => {
    dispatch({ kind: 'command', command: 'checkpoint' });
  });
  const save = createCheckpointer(path, ports.checkpoints, ports.encode, now, (ms) => {
    pacer.saved(ms);
  });

  let network: Network | undefined;
  let closed = false;

  // Events

  const { dispatch, clear } = createEventLoop({
    step: (event) => core.step(event, clock.now()),
    execute: (effect) => {
      execute(effect);
    },
    failed: (error) => {
      halt(error);
    },
    isOver: () => closed,
  });

  /** The core has found itself in a state that cannot be: go on no further, harm nobody, say so. */
  const halt = (error: unknown): void => {
    const detail = messageOf(error);
    report({ kind: 'stopped', reason: 'invariant', detail });
    complain('halted', `This rank stopped itself: ${detail}. Reload the page; the others go on.`);
    clear();
    for (const peer of network?.peers() ?? []) network?.drop(peer, 'halted');
    void close();
  };

  const outbox = createOutbox({ member, network: () => network, dispatch });
  const { transmit } = outbox;

  const enquiries = createRoomEnquiries({
    clock,
    transmit,
    flight: logbook.flight,
    device: ports.device,
    checkpoints: ports.checkpoints,
    path,
    isOver: () => closed,
  });

  const colours = createColourTelling({
    member,
    transmit,
    peers: () => network?.peers() ?? [],
    report,
  });

  const handlers = createInbox({
    now,
    dispatch,
    complain,
    report,
    carrierOf: ports.carrierOf,
    linked: (peer) => {
      colours.linked(peer);
    },
    heard: (from, message) => enquiries.heard(from, message) || colours.heard(message),
  });

  const leaving = createLeaving({ clock, dispatch });

  // Helpers that carry effects out

  const seats = createSeats({
    own: seat,
    ballots: ports.ballots,
    locks: ports.seatLocks,
    clock,
    acquired(acquired, record) {
      dispatch({ kind: 'seatAcquired', seat: acquired, record });
    },
    unusable(lost, detail) {
      note(`Seat ${lost.slice(0, 4)} came here and cannot vote: ${detail}`);
    },
  });

  const notes = createStateNotes({
    history,
    time: logbook.time,
    view: look,
    samples: () => work.engine?.samples,
  });

  const work = createEngineWork({
    open: ports.openEngine,
    dispatch,
    notes: notes.of,
    adopt: notes.adopt,
    now,
    note,
  });

  const evaluator = createEvaluator(ports.openEvaluator, (detail) => {
    note(`Held-out accuracy could not be measured: ${detail}`);
  });

  const predict = createPredict(work, evaluator);

  const incarnation = (): string => look().generation?.incarnation ?? '';

  const checkpoints = createCheckpointTaking({
    clock,
    work,
    writer: ports.writer,
    save,
    notes: notes.of,
    dispatch,
    captured({ job, state }) {
      evaluator.evaluate(job, state, (point) => {
        history.evaluation(point);
        ports.evaluations.publish(point, incarnation());
      });
    },
    heldUp(step, ms) {
      pacer.heldUp(ms);
      report({ kind: 'heldUp', step, ms });
    },
  });

  const startingPoint = createStartingPoint({
    options,
    path,
    checkpoints: ports.checkpoints,
    skipped: (step, reason) => {
      report({ kind: 'checkpointSkipped', step, reason });
    },
  });

  const goingBack = createGoingBack({ clock, checkpoints: ports.checkpoints, path, dispatch });

  const restoring = createRestoring({
    work,
    startingPoint,
    goingBack,
    job: () => look().job ?? options.job,
    dispatch,
    isOver: () => closed,
  });

  const storeThenSend = ({ record, thenSend, thenReport }: Extract<Effect, { kind: 'store' }>): void => {
    seats.store(record).then(
      () => {
        if (closed) return;
        if (thenReport !== undefined) report(thenReport);
        thenSend.forEach(transmit);
      },
      (error: unknown) => {
        dispatch({ kind: 'seatNotStored', seat: record.seat, detail: messageOf(error) });
      },
    );
  };

  /** What the host itself learns from what the core reports. */
  const overhear = (event: TraceEvent): void => {
    if (event.kind === 'applied') {
      history.point({ step: event.step, loss: event.loss, trainAccuracy: event.correct / event.samples });
    } else if (event.kind === 'installed') {
      colours.alive(event.members);
    } else if (event.kind === 'aborted') {
      work.abandon(event.generation);
    } else if (event.kind === 'stopped' || event.kind === 'left') {
      ports.writer.giveUp();
    }
  };

  const execute = (effect: Effect): void => {
    switch (effect.kind) {
      case 'send':
        transmit(effect);
        return;
      case 'store':
        storeThenSend(effect);
        return;
      case 'prepareEngine':
        work.prepare(effect);
        return;
      case 'compute':
        work.compute(effect);
        return;
      case 'apply':
        work.apply(effect);
        return;
      case 'exportState':
        work.exportState(effect);
        return;
      case 'copyState':
        work.copyState(effect);
        return;
      case 'importState':
        work.importState(effect);
        return;
      case 'restore':
        void restoring.restore(effect.wanted);
        return;
      case 'checkpoint':
        checkpoints.take(effect);
        return;
      case 'setTimer':
        timers.set(effect.name, effect.ms);
        return;
      case 'clearTimer':
        timers.clear(effect.name);
        return;
      case 'watchSeats':
        seats.watch(effect.seats);
        return;
      case 'releaseSeat':
        seats.release(effect.seat);
        return;
      case 'dropLink':
        network?.drop(effect.peer, effect.reason);
        return;
      case 'connect':
      case 'meet':
      case 'disconnect':
        // This network links everybody with everybody by itself.
        return;
      case 'report':
        logbook.enter(effect.event);
        overhear(effect.event);
        leaving.overhear(effect.event);
        goingBack.overhear(effect.event);
        pacer.overhear(effect.event, look().job, work.engine?.samples.train);
        return;
    }
  };

  const takeSeat = async (): Promise<void> => {
    try {
      await seats.open();
    } catch (error) {
      complain('votes', `This browser does not store votes, so this rank cannot vote: ${messageOf(error)}`);
    }
  };

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    timers.clearAll();
    const gone = new RankError('The rank has gone.');
    checkpoints.end(gone);
    goingBack.end(gone);
    leaving.end();
    evaluator.destroy();
    work.destroy();
    await seats.close(leaving.hasLeft);
  };

  return {
    async boot() {
      await takeSeat();
      const job = await startingPoint.job();
      const saved = startingPoint.isUnused ? undefined : await startingPoint.saved(job);
      ports.evaluations.subscribe((point, from) => {
        if (from === incarnation()) history.evaluation(point);
      });
      dispatch({
        kind: 'boot',
        job,
        jobHash: hashOfJob(job),
        fresh: options.fresh,
        autostart: options.autostart,
        saved: saved && {
          lineage: saved.summary.generation,
          step: saved.summary.step,
          hash: saved.summary.stateHash,
        },
      });
      network = traffic.connect(handlers);
    },

    status() {
      const view = look();
      return {
        member,
        seat,
        room: options.room,
        phase: view.phase,
        engine: work.engine?.description,
        memory: work.engine?.memory(),
        preflight: work.engine?.preflight,
        job: view.job ?? options.job,
        jobHash: view.jobHash ?? jobHash,
        generation: view.generation,
        members: view.members.map((seen, rank) => ({ ...seen, rank })),
        colours: colours.worn(),
        links: network?.peers() ?? [],
        apart: view.apart,
        carried: (network?.peers() ?? []).flatMap((peer) => {
          const carrier = ports.carrierOf(peer);
          return carrier === undefined || carrier === 'webrtc' ? [] : [{ peer, carrier }];
        }),
        sent: outbox.sent(),
        traffic: traffic.read(),
        ledger: logbook.time.ledger(),
        refusals: ports.refusals(),
        running: view.running,
        step: view.step,
        committed: view.committed,
        stateHash: view.stateHash,
        committedHash: view.committedHash,
        exactness: view.exactness,
        resumedFromStep: restoring.fromStep,
        pace: pacer.pace(view.job),
        path,
        evaluation: history.evaluations().at(-1),
        waitingFor: view.waitingFor,
        witness: view.witness,
        incoming: view.incoming,
        stall: view.stall,
        faults: ports.activeFaults(),
        problem: shown(view.problem),
      };
    },

    metrics: (from) => ({ ...history.read(from), evaluations: history.evaluations() }),
    log: logbook.read,
    recall: () => enquiries.recall(network?.peers() ?? []),
    copies: () => enquiries.copies(network?.peers() ?? []),
    command(command) {
      dispatch({ kind: 'command', command });
    },

    checkpointNow: checkpoints.askedFor,
    checkpoints: () => ports.checkpoints.list(path),

    async rollBack(id) {
      const { job, jobHash: trained, generation } = look();
      if (job === undefined || trained === undefined || generation === undefined)
        throw new RankError('This rank is in no room yet that could go back: wait until it is a member.');
      await goingBack.to(id, job, trained);
    },

    visibility(hidden) {
      dispatch({ kind: 'visibility', hidden });
      if (hidden) pacer.tabHides(look().job);
    },

    async leave() {
      await leaving.ask();
      await close();
    },

    predict,
    report,
    memberOfRank: (rank) => look().members[rank]?.member,
    complain,
    close,
  };
}

// The rank in a browser, without the browser: runs the protocol core and carries its effects out through injected ports.
//
// Events are handled one at a time, in the order they came; effects start in the order the core gave them. What must be
// durable before it is said (`store`) is stored first, and when that fails nothing of it is said.

import { progressAt, progressIn, progressNotes } from '../checkpoint/progress.ts';
import { jobHash as hashOfJob } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import type { PredictRequest } from '../ports/engine.ts';
import type { CheckpointNotes } from '../ports/store.ts';
import type { DeviceId, GenerationId, MemberId } from '../ports/ids.ts';
import type { Network, NetworkHandlers } from '../ports/network.ts';
import type { CheckpointSummary } from '../ports/store.ts';
import { bytesSaved, CodecError, decodeMessage, encodeMessage } from '../protocol/codec.ts';
import type { Effect, Event, Send, TimerName } from '../protocol/effects.ts';
import { MAX_HELD } from '../protocol/messages.ts';
import type { Holding, Message } from '../protocol/messages.ts';
import type { SavedPlace } from '../protocol/generation.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';
import { createFlightRecorder, type Flight } from '../trace/flight-recorder.ts';
import type { EvaluationPoint, MetricPoint, Prediction, RankStatus } from './api.ts';
import { createAssertions } from './assertions.ts';
import { createCheckpointer } from './checkpointer.ts';
import { defer } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import { createEnquiry } from './enquiry.ts';
import { createEngineWork } from './engine-work.ts';
import type { Captured } from './engine-work.ts';
import { createEvaluator } from './evaluator.ts';
import { createEventLog } from './event-log.ts';
import { createGarbledBudget } from './garbled.ts';
import { createHistory } from './history.ts';
import type { HostPorts, HostSelf } from './host-ports.ts';
import { messageOf } from './message-of.ts';
import { findJob, findSaved, provenanceNotes } from './saved.ts';
import type { Place, Saved } from './saved.ts';
import { createSavePacer } from './save-pacer.ts';
import { createSeats } from './seats.ts';
import { createTimeBook } from './time-book.ts';
import { meterTraffic } from './traffic.ts';

/** A checkpoint that was asked for and did not come by then is not coming. */
const CHECKPOINT_DEADLINE_MS = 20_000;
/** A room that has not agreed to go back by then will not: longer than the core asks for it. */
const ROLLBACK_DEADLINE_MS = 18_000;
/** A leaver that hears nothing goes all the same. */
const LEAVE_DEADLINE_MS = 3_000;

/** Where a problem comes from that the core does not know of. */
export type Complaint = 'halted' | 'invariant' | 'votes' | 'links' | 'signalling';

export class RankError extends Error {
  override readonly name = 'RankError';
}

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
  const log = createEventLog(member, ports.wallClock);
  const history = createHistory();
  const timeBook = createTimeBook();
  const traffic = meterTraffic(ports.connect);
  const timers = new Map<TimerName, () => void>();
  const path = options.path ?? options.room;
  // A room that lives has gone on since.
  const place: Place = { path, from: options.fresh ? options.from : undefined };
  const now = (): number => clock.now();
  const pacer = createSavePacer(now, () => {
    dispatch({ kind: 'command', command: 'checkpoint' });
  });
  const save = createCheckpointer(path, ports.checkpoints, ports.encode, now, (ms) => {
    pacer.saved(ms);
  });

  let network: Network | undefined;
  let resumedFromStep: number | undefined;
  const complaints = new Map<Complaint, string>();
  let closed = false;
  /** The room has agreed to go on without this rank: its seat votes for nothing any more. */
  let hasLeft = false;
  /** Somebody asked for a checkpoint now, and waits for it. */
  let asked: Deferred<CheckpointSummary> | undefined;
  let leaving: Deferred<undefined> | undefined;
  /** The room is asked to go back to it. It is held here, where nothing that is saved meanwhile can push it out. */
  let back: { readonly saved: Saved; readonly done: Deferred<undefined> } | undefined;
  /** The state that predicts. */
  let asking: Captured | undefined;

  /** The curves, how the state came about, how far the run is and where its time went. */
  const notesOf = (step: number, generation: GenerationId): CheckpointNotes => {
    const { job, provenance } = core.view(clock.now());
    const samples = work.engine?.samples;
    const progress = job && samples && progressAt(job, samples.train, step, generation, timeBook.ledger());
    return { ...history.notes(step), ...provenanceNotes(provenance), ...progressNotes(progress) };
  };

  const adopt = (notes: CheckpointNotes, step: number): void => {
    history.adopt(notes, step);
    const progress = progressIn(notes);
    if (progress !== undefined) timeBook.adopt(progress.ledger);
  };

  const asserted = createAssertions();
  const report = (event: TraceEvent): void => {
    ports.noted?.(event);
    enter(event);
  };
  const flight = createFlightRecorder(member);
  const enter = (event: TraceEvent): void => {
    const record = log.append(event);
    flight.observe(record);
    timeBook.observe(record);
    for (const { invariant, sentence } of asserted(record)) {
      log.append({ kind: 'violated', invariant, sentence });
      complain('invariant', `${sentence} This is a fault of Rankfall itself: please report it with the log.`);
    }
  };
  const complain = (source: Complaint, problem: string | undefined): void => {
    complaints.delete(source);
    if (problem !== undefined) complaints.set(source, problem);
  };
  const note = (detail: string): void => {
    report({ kind: 'engine', detail });
  };

  // Events

  const waiting: Event[] = [];
  let draining = false;

  const dispatch = (event: Event): void => {
    if (closed) return;
    waiting.push(event);
    if (draining) return;
    draining = true;
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        for (const effect of core.step(next, clock.now())) execute(effect);
      }
    } catch (error) {
      halt(error);
    } finally {
      draining = false;
    }
  };

  /** The core has found itself in a state that cannot be: go on no further, harm nobody, say so. */
  const halt = (error: unknown): void => {
    const detail = messageOf(error);
    report({ kind: 'stopped', reason: 'invariant', detail });
    complain('halted', `This rank stopped itself: ${detail}. Reload the page; the others go on.`);
    waiting.length = 0;
    for (const peer of network?.peers() ?? []) network?.drop(peer, 'halted');
    void close();
  };

  const isToldOf = createGarbledBudget();
  const handlers: NetworkHandlers = {
    linkUp(peer) {
      complain('links', undefined);
      dispatch({ kind: 'linkUp', peer });
      const carrier = ports.carrierOf(peer);
      if (carrier !== undefined && carrier !== 'webrtc') report({ kind: 'linkCarried', peer, carrier });
    },
    linkDown(peer, evidence) {
      dispatch({ kind: 'linkDown', peer, evidence });
    },
    message(from, _lane, bytes) {
      let message: Message;
      try {
        message = decodeMessage(bytes);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        if (isToldOf(from, now())) dispatch({ kind: 'garbled', from, detail: error.message });
        return;
      }
      if (message.kind === 'recall') recalls.asked(from);
      else if (message.kind === 'flight') recalls.told(from, message.entries);
      else if (message.kind === 'copies') holdings.asked(from);
      else if (message.kind === 'holding') holdings.told(from, message);
      else dispatch({ kind: 'message', from, message });
    },
  };

  let sentBytes = 0;
  let savedBytes = 0;
  const transmit = ({ to, message }: Send): void => {
    if (to === member) {
      // Behind the effects that are still to be carried out: the core is never entered twice.
      dispatch({ kind: 'message', from: member, message });
      return;
    }
    const { lane, bytes } = encodeMessage(message);
    if (message.kind === 'part') {
      sentBytes += bytes.length;
      savedBytes += bytesSaved(message);
    }
    if (network?.send(to, lane, bytes) !== 'sent') dispatch({ kind: 'unsent', to });
  };

  const recalls = createEnquiry<Flight['entries']>({
    clock,
    ask: (to) => {
      transmit({ to, message: { kind: 'recall' } });
    },
    answer: (to) => {
      transmit({ to, message: { kind: 'flight', entries: flight.read().entries } });
    },
  });

  const holdings = createEnquiry<Holding>({
    clock,
    ask: (to) => {
      transmit({ to, message: { kind: 'copies' } });
    },
    answer: (to) => {
      readHolding().then(
        (holding) => {
          if (!closed) transmit({ to, message: { kind: 'holding', ...holding } });
        },
        // A device whose store cannot be read holds nothing that could be counted.
        () => undefined,
      );
    },
  });

  const readHolding = async (): Promise<Holding> => ({
    device: await ports.device(),
    checkpoints: (await ports.checkpoints.list(path))
      .filter(({ standing }) => standing === 'verified')
      .slice(0, MAX_HELD)
      .map(({ step, stateHash }) => ({ step, hash: stateHash })),
  });

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

  const work = createEngineWork({
    open: ports.openEngine,
    dispatch,
    notes: notesOf,
    adopt,
    now,
    note,
  });

  const evaluator = createEvaluator(ports.openEvaluator, (detail) => {
    note(`Held-out accuracy could not be measured: ${detail}`);
  });

  const captureNow = (): Promise<Captured> =>
    new Promise((resolve, reject) => {
      work.capture(
        () => Promise.resolve(true),
        resolve,
        (detail) => {
          reject(new RankError(`The model could not be asked: ${detail}`));
        },
      );
    });

  const incarnation = (): string => core.view(clock.now()).generation?.incarnation ?? '';

  const takeCheckpoint = ({ generation, step, hash }: Extract<Effect, { kind: 'checkpoint' }>): void => {
    const explicit = asked;
    asked = undefined;
    const failed = (detail: string): void => {
      explicit?.reject(new RankError(`The checkpoint of step ${step} failed: ${detail}`));
      dispatch({ kind: 'checkpointFailed', generation, step, detail });
    };
    work.capture(
      // Whoever asks for a checkpoint gets one, also on a rank that leaves the regular ones to another.
      async () => (await ports.writer.acquire()) || explicit !== undefined,
      ({ job, jobHash: savedJobHash, state }) => {
        save({
          generation,
          step,
          hash,
          job,
          jobHash: savedJobHash,
          state,
          notes: notesOf(step, generation),
        }).then(
          (summary) => {
            explicit?.resolve(summary);
            dispatch({
              kind: 'checkpointed',
              generation: summary.generation,
              step: summary.step,
              hash: summary.stateHash,
            });
          },
          (error: unknown) => {
            failed(messageOf(error));
          },
        );
        evaluator.evaluate(job, state, (point) => {
          history.evaluation(point);
          ports.evaluations.publish(point, incarnation());
        });
      },
      failed,
      (ms) => {
        pacer.heldUp(ms);
        report({ kind: 'heldUp', step, ms });
      },
    );
  };

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

  /** What was found at the start may have been outrun since, by this tab or by another. */
  const restore = async (chosen: SavedPlace | undefined): Promise<void> => {
    const { preparations } = work;
    const saved =
      chosen === undefined
        ? await lookForSaved(core.view(clock.now()).job ?? options.job)
        : isOf(back?.saved, chosen)
          ? back?.saved
          : undefined;
    if (closed || work.preparations !== preparations) return;
    if (saved === undefined) {
      dispatch({ kind: 'restored', found: undefined });
      return;
    }
    work.restore(saved);
    resumedFromStep = saved.summary.step;
  };

  /** What the host itself learns from what the core reports. */
  const overhear = (event: TraceEvent): void => {
    if (event.kind === 'applied') {
      history.point({ step: event.step, loss: event.loss, trainAccuracy: event.correct / event.samples });
    } else if (event.kind === 'aborted') {
      work.abandon(event.generation);
    } else if (event.kind === 'founded' && event.why === 'rolled-back') {
      if (event.step === back?.saved.summary.step) back.done.resolve(undefined);
    } else if (event.kind === 'stopped' || event.kind === 'left') {
      ports.writer.giveUp();
      const left = event.kind === 'left' ? event.why === 'leave' : event.reason === 'left';
      hasLeft ||= left;
      if (left || event.kind === 'stopped') leaving?.resolve(undefined);
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
      case 'importState':
        work.importState(effect);
        return;
      case 'restore':
        void restore(effect.chosen);
        return;
      case 'checkpoint':
        takeCheckpoint(effect);
        return;
      case 'setTimer':
        setTimer(effect.name, effect.ms);
        return;
      case 'clearTimer':
        timers.get(effect.name)?.();
        timers.delete(effect.name);
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
        enter(effect.event);
        overhear(effect.event);
        pacer.overhear(effect.event, core.view(clock.now()).job, work.engine?.samples.train);
        return;
    }
  };

  const setTimer = (name: TimerName, ms: number): void => {
    timers.get(name)?.();
    timers.set(
      name,
      clock.after(ms, () => {
        timers.delete(name);
        dispatch({ kind: 'timer', name });
      }),
    );
  };

  const takeSeat = async (): Promise<void> => {
    try {
      await seats.open();
    } catch (error) {
      complain('votes', `This browser does not store votes, so this rank cannot vote: ${messageOf(error)}`);
    }
  };

  const lookForSaved = async (job: Job): Promise<Saved | undefined> => {
    try {
      return await findSaved(ports.checkpoints, place, job, hashOfJob(job), (step, reason) => {
        report({ kind: 'checkpointSkipped', step, reason });
      });
    } catch (error) {
      report({ kind: 'checkpointSkipped', step: 0, reason: messageOf(error) });
      return undefined;
    }
  };

  /** A new room has checkpoints only under a name that others used before. */
  const isUnused = options.fresh && path === options.room && options.from === undefined;

  /**
   * A room that is reopened trains what it trained, whatever the page's address asks for, and so does one that goes on from a given
   * checkpoint. A new room under a name goes on with what it was made for, if that was trained there; kernels are the room's.
   */
  const jobOfRoom = async (): Promise<Job> => {
    if (isUnused) return options.job;
    const wanted = (job: Job): boolean =>
      !options.fresh ||
      options.from !== undefined ||
      hashOfJob({ ...job, kernels: options.job.kernels }) === hashOfJob(options.job);
    try {
      return (await findJob(ports.checkpoints, place, wanted)) ?? options.job;
    } catch {
      // What cannot be read is said, checkpoint by checkpoint, when a state is looked for.
      return options.job;
    }
  };

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    for (const cancel of timers.values()) cancel();
    timers.clear();
    asked?.reject(new RankError('The rank has gone.'));
    back?.done.reject(new RankError('The rank has gone.'));
    leaving?.resolve(undefined);
    evaluator.destroy();
    work.destroy();
    await seats.close(hasLeft);
  };

  return {
    async boot() {
      await takeSeat();
      const job = await jobOfRoom();
      const saved = isUnused ? undefined : await lookForSaved(job);
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
      const now = clock.now();
      const view = core.view(now);
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
        links: network?.peers() ?? [],
        carried: (network?.peers() ?? []).flatMap((peer) => {
          const carrier = ports.carrierOf(peer);
          return carrier === undefined || carrier === 'webrtc' ? [] : [{ peer, carrier }];
        }),
        sent: { bytes: sentBytes, saved: savedBytes },
        traffic: traffic.read(),
        ledger: timeBook.ledger(),
        refusals: ports.refusals(),
        running: view.running,
        step: view.step,
        committed: view.committed,
        stateHash: view.stateHash,
        committedHash: view.committedHash,
        exactness: view.exactness,
        resumedFromStep,
        pace: pacer.pace(view.job),
        path,
        evaluation: history.evaluations().at(-1),
        waitingFor: view.waitingFor,
        witness: view.witness,
        incoming: view.incoming,
        stall: view.stall,
        faults: ports.activeFaults(),
        problem: complaints.get('halted') ?? view.problem ?? [...complaints.values()].at(-1),
      };
    },

    metrics: (from) => ({ ...history.read(from), evaluations: history.evaluations() }),
    log: (from, limit) => log.read(from, limit),
    async recall() {
      const flights = await recalls.ask(network?.peers() ?? []);
      return [...flights].map(([peer, entries]) => ({ member: peer, entries }));
    },
    async copies() {
      const here = await ports.device();
      const answers = await holdings.ask(network?.peers() ?? []);
      // The ranks of one device read the same store.
      const others = new Map<DeviceId, Holding>();
      for (const { device, checkpoints } of answers.values())
        if (device !== here) others.set(device, { device, checkpoints });
      return [...others.values()];
    },
    command(command) {
      dispatch({ kind: 'command', command });
    },

    async checkpointNow() {
      const result = asked ?? defer<CheckpointSummary>();
      asked = result;
      dispatch({ kind: 'command', command: 'checkpoint' });
      const cancel = clock.after(CHECKPOINT_DEADLINE_MS, () => {
        if (asked === result) asked = undefined;
        result.reject(
          new RankError('No checkpoint was taken: this rank holds no committed state, or its store hangs.'),
        );
      });
      return await result.promise.finally(cancel);
    },

    checkpoints: () => ports.checkpoints.list(path),

    async rollBack(id) {
      if (back !== undefined)
        throw new RankError('The room is being asked to go back already: wait a moment.');
      const { job, jobHash: trained, generation } = core.view(clock.now());
      if (job === undefined || trained === undefined || generation === undefined)
        throw new RankError('This rank is in no room yet that could go back: wait until it is a member.');
      let flaw = 'it was deleted, or replaced by newer ones';
      const saved = await findSaved(ports.checkpoints, { path, from: id }, job, trained, (_step, reason) => {
        flaw = reason;
      });
      if (saved === undefined) throw new RankError(`The room cannot go back to this checkpoint: ${flaw}`);
      const done = defer<undefined>();
      back = { saved, done };
      dispatch({ kind: 'rollBack', to: { step: saved.summary.step, hash: saved.summary.stateHash } });
      const cancel = clock.after(ROLLBACK_DEADLINE_MS, () => {
        done.reject(
          new RankError(
            'The room has not gone back: its members have not agreed in time. It goes on as it was.',
          ),
        );
      });
      await done.promise.finally(() => {
        cancel();
        back = undefined;
      });
    },

    visibility(hidden) {
      dispatch({ kind: 'visibility', hidden });
      if (hidden) pacer.tabHides(core.view(clock.now()).job);
    },

    async leave() {
      const left = leaving ?? defer<undefined>();
      leaving = left;
      dispatch({ kind: 'command', command: 'leave' });
      const cancel = clock.after(LEAVE_DEADLINE_MS, () => {
        left.resolve(undefined);
      });
      await left.promise.finally(cancel);
      await close();
    },

    async predict(request, newest) {
      if (newest || asking === undefined) asking = await captureNow();
      const { job, state } = asking;
      return { step: state.step, logits: await evaluator.predict(job, state, request) };
    },

    report,
    memberOfRank: (rank) => core.view(clock.now()).members[rank]?.member,
    complain,
    close,
  };
}

const isOf = (saved: Saved | undefined, { step, hash }: SavedPlace): boolean =>
  saved?.summary.step === step && saved.summary.stateHash === hash;

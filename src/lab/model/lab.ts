// The lab's state and what a person can do to it. Views read the signals; every action reports its own failure as a banner.

import { batch, computed, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { Exhausted } from '../../faults/consent.ts';
import type { Fault } from '../../faults/vocabulary.ts';
import type { MemberId } from '../../ports/ids.ts';
import type { CheckpointSummary } from '../../ports/store.ts';
import type { Worn } from '../../live/colours.ts';
import type { RoomLink } from '../../live/link.ts';
import type { FrameListener, OpenRank, RankFrames } from '../frames.ts';
import { LabError, answered, saidIn } from '../lab-error.ts';
import type { Said } from '../lab-error.ts';
import { MAX_LOCAL_RANKS } from '../query.ts';
import type { LabQuery } from '../query.ts';
import { bytes, shortId } from '../format.ts';
import { words } from '../words.ts';
import { NO_CURVES } from './curves.ts';
import type { Curves } from './curves.ts';
import { createEventBook } from './event-book.ts';
import type { EventBook } from './event-book.ts';
import { createHashBook } from './hash-book.ts';
import type { HashBook } from './hash-book.ts';
import { createShelf } from './shelf.ts';
import type { Shelf } from './shelf.ts';
import { watchForIncidents } from '../../live/incident-watch.ts';
import type { IncidentWatch } from '../../live/incident-watch.ts';
import { joined } from '../../live/recorder.ts';
import type { CheckpointShelf } from '../../live/shelf-service.ts';
import { incidentName, recordingName, saveFile } from './recording-file.ts';
import { createRankColours } from './rank-colours.ts';
import { createRegroupBook } from './regroups.ts';
import type { RegroupBook } from './regroups.ts';
import { createPlaces } from './card-places.ts';
import { drawRoom } from './room-view.ts';
import type { Departure, LocalRank, RankView, RoomView } from './room-view.ts';

/** A sentence for a person, shown until dismissed. */
export interface Problem {
  readonly id: number;
  /** In the language that the page speaks now. */
  readonly said: Said;
}

/** Whether a fault may really use this machine up. */
export interface Question {
  readonly member: MemberId;
  readonly what: Exhausted;
  readonly answer: (agrees: boolean) => void;
}

/** What is kept of the ranks' logs. */
export interface Books {
  readonly events: EventBook;
  readonly hashes: HashBook;
  readonly regroups: RegroupBook;
  readonly incidents: IncidentWatch;
  /** Newest contribution of each local rank. */
  readonly shares: Map<MemberId, readonly number[]>;
}

/** Names of actions that are under way, so that their buttons can wait. */
export type Busy =
  | 'start'
  | 'start-four'
  | 'pause'
  | 'checkpoint'
  | 'roll-back'
  | 'leave'
  | 'force'
  | 'recording'
  | 'incident'
  | 'diagram';

export interface Frozen {
  readonly member: MemberId;
  readonly fault: Fault;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface Lab {
  readonly link: RoomLink;
  /** This page made the room just now. */
  readonly fresh: boolean;
  /** The address says that its ranks train as soon as they are members. */
  readonly autostart: boolean;
  /** The page is a participant of a class, whose instructor follows its rank. */
  readonly inClass: boolean;
  readonly room: ReadonlySignal<RoomView>;
  readonly locals: Signal<readonly LocalRank[]>;
  readonly curves: Signal<Curves>;
  readonly shelf: Shelf;
  /** Steps of checkpoints that did not verify on resuming. */
  readonly skipped: Signal<ReadonlySet<number>>;
  /** Committed steps a second, over the last seconds; 0 when nothing moves. */
  readonly rate: Signal<number>;
  readonly opening: ReadonlySignal<number>;
  readonly problems: Signal<readonly Problem[]>;
  /** A short word that passes, such as "link copied". */
  readonly notice: Signal<string>;
  readonly busy: ReadonlySignal<ReadonlySet<Busy>>;
  readonly left: ReadonlySignal<boolean>;
  /** Milliseconds since the epoch, as of the last look at the ranks. */
  readonly now: Signal<number>;
  /** A new value whenever the books have something new. */
  readonly books: Signal<Books>;
  /** Ranks that were frozen from here, as long as they are: they cannot say so themselves. */
  readonly frozen: ReadonlySignal<readonly Frozen[]>;
  /** Which rank the fault palette acts on. */
  readonly target: Signal<MemberId | undefined>;
  /** A link of that rank was chosen, with this peer. A new value for each choice. */
  readonly aim: Signal<{ readonly peer: MemberId } | undefined>;
  /** What the race laboratory is to draw; a new value each time that somebody asks. */
  readonly drawn: ReadonlySignal<File | undefined>;
  /** What somebody is asked before a fault really uses this machine up; the first is shown. */
  readonly questions: ReadonlySignal<readonly Question[]>;
  slot(member: MemberId): number;
  /** Undefined: the page has never seen it. */
  readonly knownSlot: (member: MemberId) => number | undefined;
  /** A rank says who wears what in the room. */
  readonly told: (worn: readonly Worn[]) => void;
  /** In the order in which their cards stand. */
  inPlace(ranks: readonly RankView[]): readonly RankView[];

  /** From now on, nobody is asked: whoever drives this page agrees. */
  agree(): void;
  addRank(): Promise<MemberId>;
  removeRank(member: MemberId, goodbye: boolean): void;
  start(): Promise<void>;
  /** Fills this tab up to four ranks, and starts. */
  startFour(): Promise<void>;
  pause(): Promise<void>;
  checkpointNow(): Promise<void>;
  /** The whole room goes back to a checkpoint of this browser. */
  rollBack(checkpoint: CheckpointSummary): Promise<void>;
  /** The recordings of all ranks of this tab, one after the other. */
  recording(): Promise<Uint8Array<ArrayBuffer>>;
  /** Saves them as a file. */
  downloadRecording(): Promise<void>;
  /** Hands them to the race laboratory. */
  drawRecording(): Promise<void>;
  /** What this page knows of the room now, and the recordings of its ranks, as `rankfall replay` reads them. */
  incident(failures: readonly string[]): Promise<Uint8Array<ArrayBuffer>>;
  downloadIncident(): Promise<void>;
  leave(): Promise<void>;
  force(): Promise<void>;
  /** Whoever has the fault palette is told what came of it. */
  inject(member: MemberId, fault: Fault): Promise<void>;
  /** The same, without a word: what goes wrong is thrown. */
  strike(member: MemberId, fault: Fault): Promise<void>;
  heal(member: MemberId, id: string): Promise<void>;
  complain(what: string | Said): void;
  dismiss(id: number): void;
  say(text: string): void;
}

const FIRST_RANKS = 4;
const CALL_MS = 20_000;
/** An incident waits so long for each rank's recording: one that is frozen would not answer. */
const RECALL_MS = 5000;
/** Leaving waits for the others' votes, and is not worth more patience than this. */
const LEAVE_MS = 5000;
/** "Start four ranks" waits this long for all four to be members, then starts with those that are. */
const GATHER_MS = 8000;
const LOOK_MS = 100;
const NOTICE_MS = 5000;
const MAX_PROBLEMS = 6;
const MAX_DEPARTURES = 32;

export function createLab(
  link: RoomLink,
  fresh: boolean,
  query: LabQuery,
  openFrames: (listener: FrameListener) => RankFrames,
  shelf: CheckpointShelf,
  inClass = false,
): Lab {
  const locals = signal<readonly LocalRank[]>([]);
  const departures = signal<readonly Departure[]>([]);
  const opening = signal(0);
  const now = signal(Date.now());
  const problems = signal<readonly Problem[]>([]);
  const freezes = signal<readonly Frozen[]>([]);
  const questions = signal<readonly Question[]>([]);
  let agreed = false;
  const notice = signal('');
  const busy = signal<ReadonlySet<Busy>>(new Set());
  const left = signal(false);
  const target = signal<MemberId | undefined>(undefined);
  const aim = signal<{ readonly peer: MemberId } | undefined>(undefined);
  const drawn = signal<File | undefined>(undefined);
  const books = signal<Books>({
    events: createEventBook(),
    hashes: createHashBook(),
    regroups: createRegroupBook(),
    incidents: watchForIncidents(),
    shares: new Map(),
  });
  const colours = createRankColours();
  let opened = 0;
  let problemId = 0;
  let noticeTimer: ReturnType<typeof setTimeout> | undefined;

  const frozen = computed(() => freezes.value.filter(({ until }) => until > now.value));
  const room = computed(() => {
    const { hashes, shares } = books.value;
    return drawRoom({
      locals: locals.value,
      departures: departures.value,
      opening: opening.value,
      now: now.value,
      job: query.job,
      slot: colours.slot,
      compare: hashes.compare,
      microBatches: (member) => shares.get(member),
    });
  });

  const depart = (member: MemberId, how: Departure['how'], at = Date.now()): void => {
    const rank = locals.value.find((candidate) => candidate.member === member);
    if (rank === undefined) return;
    batch(() => {
      locals.value = locals.value.filter((other) => other !== rank);
      departures.value = [...departures.value, { member, how, at, status: rank.status }].slice(
        -MAX_DEPARTURES,
      );
      if (target.value === member) target.value = undefined;
      now.value = Date.now();
    });
    books.value.regroups.removed(member, at);
  };

  const frames = openFrames({
    opened({ member, handle }: OpenRank, before) {
      if (before !== undefined) depart(before, 'killed');
      locals.value = [...locals.value, { member, handle, status: undefined, answeredAt: 0 }];
    },
    gone(member, how) {
      depart(member, how === 'kill' ? 'killed' : how === 'close' ? 'closed' : 'left');
    },
    asks(member, what) {
      if (agreed) return Promise.resolve(true);
      return new Promise((resolve) => {
        const question: Question = {
          member,
          what,
          answer: (agrees) => {
            questions.value = questions.value.filter((other) => other !== question);
            resolve(agrees);
          },
        };
        questions.value = [...questions.value, question];
      });
    },
  });

  const complain = (what: string | Said): void => {
    const said = typeof what === 'string' ? () => what : what;
    const text = said();
    if (problems.value.some((problem) => problem.said() === text)) return;
    problems.value = [...problems.value, { id: problemId++, said }].slice(-MAX_PROBLEMS);
  };

  const say = (text: string): void => {
    notice.value = text;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => {
      notice.value = '';
    }, NOTICE_MS);
  };

  /** Runs an action once at a time, and turns its failure into a banner. */
  const act = async (name: Busy, action: () => Promise<void>): Promise<void> => {
    if (busy.value.has(name)) return;
    busy.value = new Set([...busy.value, name]);
    try {
      await action();
    } catch (error) {
      complain(saidIn(error));
    } finally {
      busy.value = new Set([...busy.value].filter((other) => other !== name));
    }
  };

  /** Any rank speaks for the room; the best informed is the likeliest to be heard. */
  const spokesman = (): LocalRank => {
    const rank = room.value.observer ?? locals.value[0];
    if (rank === undefined)
      throw new LabError('no-such-rank', () => `${words.ranks.emptyTitle}. ${words.ranks.emptyBody}`);
    return rank;
  };

  const find = (member: MemberId): LocalRank => {
    const rank = locals.value.find((candidate) => candidate.member === member);
    if (rank !== undefined) return rank;
    throw new LabError('no-such-rank', () => words.banners.noRank(shortId(member)));
  };

  const openRank = async (): Promise<MemberId> => {
    if (left.value) throw new LabError('left', () => words.left.title(link.room));
    if (locals.value.length + opening.value >= MAX_LOCAL_RANKS) {
      throw new LabError('too-many', () => words.actions.full(MAX_LOCAL_RANKS));
    }
    const first = opened === 0;
    opened++;
    opening.value++;
    try {
      return await frames.open({
        room: link.room,
        secret: link.secret,
        // The others of this page are joiners already.
        fresh: fresh && first,
        engine: query.engine,
        autostart: query.autostart,
        tune: query.tune,
        ...(query.signal === undefined ? {} : { signal: query.signal }),
        ...(query.ice === undefined ? {} : { ice: query.ice }),
        job: query.job,
        path: query.path,
        from: fresh && first ? query.from : undefined,
      });
    } finally {
      opening.value--;
    }
  };

  const recording = async (): Promise<Uint8Array<ArrayBuffer>> =>
    joined(
      await Promise.all(
        locals.value.map(({ handle }) => answered(() => words.log.download, CALL_MS, handle.recording())),
      ),
    );

  /** A rank that does not answer, such as one that is frozen, is told of by what it last said. */
  const incident = async (failures: readonly string[]): Promise<Uint8Array<ArrayBuffer>> => {
    const at = Date.now();
    const here = locals.value;
    const asked = await Promise.all(
      here.map(({ handle }) =>
        answered(() => words.log.incident, RECALL_MS, handle.recording()).catch(() => undefined),
      ),
    );
    const { incidents } = books.value;
    // Others are asked by one that has links with them; whoever is gone or frozen is known from what it logged here.
    const recalled = await answered(() => words.log.incident, RECALL_MS, spokesman().handle.recall()).catch(
      () => [],
    );
    const isHere = new Set(here.map(({ member }) => member));
    const missing = [
      ...departures.value.map(({ member }) => member),
      ...here.flatMap(({ member }, i) => (asked[i] === undefined ? [member] : [])),
    ];
    const { incidentFile } = await import('../../live/incident.ts');
    return incidentFile({
      at,
      room: link.room,
      failures,
      words: [
        ...here.flatMap(({ status }) => (status === undefined ? [] : [{ status, gone: undefined }])),
        ...departures.value.flatMap(({ status, how }) =>
          status === undefined ? [] : [{ status, gone: how }],
        ),
      ],
      stalls: incidents.stalls(),
      flights: [
        ...missing.flatMap((member) => incidents.flight(member) ?? []),
        ...recalled.filter(({ member }) => !isHere.has(member)),
      ],
      recordings: asked.filter((recording) => recording !== undefined),
    });
  };

  const strike = async (member: MemberId, fault: Fault): Promise<void> => {
    await answered(() => words.faults[fault.kind].name, CALL_MS, find(member).handle.inject(fault));
    if (fault.kind === 'freeze')
      freezes.value = [...frozen.value, { member, fault, until: Date.now() + fault.forMs }];
  };

  const startRoom = (): Promise<void> =>
    answered(() => words.actions.start, CALL_MS, spokesman().handle.start());

  /** Whether all ranks of this tab are in one generation, by the observer's word. */
  const gathered = async (): Promise<boolean> => {
    const { handle } = spokesman();
    const { members } = await answered(() => words.actions.start, CALL_MS, handle.status());
    return locals.value.every((rank) => members.some((member) => member.member === rank.member));
  };

  return {
    link,
    fresh,
    autostart: query.autostart,
    inClass,
    room,
    locals,
    curves: signal(NO_CURVES),
    shelf: createShelf(query.path ?? link.room, shelf, { say, complain }),
    skipped: signal(new Set()),
    rate: signal(0),
    opening,
    problems,
    questions,
    notice,
    busy,
    left,
    now,
    books,
    frozen,
    target,
    aim,
    drawn,
    slot: colours.slot,
    knownSlot: colours.known,
    told: colours.told,
    inPlace: createPlaces(),
    agree() {
      agreed = true;
      for (const { answer } of questions.value) answer(true);
    },
    complain,
    say,

    async addRank() {
      try {
        return await openRank();
      } catch (error) {
        complain(
          error instanceof LabError && error.fault === 'frame-failed'
            ? () => words.banners.frameFailed(error.said())
            : saidIn(error),
        );
        throw error;
      }
    },

    removeRank(member, goodbye) {
      // Removing a frame takes a while, in which its peers may notice already.
      const at = Date.now();
      frames.remove(member, goodbye);
      depart(member, goodbye ? 'closed' : 'killed', at);
    },

    start: () => act('start', startRoom),

    startFour: () =>
      act('start-four', async () => {
        const missing = Math.max(0, FIRST_RANKS - locals.value.length - opening.value);
        const results = await Promise.allSettled(Array.from({ length: missing }, openRank));
        for (const result of results) if (result.status === 'rejected') complain(saidIn(result.reason));
        const deadline = Date.now() + GATHER_MS;
        while (Date.now() < deadline && !(await gathered())) await pauseFor(LOOK_MS);
        await startRoom();
      }),

    pause: () => act('pause', () => answered(() => words.actions.pause, CALL_MS, spokesman().handle.pause())),

    checkpointNow: () =>
      act('checkpoint', async () => {
        const saved = await answered(
          () => words.actions.checkpoint,
          CALL_MS,
          spokesman().handle.checkpointNow(),
        );
        say(words.actions.saved(saved.step, bytes(saved.bytes)));
      }),

    rollBack: ({ id, step }) =>
      act('roll-back', async () => {
        await answered(() => words.checkpoints.rollBack, CALL_MS, spokesman().handle.rollBack(id));
        say(words.checkpoints.rolledBack(step));
      }),

    recording,

    downloadRecording: () =>
      act('recording', async () => {
        const name = recordingName(link.room);
        const file = await recording();
        saveFile(name, file);
        say(words.log.downloaded(name, bytes(file.length)));
      }),

    drawRecording: () =>
      act('diagram', async () => {
        drawn.value = new File([await recording()], recordingName(link.room));
      }),

    incident,

    downloadIncident: () =>
      act('incident', async () => {
        const name = incidentName(link.room);
        const file = await incident([]);
        saveFile(name, file);
        say(words.log.downloaded(name, bytes(file.length)));
      }),

    leave: () =>
      act('leave', async () => {
        left.value = true;
        scrollTo({ top: 0 });
        const leaving = locals.value.map(async ({ member, handle }) => {
          // A rank that cannot leave in order still goes, with its goodbye.
          await answered(() => words.actions.leave, LEAVE_MS, handle.leave()).catch(() => undefined);
          frames.remove(member, true);
          depart(member, 'left');
        });
        await Promise.all(leaving);
      }),

    force: () => act('force', () => answered(() => words.banners.force, CALL_MS, spokesman().handle.force())),

    strike,

    async inject(member, fault) {
      try {
        await strike(member, fault);
        say(words.faultPanel.injected(words.faults[fault.kind].name, shortId(member)));
      } catch (error) {
        complain(saidIn(error));
      }
    },

    async heal(member, id) {
      try {
        await answered(() => words.faultPanel.heal, CALL_MS, find(member).handle.heal(id));
      } catch (error) {
        complain(saidIn(error));
      }
    },

    dismiss(id) {
      problems.value = problems.value.filter((problem) => problem.id !== id);
    },
  };
}

const pauseFor = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// A volunteer's rank: opened on a word, closed with a goodbye whenever a limit says so, and opened again when it no longer does.

import { computed, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import { DEFAULT_JOB } from '../../job/job.ts';
import type { RankHandle, RankStatus } from '../../live/api.ts';
import type { RoomLink } from '../../live/link.ts';
import type { MemberId } from '../../ports/ids.ts';
import type { FrameListener, RankFrames } from '../frames.ts';
import { answered, sentenceIn } from '../lab-error.ts';
import type { Conditions } from './conditions.ts';
import type { Contribution, End, Helping, Pause } from './helping.ts';
import { hourOfTraffic } from './hour.ts';
import { keepLimits, keptLimits, nextTime } from './limits.ts';
import type { Limits } from './limits.ts';
import { volunteerWords } from './volunteer-words.ts';

export interface Volunteer {
  readonly room: string;
  readonly conditions: Conditions;
  readonly limits: ReadonlySignal<Limits>;
  readonly helping: ReadonlySignal<Helping>;
  readonly contribution: ReadonlySignal<Contribution>;
  readonly status: ReadonlySignal<RankStatus | undefined>;
  /** Bytes of the last hour. */
  readonly traffic: ReadonlySignal<number>;
  /** Bytes in a second, as of late; undefined while it does not help, or not for long enough. */
  readonly pace: ReadonlySignal<number | undefined>;
  readonly problem: Signal<string | undefined>;
  /** The machine is about to work: from now on a rank is open whenever nothing speaks against it. */
  start(): void;
  pause(): void;
  resume(): void;
  stop(): void;
  allow(limits: Limits): void;
}

export interface VolunteerOptions {
  readonly link: RoomLink;
  readonly conditions: Conditions;
  readonly openFrames: (listener: FrameListener) => RankFrames;
  readonly signal?: string | undefined;
  readonly ice?: string | undefined;
  readonly now?: () => number;
}

const LOOK_MS = 500;
const LEAVE_MS = 5000;
const CALL_MS = 10_000;
const RECORDS_AT_ONCE = 2000;
/** A rank that could not be opened, or went by itself, is tried again after this. */
const AGAIN_MS = 10_000;
/** At its cap it leaves until so much of it is used: a rank that came back for what one minute had freed would soon go again. */
const USED_AT_RETURN = 1 / 2;

interface OwnRank {
  readonly member: MemberId;
  readonly handle: RankHandle;
  readonly openedWith: string;
  cursor: number;
}

/** What a rank has to be opened anew for. */
const opening = ({ share, useGpu }: Limits): string => `${share} ${useGpu}`;

export function createVolunteer({
  link,
  conditions,
  openFrames,
  signal: signalling,
  ice,
  now = Date.now,
}: VolunteerOptions): Volunteer {
  const limits = signal(keptLimits());
  const wants = signal<'asked' | 'help' | 'pause' | End>('asked');
  const isOpen = signal(false);
  const status = signal<RankStatus | undefined>(undefined);
  const contribution = signal<Contribution>({ microBatches: 0, steps: 0, ms: 0 });
  const traffic = signal(0);
  const pace = signal<number | undefined>(undefined);
  const freeAt = signal<number | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  const hour = hourOfTraffic();
  let rank: OwnRank | undefined;
  let endsAt: number | undefined;
  let isBusy = false;
  let againAt = 0;
  /** The cap that it left at. */
  let leftAt: number | undefined;
  let lookedAt = 0;

  const why = computed((): Pause | undefined => {
    const { pauseOnBattery, pauseOnMetered } = limits.value;
    if (wants.value === 'pause') return 'asked';
    if (pauseOnBattery && conditions.power.value === 'battery') return 'battery';
    if (pauseOnMetered && conditions.metering.value === 'metered') return 'metered';
    return freeAt.value === undefined ? undefined : 'traffic';
  });

  const helping = computed((): Helping => {
    const wanted = wants.value;
    if (wanted === 'asked') return { kind: 'asked' };
    if (wanted !== 'help' && wanted !== 'pause') return { kind: 'over', why: wanted };
    if (why.value !== undefined) return { kind: 'paused', why: why.value, until: freeAt.value };
    const isMember = (status.value?.members.length ?? 0) > 0;
    return { kind: isOpen.value && isMember ? 'helping' : 'joining' };
  });

  const frames = openFrames({
    opened({ member, handle }) {
      rank = { member, handle, cursor: 0, openedWith: opening(limits.value) };
      isOpen.value = true;
      hour.opened();
    },
    gone(_, how) {
      forget();
      // A rank that went by itself comes back, but not at once.
      if (how !== 'leave') againAt = now() + AGAIN_MS;
    },
  });

  const forget = (): void => {
    rank = undefined;
    isOpen.value = false;
    status.value = undefined;
  };

  const open = async (): Promise<void> => {
    try {
      await frames.open({
        room: link.room,
        secret: link.secret,
        fresh: false,
        engine: limits.value.useGpu ? 'auto' : 'cpu',
        autostart: false,
        tune: false,
        ...(signalling === undefined ? {} : { signal: signalling }),
        ...(ice === undefined ? {} : { ice }),
        // The room's job takes its place as soon as the room answers.
        job: DEFAULT_JOB,
        share: limits.value.share,
      });
      problem.value = undefined;
    } catch (error) {
      problem.value = sentenceIn(error);
      againAt = now() + AGAIN_MS;
    }
  };

  /** In order: the others vote for a generation without it, and lose no time. */
  const close = async (): Promise<void> => {
    const leaving = rank;
    if (leaving === undefined) return;
    await count(leaving).catch(() => undefined);
    await answered(volunteerWords.stop, LEAVE_MS, leaving.handle.leave()).catch(() => undefined);
    frames.remove(leaving.member, true);
    if (rank === leaving) forget();
  };

  /** Reads what the rank did since the last look. */
  const count = async (of: OwnRank): Promise<void> => {
    const [seen, records] = await Promise.all([
      answered(volunteerWords.title, CALL_MS, of.handle.status()),
      answered(volunteerWords.title, CALL_MS, of.handle.log(of.cursor, RECORDS_AT_ONCE)),
    ]);
    if (rank !== of) return;
    of.cursor = (records.at(-1)?.seq ?? of.cursor - 1) + 1;
    let { microBatches, steps } = contribution.value;
    for (const { event } of records) {
      if (event.kind === 'contributed') microBatches += event.microBatches.length;
      if (event.kind === 'applied') steps++;
    }
    contribution.value = { ...contribution.value, microBatches, steps };
    status.value = seen;
    hour.note(seen.traffic.sent + seen.traffic.received, now());
  };

  /** It stays closed until its time, not in and out with every minute that leaves the hour; another cap is looked at anew. */
  const closedUntil = (cap: number | undefined, at: number): number | undefined => {
    if (cap === undefined) return undefined;
    if (traffic.value >= cap) {
      leftAt = cap;
      return hour.freeAt(cap * USED_AT_RETURN, at);
    }
    const until = freeAt.value;
    return until !== undefined && at < until && leftAt === cap ? until : undefined;
  };

  /** What is due by now. One look at a time. */
  const look = async (): Promise<void> => {
    const at = now();
    if (rank !== undefined) {
      await count(rank).catch(() => undefined);
      if (helping.value.kind === 'helping')
        contribution.value = { ...contribution.value, ms: contribution.value.ms + (at - lookedAt) };
    }
    traffic.value = hour.read(at);
    freeAt.value = closedUntil(limits.value.hourlyBytes, at);
    pace.value = helping.value.kind === 'helping' ? hour.pace(at) : undefined;
    if (endsAt !== undefined && at >= endsAt) end('time');
    const { value: said } = status;
    if ((said?.memory?.bytes ?? 0) > limits.value.memoryBytes) end('memory');
    if (said?.phase === 'done') end('room-over');

    const mayRun = wants.value === 'help' && why.value === undefined;
    const isStale = rank !== undefined && rank.openedWith !== opening(limits.value);
    if (rank !== undefined && (!mayRun || isStale)) await close();
    if (rank === undefined && mayRun && at >= againAt) await open();
  };

  const end = (how: End): void => {
    if (wants.value === 'help' || wants.value === 'pause') wants.value = how;
  };

  const turn = (): void => {
    if (isBusy) return;
    isBusy = true;
    const at = now();
    void look().finally(() => {
      lookedAt = at;
      isBusy = false;
    });
  };
  setInterval(turn, LOOK_MS);

  return {
    room: link.room,
    conditions,
    limits,
    helping,
    contribution,
    status,
    traffic,
    pace,
    problem,
    start() {
      const { until } = limits.value;
      endsAt = until === undefined ? undefined : nextTime(until, now());
      lookedAt = now();
      wants.value = 'help';
      turn();
    },
    pause() {
      wants.value = 'pause';
      turn();
    },
    resume() {
      lookedAt = now();
      wants.value = 'help';
      turn();
    },
    stop() {
      end('stopped');
      turn();
    },
    allow(next) {
      if (next.until !== limits.value.until)
        endsAt = next.until === undefined ? undefined : nextTime(next.until, now());
      limits.value = next;
      keepLimits(next);
      turn();
    },
  };
}

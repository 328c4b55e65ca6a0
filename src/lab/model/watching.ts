// Looks at the ranks while somebody can see the page or an instructor follows it, and writes what they say into the lab's signals: what a look
// finds is drawn at once, five times a second, or as often as a machine that is short of cores bears (pace.ts).

import { batch } from '@preact/signals';
import type { MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import type { Lab } from './lab.ts';
import { NO_CURVES, extendCurves } from './curves.ts';
import { createPace } from './pace.ts';
import type { LocalRank } from './room-view.ts';

const CHECKPOINTS_EVERY_MS = 2000;
/** Two charts drawn anew are the dearest part of a look, and a curve is seen over seconds: one look of so many brings them. */
const CURVES_EVERY = 5;
/** Ranks answer within a few milliseconds. What comes later than this is drawn with the next look. */
const GATHER_MS = 100;
/** How often the other devices are asked what they hold. */
const COPIES_EVERY_MS = 3000;
/** Log records fetched from one rank at one look. That is more than a rank writes from one to the next. */
const RECORDS_AT_ONCE = 1000;
/** The rate is taken over this time. */
const RATE_MS = 4000;

/** Returns a function that ends it. */
export function watchRanks(lab: Lab): () => void {
  const cursors = new Map<MemberId, number>();
  /** Questions that wait for their answer: a frozen rank is not asked again and again. */
  const pending = new Set<string>();
  let curvesOf: MemberId | undefined;
  let looks = 0;
  let checkpointsAt = 0;
  let copiesAt = 0;
  let ended = false;
  const commits: { readonly at: number; readonly step: number }[] = [];
  const pace = createPace(navigator.hardwareConcurrency);
  /** What was answered and is not drawn yet. */
  const answers: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const look = (): void => {
    clearTimeout(timer);
    if (ended) return;
    timer = setTimeout(look, isCalm() ? pace.everyMs() : pace.leastMs);
    if (document.visibilityState === 'hidden' && !lab.inClass) return;
    const living = new Set(lab.locals.value.map((rank) => rank.member));
    for (const member of cursors.keys()) if (!living.has(member)) cursors.delete(member);
    const questions = lab.locals.value.map((rank) => ask(rank.member, () => lookAt(rank)));
    const { observer } = lab.room.value;
    if (observer?.status !== undefined) {
      if (lab.curves.value.step.length === 0 || looks++ % CURVES_EVERY === 0)
        questions.push(ask(`curves ${observer.member}`, () => readCurves(observer)));
      askMore(observer);
    }
    const late = new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    void Promise.race([Promise.all(questions), late]).then(show);
  };

  /** Nothing happens but steps. What else happens is followed as closely as can be. */
  const isCalm = (): boolean => {
    const { state, stall } = lab.room.value;
    return state === 'training' && stall === undefined && lab.busy.value.size === 0;
  };

  const askMore = (observer: LocalRank): void => {
    if (Date.now() - checkpointsAt > CHECKPOINTS_EVERY_MS) {
      checkpointsAt = Date.now();
      void ask('checkpoints', () => lab.shelf.refresh());
    }
    if (Date.now() - copiesAt > COPIES_EVERY_MS && lab.shelf.checkpoints.value.length > 0) {
      copiesAt = Date.now();
      void ask(`copies ${observer.member}`, async () => {
        lab.shelf.elsewhere.value = await observer.handle.copies();
      });
    }
  };

  /** One question of each kind at a time. A question that fails is asked again at the next look. */
  const ask = async (what: string, question: () => Promise<void>): Promise<void> => {
    if (pending.has(what)) return;
    pending.add(what);
    await question()
      .catch(() => undefined)
      .finally(() => pending.delete(what));
  };

  const lookAt = async (rank: LocalRank): Promise<void> => {
    const [status, records] = await Promise.all([
      rank.handle.status(),
      rank.handle.log(cursors.get(rank.member) ?? 0, RECORDS_AT_ONCE),
    ]);
    if (ended) return;
    const last = records.at(-1);
    if (last !== undefined) cursors.set(rank.member, last.seq + 1);
    const answeredAt = Date.now();
    answers.push(() => {
      lab.locals.value = lab.locals.value.map((other) =>
        other.member === rank.member ? { ...other, status, answeredAt } : other,
      );
      read(records);
    });
  };

  /** All that was answered, in one picture. */
  const show = (): void => {
    if (ended) return;
    const began = performance.now();
    batch(() => {
      for (const answer of answers.splice(0)) answer();
      lab.now.value = Date.now();
      const { observer, step } = lab.room.value;
      if (observer?.status === undefined) return;
      noteRate(step);
      lab.told(observer.status.colours);
    });
    // Views are rendered in a microtask that stands before this one.
    queueMicrotask(() => {
      const code = performance.now() - began;
      requestAnimationFrame(() => {
        const frame = performance.now();
        // The next task comes after the frame is painted.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          pace.took(code + performance.now() - frame);
          port1.close();
        };
        port2.postMessage(undefined);
      });
    });
  };

  const read = (records: readonly TraceRecord[]): void => {
    if (records.length === 0) return;
    const { events, regroups, hashes, shares, incidents } = lab.books.value;
    events.add(records);
    incidents.observe(records);
    regroups.add(records);
    for (const { member, event } of records) {
      if (event.kind === 'committed') hashes.note(member, event.generation, event.step, event.hash);
      if (event.kind === 'contributed') shares.set(member, event.microBatches);
      if (event.kind === 'checkpointed') {
        checkpointsAt = 0;
        // What was passed over has been written anew.
        lab.skipped.value = new Set([...lab.skipped.value].filter((step) => step !== event.step));
      }
      if (event.kind === 'checkpointSkipped') lab.skipped.value = new Set([...lab.skipped.value, event.step]);
    }
    lab.books.value = { ...lab.books.value };
  };

  const readCurves = async (observer: LocalRank): Promise<void> => {
    const from = curvesOf === observer.member ? lab.curves.value.next : 0;
    const { points, evaluations, next } = await observer.handle.metrics(from);
    answers.push(() => {
      const before = from === 0 ? NO_CURVES : lab.curves.value;
      lab.curves.value = extendCurves(before, points, evaluations, next);
      curvesOf = observer.member;
    });
  };

  const noteRate = (step: number): void => {
    const at = Date.now();
    if (step < (commits.at(-1)?.step ?? 0)) commits.length = 0;
    commits.push({ at, step });
    while ((commits[0]?.at ?? at) < at - RATE_MS) commits.shift();
    const first = commits[0];
    const seconds = first === undefined ? 0 : (at - first.at) / 1000;
    lab.rate.value = first === undefined || seconds < 1 ? lab.rate.value : (step - first.step) / seconds;
  };

  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

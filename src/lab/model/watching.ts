// Looks at the ranks five times a second while somebody can see the page or an instructor follows it, and writes what they say into the lab's signals.

import { batch } from '@preact/signals';
import type { MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';
import type { Lab } from './lab.ts';
import { NO_CURVES, extendCurves } from './curves.ts';
import type { LocalRank } from './room-view.ts';

const LOOK_EVERY_MS = 200;
const CHECKPOINTS_EVERY_MS = 2000;
/** Two charts drawn anew are the dearest part of a look, and a curve is seen over seconds. */
const CURVES_EVERY_MS = 1000;
/** Ranks answer within a few milliseconds of each other: what they say is drawn at once. */
const GATHER_MS = 25;
/** How often the other devices are asked what they hold. */
const COPIES_EVERY_MS = 3000;
/** Log records fetched from one rank at one look. Five looks a second are more than a rank writes. */
const RECORDS_AT_ONCE = 1000;
/** The rate is taken over this time. */
const RATE_MS = 4000;

/** Returns a function that ends it. */
export function watchRanks(lab: Lab): () => void {
  const cursors = new Map<MemberId, number>();
  /** Questions that wait for their answer: a frozen rank is not asked again and again. */
  const pending = new Set<string>();
  let curvesOf: MemberId | undefined;
  let curvesAt = 0;
  let checkpointsAt = 0;
  let copiesAt = 0;
  let ended = false;
  const commits: { readonly at: number; readonly step: number }[] = [];
  const answers: (() => void)[] = [];

  const look = (): void => {
    if (ended || (document.visibilityState === 'hidden' && !lab.inClass)) return;
    lab.now.value = Date.now();
    const living = new Set(lab.locals.value.map((rank) => rank.member));
    for (const member of cursors.keys()) if (!living.has(member)) cursors.delete(member);
    for (const rank of lab.locals.value) ask(rank.member, () => lookAt(rank));
    const { observer, step } = lab.room.value;
    if (observer?.status === undefined) return;
    noteRate(step);
    if (lab.curves.value.step.length === 0 || Date.now() - curvesAt > CURVES_EVERY_MS) {
      curvesAt = Date.now();
      ask(`curves ${observer.member}`, () => readCurves(observer));
    }
    if (Date.now() - checkpointsAt > CHECKPOINTS_EVERY_MS) {
      checkpointsAt = Date.now();
      ask('checkpoints', () => lab.shelf.refresh());
    }
    if (Date.now() - copiesAt > COPIES_EVERY_MS && lab.shelf.checkpoints.value.length > 0) {
      copiesAt = Date.now();
      ask(`copies ${observer.member}`, async () => {
        lab.shelf.elsewhere.value = await observer.handle.copies();
      });
    }
  };

  /** One question of each kind at a time. A question that fails is asked again at the next look. */
  const ask = (what: string, question: () => Promise<void>): void => {
    if (pending.has(what)) return;
    pending.add(what);
    question()
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
    if (answers.length === 0) setTimeout(showAnswers, GATHER_MS);
    answers.push(() => {
      lab.locals.value = lab.locals.value.map((other) =>
        other.member === rank.member ? { ...other, status, answeredAt } : other,
      );
      read(records);
    });
  };

  const showAnswers = (): void => {
    if (ended) return;
    batch(() => {
      for (const answer of answers.splice(0)) answer();
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
    if (ended) return;
    const before = from === 0 ? NO_CURVES : lab.curves.value;
    lab.curves.value = extendCurves(before, points, evaluations, next);
    curvesOf = observer.member;
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

  const timer = setInterval(look, LOOK_EVERY_MS);
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    ended = true;
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

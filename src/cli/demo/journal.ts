// What was done to the room in the course of a run, and what the ranks' logs say came of it.

import { findRecoveries } from '../room/analysis.ts';
import type { Disturbance, Recovery } from '../room/analysis.ts';
import type { LogBook } from '../room/log-book.ts';
import type { Narrator } from '../room/narrator.ts';
import type { Room } from '../room/room.ts';
import type { Tab, Tabs } from '../room/tabs.ts';
import { list, tellRecovery } from '../room/tell.ts';

export interface Journal {
  readonly disturbances: Disturbance[];
  /** While all tabs are being opened or closed, members come and go as they please: that is no recovery. */
  readonly comings: { readonly from: number; to: number }[];
  /** Tabs that joined in mid-run. */
  readonly joined: Tab[];
  /** The first time that the room was reopened after all tabs had been closed. */
  resumed: Resumption | undefined;
}

export interface Resumption {
  readonly fromStep: number;
  /** Updates in the newest checkpoint that the logs knew of when all tabs had been closed. */
  readonly newest: number | undefined;
  /** Why the rank that resumed passed newer checkpoints over, in its words. */
  readonly skipped: readonly string[];
}

export const emptyJournal = (): Journal => ({
  disturbances: [],
  comings: [],
  joined: [],
  resumed: undefined,
});

/** Marks the time until the function that is returned is called as one of opening or closing all tabs. */
export function beginComing(journal: Journal): () => void {
  const coming = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  journal.comings.push(coming);
  return () => {
    coming.to = Date.now();
  };
}

/** The recoveries that count: all but those among tabs that were being opened or closed together. */
export function recoveriesOf(log: LogBook, journal: Journal): readonly Recovery[] {
  const coming = (at: number): boolean => journal.comings.some(({ from, to }) => at >= from && at <= to);
  return findRecoveries(log.records(), journal.disturbances, (move) => !coming(move.installedAt));
}

export interface RecoveryTeller {
  /** Tells what has not been told, whether or not all of it is known. */
  tellRest(): void;
  stop(): void;
}

/** Tells each recovery once, when the room has got past it. */
export function tellRecoveries(
  tabs: Tabs,
  room: Room,
  log: LogBook,
  journal: Journal,
  narrator: Narrator,
): RecoveryTeller {
  const told = new Set<string>();
  /** The newest generation whose story is told, so that the logs are read only when there is a newer one. */
  let newest = '';
  const tell = (known: number): void => {
    const generations = tabs.alive().map(({ status }) => status?.generation);
    const latest = generations.map((id) => `${id?.incarnation ?? ''}/${id?.number ?? ''}`).join();
    if (latest === newest) return;
    const recoveries = recoveriesOf(log, journal);
    const open = recoveries.filter((recovery) => recovery.committed >= known);
    if (open.length === 0) newest = latest;
    for (const recovery of recoveries) {
      const key = `${recovery.generation.incarnation}/${recovery.generation.number}`;
      if (told.has(key) || open.includes(recovery)) continue;
      told.add(key);
      const lost = tabs
        .all()
        .filter(({ status }) => status !== undefined && recovery.lost.includes(status.member));
      narrator.say(`  ${list(lost.map((tab) => tab.name))}: ${tellRecovery(recovery)}`);
    }
  };
  // A rank's log is fetched with its status: once all have got past a recovery, the logs have all of it.
  const stop = tabs.onLook(() => {
    tell(Math.min(...room.healthy().map(({ status }) => status?.committed ?? 0)));
  });
  return {
    stop,
    tellRest: () => {
      tell(Number.POSITIVE_INFINITY);
    },
  };
}

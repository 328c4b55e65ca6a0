// What is left of a run when something did not hold: the recordings of the tabs that could still be asked, the last word of each, and
// from the merged logs who waited for whom.

import { watchForIncidents } from '../../live/incident-watch.ts';
import { incidentFile, type LastWord } from '../../live/incident.ts';
import { writeBytes } from '../sim/files.ts';
import type { LogBook } from './log-book.ts';
import type { Tabs } from './tabs.ts';

export interface BlackBox {
  /** A tab has handed over what its rank recorded. */
  readonly recorded: (recording: Uint8Array) => void;
  /** The run is over: what is known of its tabs is kept. */
  seal(tabs: Tabs | undefined, log: LogBook): void;
  readonly recordings: readonly Uint8Array[];
  /** Writes an incident that `rankfall replay` reads. */
  write(path: string, room: string, failures: readonly string[]): Promise<void>;
}

export function createBlackBox(): BlackBox {
  const recordings: Uint8Array[] = [];
  const watch = watchForIncidents();
  let words: readonly LastWord[] = [];
  let at = Date.now();
  return {
    recordings,
    recorded: (recording) => recordings.push(recording),
    seal(tabs, log) {
      at = Date.now();
      watch.observe(log.records());
      words = (tabs?.all() ?? []).flatMap(({ status, gone }) =>
        status === undefined ? [] : [{ status, gone }],
      );
    },
    async write(path, room, failures) {
      // Only a tab that went without a word has no recording here.
      const lost = words.filter(({ gone }) => gone !== 'closed').map(({ status }) => status.member);
      const flights = lost.flatMap((member) => watch.flight(member) ?? []);
      const stalls = watch.stalls();
      writeBytes(path, await incidentFile({ at, room, failures, words, stalls, flights, recordings }));
    },
  };
}

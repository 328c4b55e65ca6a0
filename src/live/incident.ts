// What a page, or whoever watches pages, knows of a room when something goes wrong, as the file that `rankfall replay` reads.

import type { MemberId } from '../ports/ids.ts';
import { incidentLine, type Incident, type IncidentRank } from '../protocol/recording/incident.ts';
import type { Flight } from '../trace/flight-recorder.ts';
import type { RankStatus } from './api.ts';
import { gzip, joined } from './recorder.ts';

/** The last that a rank said, and how its page went. */
export interface LastWord {
  readonly status: RankStatus;
  readonly gone: string | undefined;
}

function rankOf({ status, gone }: LastWord): IncidentRank {
  const { member, members, phase, step, committed, committedHash, engine, problem, faults, stall } = status;
  const own = members.find((view) => view.member === member);
  return {
    member,
    rank: own?.rank,
    phase,
    step,
    committed,
    hash: committedHash,
    hidden: own?.hidden ?? false,
    engine: engine === undefined ? undefined : `${engine.kind}, ${engine.adapter}`.slice(0, 300),
    problem: problem?.slice(0, 2000),
    faults: faults.slice(0, 64).map(({ fault }) => fault.kind),
    stall,
    gone,
  };
}

/** Members that the ranks at hand see, and of which nothing else is known here. */
function others(words: readonly LastWord[]): IncidentRank[] {
  const known = new Set(words.map(({ status }) => status.member));
  const seen = new Map<MemberId, IncidentRank>();
  for (const { status } of words)
    for (const { member, rank, phase, step, hidden } of status.members)
      if (!known.has(member))
        seen.set(member, {
          member,
          rank,
          phase,
          step,
          committed: Math.min(step, status.committed),
          hash: undefined,
          hidden,
          engine: undefined,
          problem: undefined,
          faults: [],
          stall: undefined,
          gone: undefined,
        });
  return [...seen.values()];
}

export interface IncidentParts {
  readonly at: number;
  readonly room: string;
  readonly failures: readonly string[];
  readonly words: readonly LastWord[];
  readonly stalls: Incident['stalls'];
  /** Of ranks without a recording. */
  readonly flights: readonly Flight[];
  readonly recordings: readonly Uint8Array[];
}

export async function incidentFile(parts: IncidentParts): Promise<Uint8Array<ArrayBuffer>> {
  const { at, room, failures, words, stalls, flights, recordings } = parts;
  const head = incidentLine({
    at,
    room,
    failures: [...failures],
    ranks: [...words.map(rankOf), ...others(words)],
    stalls,
    flights: flights.map(({ member, entries }) => ({ member, entries: [...entries] })),
  });
  return joined([await gzip([head]), ...recordings]);
}

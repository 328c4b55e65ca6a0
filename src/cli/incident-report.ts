// An incident as a person reads it: who was there, what happened when, whom the room waited for, and what the checkers say.

import type { Incident } from '../protocol/recording/incident.ts';
import type { RecordingOutcome } from '../simulator/replay-recording.ts';
import type { Operation, StallCause, TraceEvent, TraceRecord } from '../trace/events.ts';
import { count } from './room/tell.ts';

type ToldStall = Incident['stalls'][number]['stall'];

const OWED: Readonly<Record<Operation, string>> = {
  contribution: 'its gradient',
  'all-reduce': 'its share of the sum',
  barrier: 'its word at the barrier',
  apply: 'its update',
  standing: 'its word on where its state stands',
  heal: 'the state',
  vote: 'its vote',
};
const CAUSES: Readonly<Record<StallCause, string>> = {
  missing: 'is missing',
  slow: 'takes longer than usual',
  'different-operation': 'does not come: it is at something else',
  'different-size': 'has another size than it should',
  'different-state': 'builds on a state that differs',
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const short = (id: string): string => id.slice(0, 4);
/** Text from a file, on one line: it may be anybody's. */
const clean = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\uffff]/gu, ' ');

/** "waits for b207 in step 41: its share of the sum (bucket 3) is missing for 1.2 s; it last said, 0.1 s before: computing at step 41" */
function tellStall(stall: ToldStall, by: string): string {
  const { peer, step, attempt, operation, bucket, cause, forMs, said } = stall;
  const again = attempt > 0 ? ', again' : '';
  const place = bucket === undefined ? '' : ` (bucket ${bucket})`;
  const last =
    said === undefined
      ? ''
      : `; it last said, ${seconds(said.agoMs)} before: ${said.phase} at step ${said.step}`;
  const whom = peer === by && cause === 'slow' ? 'its own engine' : short(peer);
  return `waits for ${whom} in step ${step}${again}: ${OWED[operation]}${place} ${CAUSES[cause]}, for ${seconds(forMs)}${last}`;
}

type Tellers = {
  readonly [Kind in TraceEvent['kind']]?: (
    event: Extract<TraceEvent, { readonly kind: Kind }>,
  ) => string | undefined;
};

/** What of a log is worth a line. */
const TELLERS: Tellers = {
  faultInjected: ({ fault, detail }) => `fault ${clean(fault)}: ${clean(detail)}`,
  faultHealed: ({ fault }) => `fault ${clean(fault)} is over`,
  suspected: ({ peer, evidence }) => `suspects ${short(peer)}: ${evidence}`,
  installed: ({ generation, members }) =>
    `generation ${generation.number} begins with ${members.map(short).join(', ')}`,
  founded: ({ step, why }) => `founds a line at step ${step} (${why})`,
  left: ({ generation, why }) => `leaves generation ${generation.number}: ${why}`,
  healed: ({ donor, step, by }) => `heals from ${short(donor)} to step ${step} by ${by}`,
  restored: ({ step }) => `restores the checkpoint of step ${step}`,
  waitingForQuorum: ({ members }) => `waits for a majority: ${members.map(short).join(', ')}`,
  stopped: ({ detail }) => `stops: ${clean(detail)}`,
  violated: ({ invariant, sentence }) => `invariant ${invariant}: ${clean(sentence)}`,
  engine: ({ detail, lost }) => (lost === true ? `loses its state: ${clean(detail)}` : undefined),
};

function happened(event: TraceEvent): string | undefined {
  const tell = TELLERS[event.kind] as ((event: TraceEvent) => string | undefined) | undefined;
  return tell?.(event);
}

const MAX_LINES = 60;
/** The same from several ranks within this time is one line. */
const SAME_MS = 3000;

interface Line {
  readonly at: number;
  readonly text: string;
  readonly by: string[];
}

function timeline(records: readonly TraceRecord[], stalls: Incident['stalls']): readonly Line[] {
  const lines: Line[] = [];
  const add = (at: number, by: string, text: string): void => {
    const same = lines.findLast((line) => line.text === text);
    if (same !== undefined && at - same.at <= SAME_MS) {
      if (!same.by.includes(by)) same.by.push(by);
    } else lines.push({ at, text, by: [by] });
  };
  const told = [
    ...records.flatMap(({ at, member, event }) => {
      const text = happened(event);
      return text === undefined ? [] : [{ at, member, text }];
    }),
    ...stalls.map(({ at, by, stall }) => ({ at, member: by, text: tellStall(stall, by) })),
  ].sort((a, b) => a.at - b.at);
  for (const { at, member, text } of told) add(at, short(member), text);
  return lines.slice(-MAX_LINES);
}

const tellEntry = ({
  operation,
  step,
  attempt,
  ms,
  aborted,
}: Incident['flights'][number]['entries'][number]): string =>
  `${operation} of step ${step}${attempt > 0 ? ' again' : ''}${ms === undefined ? ' begun' : aborted ? ` aborted after ${seconds(ms)}` : ''}`;

/** Stalls of ranks that were recorded come again when they are run; those that the head has more of are of others. */
function stallsOf({ stalls }: Incident, records: readonly TraceRecord[]): Incident['stalls'] {
  const again = new Set<string>();
  const found: Incident['stalls'] = [];
  for (const { member, at, event } of records) {
    if (event.kind !== 'stalled') continue;
    const { kind: _, ...stall } = event;
    found.push({ at, by: member, stall });
    again.add(member);
  }
  return [...stalls.filter(({ by }) => !again.has(by)), ...found].sort((a, b) => a.at - b.at);
}

/** `outcome`: what came of running the recordings again; undefined where there are none. */
export function incidentLines(incident: Incident, outcome: RecordingOutcome | undefined): readonly string[] {
  const records = outcome?.records ?? [];
  const stalls = stallsOf(incident, records);
  const first = records[0]?.at ?? stalls[0]?.at ?? incident.at;
  const ranks = incident.ranks.map((rank) => {
    const place = rank.rank === undefined ? 'no member' : `rank ${rank.rank}`;
    const extras = [
      ...(rank.gone === undefined ? [] : [clean(rank.gone)]),
      ...(rank.hidden ? ['in the background'] : []),
      ...(rank.faults.length === 0 ? [] : [`under ${rank.faults.map(clean).join(', ')}`]),
      ...(rank.engine === undefined ? [] : [clean(rank.engine)]),
    ];
    const said = rank.problem === undefined ? '' : `\n        ${clean(rank.problem)}`;
    return `  ${short(rank.member)}  ${place.padEnd(9)}  ${rank.phase} at step ${rank.step}, ${rank.committed} committed, state ${short(rank.hash ?? '----')}${extras.map((extra) => `; ${extra}`).join('')}${said}`;
  });
  const flights = incident.flights.flatMap(({ member, entries }) => {
    const last = entries.slice(-3).map(tellEntry);
    return last.length === 0 ? [] : [`  ${short(member)}  ${last.join(', then ')}`];
  });
  const newest = stalls.at(-1);
  return [
    `incident in room ${clean(incident.room)}, ${new Date(incident.at).toISOString()}`,
    ...incident.failures.map((sentence) => `  ${clean(sentence)}`),
    '',
    `who: ${count(incident.ranks.length, 'rank')}`,
    ...ranks,
    ...(flights.length === 0 ? [] : ['', 'the last of those whose recordings are not here', ...flights]),
    '',
    'what happened',
    ...timeline(records, stalls).map(
      ({ at, text, by }) => `  ${seconds(at - first).padStart(9)}  ${by.join(', ')} ${text}`,
    ),
    '',
    newest === undefined
      ? 'attribution: no step waited for anybody longer than usual'
      : `attribution: at ${seconds(newest.at - first)}, ${short(newest.by)} ${tellStall(newest.stall, newest.by)}`,
    '',
  ];
}

export const incidentJson = (incident: Incident, outcome: RecordingOutcome | undefined): object => {
  const stalls = stallsOf(incident, outcome?.records ?? []);
  const { at, room, failures, ranks } = incident;
  return { at, room, failures, ranks, stalls, attribution: stalls.at(-1) ?? null };
};

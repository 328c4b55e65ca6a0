// A recording as a diagram: what each rank reported, and the messages between ranks whose recordings are at hand. Recordings do not
// number messages. One that was sent is the one that came with the same words on the same link, first sent first come.

import CRC32 from 'crc-32';
import type { MemberId } from '../ports/ids.ts';
import { split } from '../protocol/message-parts.ts';
import type { Incident } from '../protocol/recording/incident.ts';
import type { Message } from '../protocol/messages.ts';
import { textOf } from '../protocol/recording/outcome.ts';
import type { RerunWatch } from '../protocol/recording/rerun.ts';
import type { Diagram } from '../trace/diagram.ts';
import type { TraceRecord } from '../trace/events.ts';
import { drawRecords, type RecordDrawing, type Teller } from './drawing.ts';
import { replayRecording, type RecordingOutcome } from './replay-recording.ts';

interface Sent {
  readonly kind: 'sent';
  readonly at: number;
  readonly to: MemberId;
  readonly name: Message['kind'];
  readonly words: number;
  /** It has had its turn. */
  isPast: boolean;
  isDrawn: boolean;
}
interface Heard {
  readonly kind: 'heard';
  readonly at: number;
  readonly from: MemberId;
  readonly words: number;
  /** Which one it is, where its sender's recording has it. */
  sent: Sent | undefined;
}
type Entry = Sent | Heard | { readonly kind: 'reported'; readonly at: number; readonly record: TraceRecord };

/** What one rank did, in its own order. */
type Logs = ReadonlyMap<MemberId, readonly Entry[]>;

export interface DrawnRecording {
  /** Undefined: an incident without recordings. */
  readonly outcome: Omit<RecordingOutcome, 'records'> | undefined;
  readonly diagram: Diagram;
  /** So much of the beginning was too much to draw. */
  readonly skipped: number;
}

/** The newest of them are drawn: what went wrong is at the end. */
const MAX_ENTRIES = 120_000;

/** Heartbeats are no picture; what is carried in bulk is not compared. */
const wordsOf = (message: Message): number => CRC32.str(textOf(split(message).header));

function keepLogs(): { readonly logs: Map<MemberId, Entry[]>; readonly watch: RerunWatch } {
  const logs = new Map<MemberId, Entry[]>();
  const add = (member: MemberId, entry: Entry): void => {
    const log = logs.get(member);
    if (log === undefined) logs.set(member, [entry]);
    else log.push(entry);
  };
  return {
    logs,
    watch: {
      reported(record) {
        add(record.member, { kind: 'reported', at: record.at, record });
      },
      sent(from, to, message, at) {
        if (message.kind === 'beat') return;
        add(from, {
          kind: 'sent',
          at,
          to,
          name: message.kind,
          words: wordsOf(message),
          isPast: false,
          isDrawn: false,
        });
      },
      heard(from, to, message, at) {
        if (message.kind === 'beat') return;
        add(to, { kind: 'heard', at, from, words: wordsOf(message), sent: undefined });
      },
    },
  };
}

/** Finds for each message that came the one that was sent. */
function pair(logs: Logs): void {
  const waiting = new Map<string, Sent[]>();
  for (const [from, log] of logs)
    for (const entry of log) {
      if (entry.kind !== 'sent') continue;
      const key = `${from} ${entry.to} ${entry.words}`;
      const same = waiting.get(key);
      if (same === undefined) waiting.set(key, [entry]);
      else same.push(entry);
    }
  for (const queue of waiting.values()) queue.reverse();
  for (const [to, log] of logs)
    for (const entry of log)
      if (entry.kind === 'heard') entry.sent = waiting.get(`${entry.from} ${to} ${entry.words}`)?.pop();
}

/** The moment from which on everything is drawn. */
function beginning(logs: Logs): { readonly at: number; readonly skipped: number } {
  const times = [...logs.values()].flatMap((log) => log.map(({ at }) => at)).sort((a, b) => a - b);
  const skipped = Math.max(0, times.length - MAX_ENTRIES);
  return { at: times[skipped] ?? 0, skipped };
}

/** All logs as one: by time, each in its own order, and nothing is heard before it was sent, whatever clocks say. */
function* merged(logs: Logs, from: number): Generator<{ readonly member: MemberId; readonly entry: Entry }> {
  const heads = [...logs].map(([member, log]) => {
    const start = log.findIndex(({ at }) => at >= from);
    return { member, log, place: start < 0 ? log.length : start };
  });
  for (;;) {
    let next: (typeof heads)[number] | undefined;
    /** Equal words may have been taken for one another: then whoever is first goes on. */
    let blocked: (typeof heads)[number] | undefined;
    const at = (head: (typeof heads)[number] | undefined): number =>
      head?.log[head.place]?.at ?? Number.POSITIVE_INFINITY;
    for (const head of heads) {
      const entry = head.log[head.place];
      if (entry === undefined) continue;
      const isEarly =
        entry.kind === 'heard' && entry.sent !== undefined && entry.sent.at >= from && !entry.sent.isPast;
      if (isEarly) {
        if (entry.at < at(blocked)) blocked = head;
      } else if (entry.at < at(next)) next = head;
    }
    const head = next ?? blocked;
    const entry = head?.log[head.place];
    if (head === undefined || entry === undefined) return;
    head.place += 1;
    yield { member: head.member, entry };
  }
}

/** Of ranks without a recording, the last that they were at. */
function drawFlights({ recorder, laneOf }: RecordDrawing, { flights }: Incident, from: number): void {
  const entries = flights.flatMap(({ member, entries: all }) => all.map((entry) => ({ member, entry })));
  entries.sort((a, b) => a.entry.at - b.entry.at);
  for (const { member, entry } of entries) {
    if (entry.at < from) continue;
    const { operation, step, aborted } = entry;
    recorder.mark(laneOf(member), entry.at - from, `${operation}, step ${step}`, aborted ? 'bad' : 'plain');
  }
}

/** Runs recordings again and draws them, with the head of the incident that they come from. Throws a `RecordingError`. */
export function drawRecording(
  lines: Iterable<string> | undefined,
  incident: Incident | undefined,
  tell: Teller,
): DrawnRecording {
  const { logs, watch } = keepLogs();
  const outcome = lines === undefined ? undefined : replayRecording(lines, watch);
  pair(logs);
  const { at: oldest, skipped } = beginning(logs);
  const start =
    logs.size > 0
      ? oldest
      : Math.min(...(incident?.flights ?? []).flatMap((f) => f.entries.map((e) => e.at)));
  const drawing = drawRecords(tell);
  const { recorder, record, laneOf } = drawing;
  for (const [member, log] of logs) {
    recorder.lane(laneOf(member));
    // Most said at the beginning what they wear, which may not be drawn.
    for (const entry of log)
      if (entry.kind === 'reported' && entry.record.event.kind === 'coloured')
        recorder.wears(laneOf(member), entry.record.event.slot);
  }
  let failing: Diagram['failing'];
  for (const { member, entry } of merged(logs, start)) {
    const at = entry.at - start;
    switch (entry.kind) {
      case 'reported':
        record({ ...entry.record, at });
        if (outcome?.violation?.record === entry.record) {
          const { invariant, sentence } = outcome.violation;
          failing = {
            at,
            seq: Math.max(0, recorder.moments() - 1),
            invariant: `invariant ${invariant}`,
            sentence,
          };
        }
        break;
      case 'sent': {
        entry.isPast = true;
        // Whether it came is known of those alone who wrote it down.
        const theirs = logs.get(entry.to)?.at(-1);
        if (theirs === undefined || theirs.at < entry.at) break;
        entry.isDrawn = true;
        recorder.sent(laneOf(member), laneOf(entry.to), entry, entry.name, entry.name, at);
        break;
      }
      case 'heard':
        if (entry.sent?.isDrawn === true) {
          const sentAt = entry.sent.at - start;
          recorder.received(laneOf(entry.from), laneOf(member), entry.sent, sentAt, Math.max(at, sentAt));
        }
        break;
    }
  }
  if (incident !== undefined) drawFlights(drawing, incident, start);
  const diagram = recorder.finish(0);
  return {
    outcome: outcome === undefined ? undefined : withoutRecords(outcome),
    diagram: { ...diagram, failing },
    skipped,
  };
}

function withoutRecords({ records: _, ...rest }: RecordingOutcome): Omit<RecordingOutcome, 'records'> {
  return rest;
}

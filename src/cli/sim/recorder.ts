// The files that a simulated run can leave behind: its event log, a Perfetto trace, a ShiViz log, a space-time diagram.

import type { Message } from '../../protocol/messages.ts';
import type { RunOptions } from '../../simulator/swarm.ts';
import type { TraceEvent, TraceRecord } from '../../trace/events.ts';
import { writePerfetto } from '../../trace/perfetto.ts';
import { writeSpaceTime } from '../../trace/space-time.ts';
import { writeShiviz, type ShivizClock } from '../../trace/shiviz.ts';
import { writeText } from './files.ts';

export interface RecordFlags {
  readonly log?: string;
  readonly trace?: string;
  readonly shiviz?: string;
  readonly svg?: string;
}

export interface Recorder {
  readonly options: Pick<RunOptions, 'onRecord' | 'onSend' | 'onMessage'>;
  /** Of a run that is not simulated here: its log alone. */
  record(record: TraceRecord): void;
  /** Writes the files. */
  finish(virtualMs: number): void;
}

/** What a rank does in every step: a drawing of it would show nothing else. */
const EVERY_STEP: ReadonlySet<TraceEvent['kind']> = new Set(['phase', 'contributed', 'applied', 'committed']);

const nameOf = (member: string): string => `rank ${member.slice(0, 6)}`;

export function createRecorder(flags: RecordFlags): Recorder {
  const lines: string[] = [];
  const perfetto = flags.trace === undefined ? undefined : writePerfetto();
  const shiviz = flags.shiviz === undefined ? undefined : writeShiviz();
  const drawing = flags.svg === undefined ? undefined : writeSpaceTime();
  /** The clock that each message carries, by its receiver: a broadcast is one message. */
  const clocks = new WeakMap<Message, Map<string, ShivizClock>>();
  const record = (entry: TraceRecord): void => {
    if (flags.log !== undefined) lines.push(JSON.stringify(entry));
    perfetto?.record(entry);
    shiviz?.record(entry);
    if (!EVERY_STEP.has(entry.event.kind)) drawing?.note(nameOf(entry.member), entry.at, entry.event.kind);
  };
  return {
    record,
    options: {
      onRecord: record,
      ...(shiviz === undefined
        ? {}
        : {
            onSend(from, to, message) {
              if (message.kind === 'beat') return;
              const carried = clocks.get(message) ?? new Map<string, ShivizClock>();
              carried.set(to.member, shiviz.sent(from.member, to.member, message.kind));
              clocks.set(message, carried);
            },
          }),
      ...(shiviz === undefined && perfetto === undefined && drawing === undefined
        ? {}
        : {
            onMessage(from, to, message, sentAt, now) {
              if (message.kind === 'beat') return;
              perfetto?.message(from.member, to.member, message.kind, sentAt, now);
              drawing?.message(nameOf(from.member), nameOf(to.member), message.kind, sentAt, now);
              const clock = clocks.get(message)?.get(to.member);
              if (clock !== undefined) shiviz?.received(from.member, to.member, message.kind, clock);
            },
          }),
    },
    finish(virtualMs) {
      if (flags.log !== undefined) writeText(flags.log, `${lines.join('\n')}\n`);
      if (flags.trace !== undefined && perfetto !== undefined)
        writeText(flags.trace, perfetto.text(virtualMs));
      if (flags.shiviz !== undefined && shiviz !== undefined) writeText(flags.shiviz, shiviz.text());
      if (flags.svg !== undefined && drawing !== undefined) writeText(flags.svg, drawing.text());
    },
  };
}

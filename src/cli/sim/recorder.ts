// The files that a simulated run can leave behind: its event log, a Perfetto trace, a ShiViz log, a space-time diagram.

import type { Message } from '../../protocol/messages.ts';
import { drawRoom } from '../../simulator/drawing.ts';
import type { Outcome, RunOptions } from '../../simulator/swarm.ts';
import type { Diagram } from '../../trace/diagram.ts';
import type { TraceRecord } from '../../trace/events.ts';
import { writePerfetto } from '../../trace/perfetto.ts';
import { spaceTimeSvg } from '../../trace/space-time.ts';
import { writeShiviz, type ShivizClock } from '../../trace/shiviz.ts';
import { writeText } from './files.ts';

export interface RecordFlags {
  readonly log?: string;
  readonly trace?: string;
  readonly shiviz?: string;
  readonly svg?: string;
}

export interface Recorder {
  readonly options: Pick<RunOptions, 'onRecord' | 'onStrike' | 'onSend' | 'onMessage' | 'onCondition'>;
  /** Of a run that is not simulated here: its log alone. */
  record(record: TraceRecord): void;
  /** Writes the files; the diagram where one was drawn. */
  finish(outcome: Pick<Outcome, 'virtualMs' | 'invariant' | 'reason'>): Diagram | undefined;
}

/** `draws`: the diagram is wanted, whatever is asked for. */
export function createRecorder(flags: RecordFlags, draws = false): Recorder {
  const lines: string[] = [];
  const perfetto = flags.trace === undefined ? undefined : writePerfetto();
  const shiviz = flags.shiviz === undefined ? undefined : writeShiviz();
  const drawing = flags.svg === undefined && !draws ? undefined : drawRoom();
  /** The clock that each message carries, by its receiver: a broadcast is one message. */
  const clocks = new WeakMap<Message, Map<string, ShivizClock>>();
  const record = (entry: TraceRecord): void => {
    if (flags.log !== undefined) lines.push(JSON.stringify(entry));
    perfetto?.record(entry);
    shiviz?.record(entry);
  };
  return {
    record(entry) {
      record(entry);
      drawing?.record(entry);
    },
    options: {
      onRecord(entry, host) {
        record(entry);
        drawing?.onRecord(entry, host);
      },
      ...(drawing === undefined ? {} : { onStrike: drawing.onStrike, onCondition: drawing.onCondition }),
      ...(shiviz === undefined && drawing === undefined
        ? {}
        : {
            onSend(from, to, message, at) {
              drawing?.onSend(from, to, message, at);
              if (message.kind === 'beat' || shiviz === undefined) return;
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
              drawing?.onMessage(from, to, message, sentAt, now);
              const clock = clocks.get(message)?.get(to.member);
              if (clock !== undefined) shiviz?.received(from.member, to.member, message.kind, clock);
            },
          }),
    },
    finish(outcome) {
      if (flags.log !== undefined) writeText(flags.log, `${lines.join('\n')}\n`);
      if (flags.trace !== undefined && perfetto !== undefined)
        writeText(flags.trace, perfetto.text(outcome.virtualMs));
      if (flags.shiviz !== undefined && shiviz !== undefined) writeText(flags.shiviz, shiviz.text());
      const diagram = drawing?.diagram(outcome);
      if (flags.svg !== undefined && diagram !== undefined) writeText(flags.svg, spaceTimeSvg(diagram));
      return diagram;
    },
  };
}

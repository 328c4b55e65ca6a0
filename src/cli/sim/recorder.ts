// The files that a simulated run can leave behind: its event log, a Perfetto trace, a ShiViz log.

import type { Message } from '../../protocol/messages.ts';
import type { RunOptions } from '../../simulator/swarm.ts';
import { writePerfetto } from '../../trace/perfetto.ts';
import { writeShiviz, type ShivizClock } from '../../trace/shiviz.ts';
import { writeText } from './files.ts';

export interface RecordFlags {
  readonly log?: string;
  readonly trace?: string;
  readonly shiviz?: string;
}

export interface Recorder {
  readonly options: Pick<RunOptions, 'onRecord' | 'onSend' | 'onMessage'>;
  /** Writes the files. */
  finish(virtualMs: number): void;
}

export function createRecorder(flags: RecordFlags): Recorder {
  const lines: string[] = [];
  const perfetto = flags.trace === undefined ? undefined : writePerfetto();
  const shiviz = flags.shiviz === undefined ? undefined : writeShiviz();
  /** The clock that each message carries, by its receiver: a broadcast is one message. */
  const clocks = new WeakMap<Message, Map<string, ShivizClock>>();
  return {
    options: {
      onRecord(record) {
        if (flags.log !== undefined) lines.push(JSON.stringify(record));
        perfetto?.record(record);
        shiviz?.record(record);
      },
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
      ...(shiviz === undefined && perfetto === undefined
        ? {}
        : {
            onMessage(from, to, message, sentAt, now) {
              if (message.kind === 'beat') return;
              perfetto?.message(from.member, to.member, message.kind, sentAt, now);
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
    },
  };
}

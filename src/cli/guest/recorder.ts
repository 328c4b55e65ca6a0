// The files that a run of a user's protocol can leave behind: its event log, a Perfetto trace, a ShiViz log, a space-time diagram.

import type { GuestOutcome, GuestRunOptions } from '../../simulator/guest/run.ts';
import { drawGuest } from '../../simulator/guest/drawing.ts';
import { eventInWords, inWords } from '../../simulator/guest/story.ts';
import type { Letter } from '../../simulator/guest/world.ts';
import type { Diagram } from '../../trace/diagram.ts';
import { writePerfetto } from '../../trace/perfetto.ts';
import { spaceTimeSvg } from '../../trace/space-time.ts';
import { writeShiviz, type ShivizClock } from '../../trace/shiviz.ts';
import { writeText } from '../sim/files.ts';
import type { RecordFlags } from '../sim/recorder.ts';

export interface GuestRecorder {
  readonly options: Pick<
    GuestRunOptions,
    'onRecord' | 'onStrike' | 'onSend' | 'onMessage' | 'onState' | 'onCondition'
  >;
  /** Writes the files; the diagram where one was drawn. */
  finish(outcome: GuestOutcome): Diagram | undefined;
}

const words = ({ text }: Letter): string => inWords(JSON.parse(text));

/** `draws`: the diagram is wanted, whatever is asked for. */
export function createGuestRecorder(flags: RecordFlags, draws = false): GuestRecorder {
  const lines: string[] = [];
  const perfetto = flags.trace === undefined ? undefined : writePerfetto();
  const shiviz = flags.shiviz === undefined ? undefined : writeShiviz();
  const drawing = flags.svg === undefined && !draws ? undefined : drawGuest();
  /** The clock that each message carries, by its receiver: one message may go to all. */
  const clocks = new WeakMap<Letter, Map<number, ShivizClock>>();
  return {
    options: {
      onRecord(record) {
        if (flags.log !== undefined) lines.push(JSON.stringify(record));
        const { node, at, event, effects } = record;
        perfetto?.note(String(node), at, event.kind, { event, effects });
        // ShiViz shows a message's arrival by itself.
        if (event.kind !== 'message') shiviz?.note(String(node), eventInWords(event));
        for (const effect of effects) if (effect.kind === 'report') shiviz?.note(String(node), effect.what);
        drawing?.onRecord(record);
      },
      onStrike: (strike, at) => drawing?.onStrike(strike, at),
      onState: (node, state, at) => drawing?.onState(node, state, at),
      onCondition: (node, condition, at) => drawing?.onCondition(node, condition, at),
      onSend(from, to, letter, at) {
        drawing?.onSend(from, to, letter, at);
        if (shiviz === undefined) return;
        const carried = clocks.get(letter) ?? new Map<number, ShivizClock>();
        carried.set(to, shiviz.sent(String(from), String(to), words(letter)));
        clocks.set(letter, carried);
      },
      onMessage(from, to, letter, sentAt, now) {
        perfetto?.message(String(from), String(to), words(letter), sentAt, now);
        drawing?.onMessage(from, to, letter, sentAt, now);
        const clock = clocks.get(letter)?.get(to);
        if (clock !== undefined) shiviz?.received(String(from), String(to), words(letter), clock);
      },
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

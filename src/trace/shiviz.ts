// A run as a ShiViz log: each event with its rank and its vector clock. ShiViz draws who could have known what.
//
// Parser expression for its dialog: (?<host>\S*) (?<clock>{.*})\n(?<event>.*)

import type { TraceRecord } from './events.ts';
import { shortNames } from './short-names.ts';

export interface ShivizWriter {
  record(record: TraceRecord): void;
  /** Something else that happened at a member. */
  note(member: string, text: string): void;
  /** Called when a message leaves; hand what it returns to `received`. */
  sent(from: string, to: string, kind: string): ShivizClock;
  received(from: string, to: string, kind: string, clock: ShivizClock): void;
  text(): string;
}

export type ShivizClock = ReadonlyMap<string, number>;

export function writeShiviz(): ShivizWriter {
  const clocks = new Map<string, Map<string, number>>();
  const lines: string[] = [];
  const short = shortNames();
  const name = (member: string): string => `rank-${short(member)}`;

  function tick(member: string): Map<string, number> {
    let clock = clocks.get(member);
    if (clock === undefined) {
      clock = new Map();
      clocks.set(member, clock);
    }
    clock.set(member, (clock.get(member) ?? 0) + 1);
    return clock;
  }
  function line(member: string, clock: ShivizClock, text: string): void {
    const entries = [...clock].map(([who, count]) => [name(who), count] as const);
    lines.push(`${name(member)} ${JSON.stringify(Object.fromEntries(entries))}\n${text}`);
  }

  return {
    record({ member, event }) {
      line(member, tick(member), event.kind === 'phase' ? `phase ${event.phase}` : event.kind);
    },
    note(member, text) {
      line(member, tick(member), text);
    },
    sent(from, to, kind) {
      const clock = new Map(tick(from));
      line(from, clock, `sends ${kind} to ${name(to)}`);
      return clock;
    },
    received(from, to, kind, clock) {
      const own = tick(to);
      for (const [who, count] of clock) own.set(who, Math.max(own.get(who) ?? 0, count));
      line(to, own, `receives ${kind} from ${name(from)}`);
    },
    text: () => `${lines.join('\n')}\n`,
  };
}

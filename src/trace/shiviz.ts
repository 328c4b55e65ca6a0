// A run as a ShiViz log: each event with its rank and its vector clock. ShiViz draws who could have known what.
//
// Parser expression for its dialog: (?<host>\S*) (?<clock>{.*})\n(?<event>.*)

import type { MemberId } from '../ports/ids.ts';
import type { TraceRecord } from './events.ts';

export interface ShivizWriter {
  record(record: TraceRecord): void;
  /** Called when a message leaves; hand what it returns to `received`. */
  sent(from: MemberId, to: MemberId, kind: string): ShivizClock;
  received(from: MemberId, to: MemberId, kind: string, clock: ShivizClock): void;
  text(): string;
}

export type ShivizClock = ReadonlyMap<MemberId, number>;

export function writeShiviz(): ShivizWriter {
  const clocks = new Map<MemberId, Map<MemberId, number>>();
  const lines: string[] = [];
  const name = (member: MemberId): string => `rank-${member.slice(0, 6)}`;

  function tick(member: MemberId): Map<MemberId, number> {
    let clock = clocks.get(member);
    if (clock === undefined) {
      clock = new Map();
      clocks.set(member, clock);
    }
    clock.set(member, (clock.get(member) ?? 0) + 1);
    return clock;
  }
  function line(member: MemberId, clock: ShivizClock, text: string): void {
    const entries = [...clock].map(([who, count]) => [name(who), count] as const);
    lines.push(`${name(member)} ${JSON.stringify(Object.fromEntries(entries))}\n${text}`);
  }

  return {
    record({ member, event }) {
      line(member, tick(member), event.kind === 'phase' ? `phase ${event.phase}` : event.kind);
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

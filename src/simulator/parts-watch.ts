// Watches over the parts of an all-reduce: what has reached a rank is not asked for again, and what is asked for is sent again.

import type { GenerationId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Message } from '../protocol/messages.ts';
import type { Host } from './host.ts';

interface Seen {
  readonly generation: GenerationId;
  /** When each part of the generation reached this rank. */
  readonly arrivedAt: Map<string, number>;
  /** The last two rounds that it contributed to. */
  contributions: readonly string[];
}

export interface PartsWatch {
  arrived(from: Host, to: Host, message: Message, sentAt: number): void;
  recorded(host: Host, event: TraceEvent): void;
}

export function createPartsWatch(
  now: () => number,
  violate: (host: Host, sentence: string) => void,
): PartsWatch {
  const seen = new Map<Host, Seen>();
  /** A request that its receiver can answer, and has to. */
  let asked: { readonly of: Host; readonly by: Host; readonly step: number } | undefined;

  function seenBy(host: Host, generation: GenerationId): Seen {
    let entry = seen.get(host);
    if (entry === undefined || !sameGeneration(entry.generation, generation)) {
      entry = { generation, arrivedAt: new Map(), contributions: [] };
      seen.set(host, entry);
    }
    return entry;
  }

  /** Whether the host is awake in this generation, and takes steps in it. */
  function takesPart(host: Host, generation: GenerationId): boolean {
    const { membership } = host.core;
    return (
      host.alive &&
      host.waiting === undefined &&
      membership !== undefined &&
      !membership.frozen &&
      sameGeneration(membership.generation.id, generation)
    );
  }

  return {
    arrived(from, to, message, sentAt) {
      if (asked !== undefined) {
        violate(
          asked.of,
          `A part of step ${asked.step} was lost on its way to page ${asked.by.ordinal}, and was not sent again.`,
        );
        asked = undefined;
      }
      if (message.kind !== 'part' && message.kind !== 'resend') return;
      const { generation, round, part } = message;
      if (!takesPart(to, generation)) return;
      const name = `${round.step}/${round.attempt}`;
      if (message.kind === 'part') {
        const { arrivedAt } = seenBy(to, generation);
        const key = `${from.ordinal}/${name}/${part}`;
        if (!arrivedAt.has(key)) arrivedAt.set(key, now());
        return;
      }
      if (takesPart(from, generation)) {
        const reached = seenBy(from, generation).arrivedAt.get(`${to.ordinal}/${name}/${part}`);
        if (reached !== undefined && reached < sentAt)
          violate(from, `Page ${from.ordinal} dropped a part of step ${round.step} that had reached it.`);
      }
      const { membership } = to.core;
      // In a ring or a tree its receiver may not have come to it yet.
      const kind = (membership?.round ?? membership?.lastRound)?.all.kind;
      if (kind !== 'ring' && kind !== 'tree' && seenBy(to, generation).contributions.includes(name))
        asked = { of: to, by: from, step: round.step };
    },
    recorded(host, event) {
      if (event.kind === 'resent' && asked?.of === host) asked = undefined;
      // A round that is through needed everybody, so nobody lacks a part of those before it: a request for one is an old copy.
      if (event.kind === 'phase') {
        const entry = seen.get(host);
        if (entry !== undefined && event.phase === 'applying')
          entry.contributions = entry.contributions.slice(-1);
        if (event.phase === 'idle' || event.phase === 'done') seen.delete(host);
      }
      if (event.kind !== 'contributed') return;
      const entry = seenBy(host, event.generation);
      entry.contributions = [...entry.contributions.slice(-1), `${event.step}/${event.attempt}`];
    },
  };
}

// Watches over the parts of an all-reduce: what has reached a rank is not asked for again, and what is asked for is sent again.

import type { GenerationId } from '../ports/ids.ts';
import { sameGeneration } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Message, RoundId } from '../protocol/messages.ts';
import type { Host } from './host.ts';

/** Rounds of which arrivals are kept: nobody asks for a part of an older one. */
const ROUNDS = 4;
/** Above every part number of a bucket, and every bucket of a round. */
const PARTS = 4096;
const BUCKETS = 64;

/** When each part of a round reached a rank, by the page that sent it and its number: two lists, since most ranks get a few. */
interface Arrivals {
  readonly id: RoundId;
  readonly keys: number[];
  readonly times: number[];
}

interface Seen {
  readonly generation: GenerationId;
  /** The last rounds, newest first. */
  readonly rounds: Arrivals[];
  /** The last two rounds that it contributed to. */
  contributions: readonly RoundId[];
}

const keyOf = ({ ordinal }: Host, bucket: number, part: number): number =>
  (ordinal * BUCKETS + bucket) * PARTS + part;

const sameRound = (a: RoundId, b: RoundId): boolean => a.step === b.step && a.attempt === b.attempt;

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
      entry = { generation, rounds: [], contributions: [] };
      seen.set(host, entry);
    }
    return entry;
  }

  function arrivals({ rounds }: Seen, id: RoundId): Arrivals | undefined {
    for (const round of rounds) if (sameRound(round.id, id)) return round;
    return undefined;
  }

  function noteArrival(entry: Seen, id: RoundId, key: number): void {
    const { rounds } = entry;
    const known = arrivals(entry, id);
    if (known === undefined) {
      rounds.unshift({ id, keys: [key], times: [now()] });
      if (rounds.length > ROUNDS) rounds.pop();
    } else if (!known.keys.includes(key)) {
      known.keys.push(key);
      known.times.push(now());
    }
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

  const contributed = ({ contributions }: Seen, id: RoundId): boolean =>
    contributions.some((round) => sameRound(round, id));

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
      const { generation, round, bucket, part } = message;
      if (!takesPart(to, generation)) return;
      if (message.kind === 'part') {
        noteArrival(seenBy(to, generation), round, keyOf(from, bucket, part));
        return;
      }
      if (takesPart(from, generation)) {
        const arrived = arrivals(seenBy(from, generation), round);
        const reached = arrived?.times[arrived.keys.indexOf(keyOf(to, bucket, part))];
        if (reached !== undefined && reached < sentAt)
          violate(from, `Page ${from.ordinal} dropped a part of step ${round.step} that had reached it.`);
      }
      const { membership } = to.core;
      // In a ring or a tree its receiver may not have come to it yet.
      const kind = (membership?.round ?? membership?.lastRound)?.buckets[bucket]?.kind;
      if (kind !== 'ring' && kind !== 'tree' && contributed(seenBy(to, generation), round))
        asked = { of: to, by: from, step: round.step };
    },
    recorded(host, event) {
      if (event.kind === 'resent' && asked?.of === host) asked = undefined;
      // A round that is through needed everybody, so nobody lacks a part of those before it: a request for one is an old copy.
      const isThrough =
        event.kind === 'overflowed' ||
        event.kind === 'sampleRefused' ||
        (event.kind === 'phase' && event.phase === 'applying');
      const through = isThrough ? seen.get(host) : undefined;
      if (through !== undefined) through.contributions = through.contributions.slice(-1);
      if (event.kind === 'phase' && (event.phase === 'idle' || event.phase === 'done')) seen.delete(host);
      if (event.kind !== 'contributed') return;
      const entry = seenBy(host, event.generation);
      entry.contributions = [...entry.contributions.slice(-1), { step: event.step, attempt: event.attempt }];
    },
  };
}

// The logs of this page's ranks as one readable log: the same sentence from several ranks is one entry with several badges.

import type { MemberId } from '../../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../../trace/events.ts';
import { meaningOf, toneOf, topicOf } from '../sentences.ts';
import type { Tone } from '../sentences.ts';
import type { Topic } from '../topic.ts';

export interface LogEntry {
  readonly id: number;
  readonly at: number;
  readonly topic: Topic;
  readonly tone: Tone;
  /** As the first reporter has it; the page says it in its own language. */
  readonly event: TraceEvent;
  readonly meaning: string;
  /** Who said so, first reporter first. */
  readonly reporters: readonly MemberId[];
}

export interface EventBook {
  add(records: readonly TraceRecord[]): void;
  /** Entries of these topics, newest first; `of` keeps those that one rank reported. */
  read(topics: ReadonlySet<Topic>, of: MemberId | undefined, limit: number): readonly LogEntry[];
}

/** Each topic is bounded for itself, so that a flood of steps does not wash away what happened to the membership. */
const MAX_PER_TOPIC = 300;
/** Ranks see the same thing within this time, in milliseconds, or it was not the same thing. */
const SAME_MS = 3000;
/** How far back an equal sentence is looked for. */
const LOOK_BACK = 24;

export function createEventBook(): EventBook {
  const topics = new Map<Topic, LogEntry[]>();
  let nextId = 0;

  const add = (record: TraceRecord): void => {
    const topic = topicOf(record.event);
    const entries = topics.get(topic) ?? [];
    topics.set(topic, entries);
    const meaning = meaningOf(record.event, record.member);
    for (let i = entries.length - 1; i >= Math.max(0, entries.length - LOOK_BACK); i--) {
      const entry = entries[i];
      if (entry?.meaning !== meaning || entry.reporters.includes(record.member)) continue;
      if (Math.abs(entry.at - record.at) > SAME_MS) continue;
      entries[i] = {
        ...entry,
        at: Math.min(entry.at, record.at),
        reporters: [...entry.reporters, record.member],
      };
      return;
    }
    entries.push({
      id: nextId++,
      at: record.at,
      topic,
      tone: toneOf(record.event),
      event: record.event,
      meaning,
      reporters: [record.member],
    });
    if (entries.length > MAX_PER_TOPIC) entries.splice(0, entries.length - MAX_PER_TOPIC);
  };

  return {
    add(records) {
      records.forEach(add);
    },
    read(wanted, of, limit) {
      return [...wanted]
        .flatMap((topic) => topics.get(topic) ?? [])
        .filter((entry) => of === undefined || entry.reporters.includes(of))
        .sort((a, b) => b.at - a.at || b.id - a.id)
        .slice(0, limit);
    },
  };
}

// Every event of the vocabulary as a sentence in the language of the page; what it is about, and how it is to be taken.

import type { MemberId } from '../ports/ids.ts';
import type { TraceEvent } from '../trace/events.ts';
import { wordTable } from './language/word-table.ts';
import { plainText } from './sentence.ts';
import type { Sentence } from './sentence.ts';
import { english } from './sentences-en.ts';
import type { Sentences } from './sentences-en.ts';
import type { Topic } from './topic.ts';

export { plainText } from './sentence.ts';
export type { Sentence } from './sentence.ts';

export const sentences = wordTable<Sentences>(
  english,
  async () => (await import('./sentences-zh.ts')).chinese,
);

/** The event as a sentence without its subject, which is `by`. */
export const sentenceOf = (event: TraceEvent, by?: MemberId): Sentence => sentences.sentenceOf(event, by);

/** The same for events that say the same, whatever language the page speaks. */
export const meaningOf = (event: TraceEvent, by: MemberId): string =>
  plainText(english.sentenceOf(event, by));

/** How an event is to be taken: `good` and `bad` get a mark beside the sentence. */
export type Tone = 'plain' | 'good' | 'bad';

export function topicOf(event: TraceEvent): Topic {
  switch (event.kind) {
    case 'suspected':
    case 'stalled':
    case 'founded':
    case 'installed':
    case 'left':
    case 'aborted':
    case 'seatAcquired':
    case 'waitingForQuorum':
    case 'refused':
      return 'membership';
    case 'healed':
    case 'donated':
    case 'learns':
    case 'learned':
    case 'lessonOver':
    case 'checkpointed':
    case 'checkpointFailed':
    case 'checkpointSkipped':
    case 'restored':
    case 'exactness':
    case 'sampleRefused':
    case 'quarantined':
      return 'state';
    case 'faultInjected':
    case 'faultHealed':
    case 'engine':
    case 'stopped':
    case 'violated':
      return 'faults';
    case 'prepared':
    case 'promised':
    case 'voted':
    case 'chosen':
      return 'votes';
    case 'linkUp':
    case 'linkCarried':
    case 'linkDown':
    case 'turnedAway':
    case 'coloured':
    case 'rejected':
    case 'resent':
      return 'links';
    case 'phase':
    case 'contributed':
    case 'applied':
    case 'committed':
    case 'heldUp':
    // Redone, a step comes to the same state. Near a loss of 0 the gradients of one batch are many times those of the last, and it
    // happens every few steps.
    case 'overflowed':
      return 'steps';
  }
}

export function toneOf(event: TraceEvent): Tone {
  switch (event.kind) {
    case 'installed':
    case 'healed':
    case 'restored':
    case 'faultHealed':
    case 'checkpointed':
      return 'good';
    case 'suspected':
    case 'stalled':
    case 'sampleRefused':
    case 'quarantined':
    case 'linkDown':
    case 'checkpointFailed':
    case 'checkpointSkipped':
    case 'waitingForQuorum':
    case 'faultInjected':
    case 'refused':
    case 'turnedAway':
    case 'stopped':
    case 'violated':
      return 'bad';
    case 'left':
      return event.why === 'leave' ? 'plain' : 'bad';
    case 'lessonOver':
      return event.why === 'caught-up' ? 'good' : 'plain';
    case 'exactness':
      return event.promise.kind === 'exact' ? 'plain' : 'bad';
    case 'phase':
    case 'coloured':
    case 'heldUp':
    case 'linkUp':
    case 'linkCarried':
    case 'founded':
    case 'aborted':
    case 'prepared':
    case 'promised':
    case 'voted':
    case 'chosen':
    case 'contributed':
    case 'overflowed':
    case 'applied':
    case 'committed':
    case 'donated':
    case 'learns':
    case 'learned':
    case 'rejected':
    case 'resent':
    case 'seatAcquired':
    case 'engine':
      return 'plain';
  }
}

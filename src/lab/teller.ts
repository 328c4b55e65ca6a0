// How the events of a run are put in a diagram: what decides about membership, state and faults, in sentences, and what strikes.

import type { Teller } from '../simulator/drawing.ts';
import { plainText, sentenceOf, toneOf, topicOf } from './sentences.ts';
import { strikeWords } from './strike-words.ts';
import type { Strike } from '../faults/schedule.ts';
import type { Topic } from './topic.ts';

const TOLD: ReadonlySet<Topic> = new Set<Topic>(['membership', 'state', 'faults', 'votes']);

export const teller: Teller = (event) =>
  TOLD.has(topicOf(event)) ? { text: plainText(sentenceOf(event)), tone: toneOf(event) } : undefined;

export const strikeTeller = (strike: Strike): string => strikeWords.strike(strike);

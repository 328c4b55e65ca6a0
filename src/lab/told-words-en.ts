// What engines and invariants say of themselves, in English, as it comes: the words of parts that know nothing of languages.

import type { Wording } from './language/word-table.ts';

export const english = {
  told: (sentence: string): string => sentence,
  /** The name of an engine's adapter. */
  adapter: (name: string): string => name,
  /** The name of a lane in a diagram, or of those that can be folded into one. */
  lane: (name: string): string => name.replace(/^profile (?=\d)/u, 'browser '),
  /** What a lane says of itself: what it is, and how it stands. */
  fact: (name: string): string => name,
  standing: (value: string): string => value,
};

export type ToldWords = Wording<typeof english>;

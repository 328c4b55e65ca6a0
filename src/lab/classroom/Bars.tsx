// The answers to a question as bars, each with its words and its number: a histogram that reads as a list.

import type { JSX } from 'preact';
import { classWords } from './class-words.ts';

interface Props {
  readonly choices: readonly string[];
  readonly counts: readonly number[];
  readonly mine?: number | undefined;
}

export function Bars({ choices, counts, mine }: Props): JSX.Element {
  const all = Math.max(
    1,
    counts.reduce((sum, count) => sum + count, 0),
  );
  return (
    <ol class="bars">
      {choices.map((choice, i) => (
        <li key={i}>
          <span class="bar-words">
            {choice}
            {mine === i && <b> · {classWords.yours}</b>}
          </span>
          <span class="bar-track" aria-hidden="true">
            <i style={{ width: `${((counts[i] ?? 0) / all) * 100}%` }} />
          </span>
          <span class="bar-count numeric">
            {counts[i] ?? 0}
            <span class="sr-only"> {classWords.votes(counts[i] ?? 0)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

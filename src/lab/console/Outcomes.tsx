// What came of the instructor's orders, participant by participant, the newest first.

import type { JSX } from 'preact';
import { timeOfDay } from '../format.ts';
import { Panel } from '../view/Panel.tsx';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

export function Outcomes({ console }: { readonly console: Console }): JSX.Element {
  const outcomes = console.outcomes.value;
  return (
    <Panel name="outcomes" title={consoleWords.log.title}>
      {outcomes.length === 0 && <p class="empty">{consoleWords.log.empty}</p>}
      {outcomes.length > 0 && (
        <ol class="outcome-list" tabIndex={0} aria-label={consoleWords.log.title}>
          {outcomes.map(({ id, at, participant, order, problem }) => (
            <li key={id} data-bad={problem !== undefined}>
              <span class="numeric muted">{timeOfDay(at)}</span>
              <span>
                <b>{participant ?? consoleWords.log.unknown}</b>
                {consoleWords.log.came(consoleWords.log.order(order), problem)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

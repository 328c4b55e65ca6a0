// The checkpoints of this room in this browser, newest first.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { bytes, seconds, shortHash } from '../format.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';

const FRESH_MS = 2000;

export function Checkpoints({ lab }: { readonly lab: Lab }): JSX.Element {
  const checkpoints = lab.checkpoints.value;
  const skipped = lab.skipped.value;
  const now = lab.now.value;
  return (
    <Panel name="checkpoints" title={words.checkpoints.title} about={words.checkpoints.about}>
      {checkpoints.length === 0 && <p class="empty">{words.checkpoints.empty}</p>}
      <ul class="checkpoint-list">
        {checkpoints.map((checkpoint) => (
          <li key={checkpoint.id} class="checkpoint">
            <b class="numeric">{words.checkpoints.step(checkpoint.step)}</b>
            <span class="mono muted">{shortHash(checkpoint.stateHash)}</span>
            <span class="muted numeric">{bytes(checkpoint.bytes)}</span>
            <span class="muted numeric">
              {now - checkpoint.savedAt < FRESH_MS
                ? words.checkpoints.now
                : words.checkpoints.ago(seconds(now - checkpoint.savedAt))}
            </span>
            {skipped.has(checkpoint.step) ? (
              <span class="agreement bad">
                <Icon name="alert" /> {words.checkpoints.skipped}
              </span>
            ) : (
              <span class="agreement good">
                <Icon name="check" /> {words.checkpoints.verified}
              </span>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

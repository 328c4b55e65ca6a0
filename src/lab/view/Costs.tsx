// Where the time of the run went, as a stacked band, and what the ranks of this tab use of what they may.

import type { JSX } from 'preact';
import { goodput } from '../../trace/ledger.ts';
import type { Ledger } from '../../trace/ledger.ts';
import { bytes, percent } from '../format.ts';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { Panel } from './Panel.tsx';

/** From what counted to what did not. */
const ACCOUNTS: readonly (keyof Ledger)[] = [
  'compute',
  'exposedCommunication',
  'straggler',
  'checkpoint',
  'detect',
  'abort',
  'regroup',
  'heal',
  'redo',
  'idle',
];

export function Costs({ lab }: { readonly lab: Lab }): JSX.Element {
  const kept = lab.room.value.observer?.status?.ledger;
  // Before anything was computed there is nothing that could have been lost.
  const ledger = kept === undefined || kept.compute === 0 ? undefined : kept;
  return (
    <Panel
      name="costs"
      title={words.costs.title}
      about={words.costs.about}
      aside={
        <b class="reading numeric">
          {ledger === undefined ? '–' : words.costs.goodput(percent(goodput(ledger)))}
        </b>
      }
    >
      {ledger === undefined ? <p class="empty">{words.costs.empty}</p> : <Band ledger={ledger} />}
      <Meters lab={lab} />
    </Panel>
  );
}

const totalOf = (ledger: Ledger): number => ACCOUNTS.reduce((sum, account) => sum + ledger[account], 0);

function Band({ ledger }: { readonly ledger: Ledger }): JSX.Element {
  const total = totalOf(ledger);
  const parts = ACCOUNTS.flatMap((account) =>
    ledger[account] > 0 ? [{ account, part: ledger[account] / total }] : [],
  );
  return (
    <>
      <div class="ledger-band" aria-hidden="true">
        {parts.map(({ account, part }) => (
          <i key={account} data-account={account} style={{ flexGrow: part }} />
        ))}
      </div>
      <ul class="ledger-words">
        {parts.map(({ account, part }) => (
          <li key={account}>
            <i class="key" data-account={account} aria-hidden="true" />
            {words.costs.accounts[account]} <b class="numeric">{percent(part)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What a browser's send queue holds. */
const SEND_QUEUE_BYTES = 16 * 1024 * 1024;

function Meters({ lab }: { readonly lab: Lab }): JSX.Element {
  const statuses = lab.locals.value.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const queued = Math.max(0, ...statuses.map(({ traffic }) => traffic.queued));
  const preflight = statuses.find((status) => status.preflight !== undefined)?.preflight;
  const held = statuses.reduce((sum, { memory }) => sum + (memory?.bytes ?? 0), 0);
  const storage = lab.shelf.storage.value;
  return (
    <dl class="meters">
      <Meter name={words.costs.queue} value={queued} limit={SEND_QUEUE_BYTES} />
      {preflight !== undefined && (
        <Meter
          name={words.costs.buffer}
          value={preflight.largestBuffer.bytes}
          limit={preflight.bufferLimit}
          also={words.costs.held(bytes(held))}
        />
      )}
      {storage !== undefined && (
        <Meter name={words.costs.storage} value={storage.used} limit={storage.quota} />
      )}
    </dl>
  );
}

interface MeterProps {
  readonly name: string;
  /** In bytes, as is the limit. */
  readonly value: number;
  readonly limit: number;
  readonly also?: string;
}

/** From here on, a meter says that it is nearly full. */
const NEARLY_FULL = 0.8;

function Meter({ name, value, limit, also }: MeterProps): JSX.Element {
  const part = Math.min(1, value / limit);
  const says = words.costs.of(bytes(value), bytes(limit));
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <span
          class="meter"
          role="meter"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(value, limit)}
          aria-valuetext={says}
          data-full={part >= NEARLY_FULL}
        >
          <i style={{ width: `${(100 * part).toFixed(1)}%` }} />
        </span>
        <span class="numeric">{says}</span>
        {also !== undefined && <small class="muted numeric">{also}</small>}
      </dd>
    </>
  );
}

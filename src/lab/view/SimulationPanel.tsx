// The race laboratory: the same protocol in a seeded world, run in a worker of this page. Its code is loaded when it is opened.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { MemberId } from '../../ports/ids.ts';
import type { Lab } from '../model/lab.ts';
import { shortId, span } from '../format.ts';
import type { SimulationEntry, SimulationRequest, SimulationResult } from '../simulation/api.ts';
import { commandOf, createSimulation } from '../simulation/simulation.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';
import { rankStyle } from './RankName.tsx';

/** More pages than colours are hard to follow; the command line takes 1024. */
const MAX_RANKS = 32;
const MAX_SEED = 0xffffffff;
const COLOURS = 8;
const DRAWN = '';

export function SimulationPanel({ lab }: { readonly lab: Lab }): JSX.Element {
  const simulation = useMemo(createSimulation, []);
  const { scenarios, running, last, problem } = simulation;
  return (
    <Panel name="simulation" title={words.simulation.title} about={words.simulation.about}>
      {scenarios.value === undefined ? (
        <p>
          <button
            type="button"
            class="button"
            disabled={running.value !== undefined}
            onClick={() => void simulation.open()}
          >
            <Icon name="play" />
            {running.value === 'opening' ? words.simulation.opening : words.simulation.open}
          </button>
        </p>
      ) : (
        <Form simulation={simulation} />
      )}
      {problem.value !== undefined && (
        <p class="simulation-problem" role="alert">
          {words.simulation.failed(problem.value)}
        </p>
      )}
      {last.value !== undefined && (
        <Result lab={lab} simulation={simulation} request={last.value.request} result={last.value.result} />
      )}
    </Panel>
  );
}

function Form({ simulation }: { readonly simulation: Simulation }): JSX.Element {
  const scenario = useSignal('kill-one');
  const seed = useSignal(1);
  const ranks = useSignal(4);
  const list = simulation.scenarios.value ?? [];
  const running = simulation.running.value;
  const tells = list.find(({ name }) => name === scenario.value)?.tells;
  return (
    <form
      class="simulation-form"
      onSubmit={(event) => {
        event.preventDefault();
        void simulation.run({
          scenario: scenario.value === DRAWN ? undefined : scenario.value,
          seed: seed.value,
          ranks: ranks.value,
        });
      }}
    >
      <label class="field wide">
        <span>{words.simulation.scenario}</span>
        <select
          class="select"
          value={scenario.value}
          onChange={(event) => {
            scenario.value = event.currentTarget.value;
          }}
        >
          {list.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          <option value={DRAWN}>{words.simulation.drawn}</option>
        </select>
      </label>
      <NumberField label={words.simulation.seed} value={seed} min={0} max={MAX_SEED} />
      <NumberField label={words.simulation.ranks} value={ranks} min={1} max={MAX_RANKS} />
      {running === undefined ? (
        <button type="submit" class="button primary">
          <Icon name="play" />
          {words.simulation.run}
        </button>
      ) : (
        <button
          type="button"
          class="button"
          onClick={() => {
            simulation.cancel();
          }}
        >
          {words.simulation.cancel}
        </button>
      )}
      <p class="muted simulation-tells">{words.simulation.tells(tells)}</p>
    </form>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: { value: number };
  readonly min: number;
  readonly max: number;
}

const NumberField = ({ label, value, min, max }: NumberFieldProps): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    <input
      class="select numeric"
      type="number"
      required
      step={1}
      min={min}
      max={max}
      value={value.value}
      onInput={(event) => {
        if (event.currentTarget.validity.valid) value.value = event.currentTarget.valueAsNumber;
      }}
    />
  </label>
);

interface ResultProps {
  readonly lab: Lab;
  readonly simulation: Simulation;
  readonly request: SimulationRequest;
  readonly result: SimulationResult;
}

function Result({ lab, simulation, request, result }: ResultProps): JSX.Element {
  const { verdict, invariant, reason, traceHash, committed, steps, members, entries, more } = result;
  const slots = new Map(members.map((member, i) => [member, i % COLOURS]));
  return (
    <div class="simulation-result" data-verdict={verdict}>
      <p class="simulation-verdict" role="status">
        <Icon name={verdict === 'violated' ? 'alert' : 'check'} />
        <b>{words.simulation.verdicts[verdict](invariant)}</b>{' '}
        {reason ?? words.simulation.heldMeans(committed, steps)}
      </p>
      <dl class="simulation-facts">
        <div>
          <dt>{words.simulation.trace}</dt>
          <dd class="mono" data-trace-hash={traceHash}>
            {traceHash}
          </dd>
        </div>
        <div>
          <dt>{words.simulation.size}</dt>
          <dd>{words.simulation.speed(result.events, span(result.virtualMs), span(result.wallMs))}</dd>
        </div>
        <div>
          <dt>{words.simulation.ledger}</dt>
          <dd>{ledgerText(result)}</dd>
        </div>
      </dl>
      <div class="row">
        <code class="simulation-command">{commandOf(request)}</code>
        <button
          type="button"
          class="button small"
          onClick={() => void copy(lab, commandOf(request), words.simulation.commandCopied)}
        >
          <Icon name="link" />
          {words.simulation.copyCommand}
        </button>
        <button
          type="button"
          class="button small"
          disabled={simulation.running.value !== undefined}
          onClick={() => void copyReplay(lab, simulation, request)}
        >
          <Icon name="link" />
          {words.simulation.copyReplay}
        </button>
      </div>
      <ol class="simulation-events" tabindex={0} aria-label={words.simulation.events}>
        {entries.map((entry, i) => (
          <Entry key={i} entry={entry} slots={slots} />
        ))}
        {more > 0 && <li class="muted">{words.simulation.more(more)}</li>}
      </ol>
    </div>
  );
}

interface EntryProps {
  readonly entry: SimulationEntry;
  readonly slots: ReadonlyMap<MemberId, number>;
}

const Entry = ({ entry, slots }: EntryProps): JSX.Element => (
  <li class="log-entry" data-tone={entry.tone}>
    <time class="numeric muted">{(entry.at / 1000).toFixed(3)} s</time>
    <span>
      <Page member={entry.member} slots={slots} />
    </span>
    <p>
      {entry.tone !== 'plain' && (
        <span class="log-mark">
          <Icon name={entry.tone === 'good' ? 'check' : 'alert'} />
          <span class="sr-only">{entry.tone === 'good' ? words.log.good : words.log.bad}: </span>
        </span>
      )}
      {entry.sentence.map((part, i) =>
        typeof part === 'string' ? part : <Page key={i} member={part.member} slots={slots} />,
      )}
    </p>
  </li>
);

const Page = ({
  member,
  slots,
}: {
  readonly member: MemberId;
  readonly slots: EntryProps['slots'];
}): JSX.Element => (
  <span class="rank-name" style={rankStyle(slots.get(member) ?? 0)}>
    {shortId(member)}
  </span>
);

/** The largest accounts first. */
function ledgerText({ ledger }: SimulationResult): string {
  const accounts = Object.entries(ledger) as (readonly [keyof SimulationResult['ledger'], number])[];
  const total = accounts.reduce((sum, [, ms]) => sum + ms, 0);
  return accounts
    .filter(([, ms]) => ms >= total / 200)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${words.simulation.accounts[name]} ${Math.round((100 * ms) / total)} %`)
    .join(' · ');
}

async function copyReplay(lab: Lab, simulation: Simulation, request: SimulationRequest): Promise<void> {
  const replay = await simulation.replay(request);
  if (replay !== undefined) await copy(lab, replay, words.simulation.replayCopied);
}

async function copy(lab: Lab, text: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    lab.say(said);
  } catch {
    lab.complain(words.simulation.copyByHand(text.length > 200 ? `${text.slice(0, 200)}…` : text));
  }
}

// What is to be run: whose protocol, what happens to it, the seed and how many ranks.

import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../view/icons.tsx';
import type { Subject } from './api.ts';
import { ACCEPTED, bring } from './bringing.ts';
import { EXAMPLE_NAMES } from './example-names.ts';
import { raceWords } from './race-words.ts';
import type { Logs } from './logs.ts';
import type { Simulation } from './simulation.ts';

/** More lanes than colours are hard to follow; the command line takes 1024. */
const MAX_RANKS = 32;
const MAX_SEED = 0xffffffff;
const DRAWN = '';
const ROOM = 'rankfall';
const FILE = 'file';

interface Props {
  readonly simulation: Simulation;
  readonly logs: Logs;
}

export function RaceForm({ simulation, logs }: Props): JSX.Element {
  const scenario = useSignal('kill-one');
  const seed = useSignal(1);
  const ranks = useSignal(4);
  const { subject, info, doing } = simulation;
  const scenarios = info.value?.scenarios ?? [];
  const chosen = scenarios.find(({ name }) => name === scenario.value);
  const usual = info.value?.ranks;
  // Each subject brings its usual number; what a person types while it is being opened stays.
  const replaceable = useRef(ranks.peek());
  useLayoutEffect(() => {
    replaceable.current = ranks.peek();
  }, [subject.value]);
  useLayoutEffect(() => {
    if (usual !== undefined && ranks.peek() === replaceable.current) ranks.value = usual;
  }, [info.value]);

  return (
    <form
      class="race-form"
      onSubmit={(event) => {
        event.preventDefault();
        void simulation.run({ scenario: chosen?.name, seed: seed.value, ranks: ranks.value });
      }}
    >
      <Protocols simulation={simulation} subject={subject.value} />
      {scenarios.length > 0 && (
        <label class="field">
          <span>{raceWords.scenario}</span>
          <select
            class="select"
            value={scenario.value}
            onChange={(event) => {
              scenario.value = event.currentTarget.value;
            }}
          >
            {scenarios.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
            <option value={DRAWN}>{raceWords.drawn}</option>
          </select>
        </label>
      )}
      <NumberField label={raceWords.seed} value={seed} min={0} max={MAX_SEED} />
      <NumberField label={raceWords.ranks} value={ranks} min={1} max={MAX_RANKS} />
      <div class="row race-actions">
        {doing.value === undefined ? (
          <>
            <button type="submit" class="button primary" disabled={info.value === undefined}>
              <Icon name="play" />
              {raceWords.run}
            </button>
            <button
              type="button"
              class="button"
              title={raceWords.huntTells}
              disabled={info.value === undefined}
              onClick={() => void simulation.hunt(seed.value, ranks.value)}
            >
              {raceWords.hunt}
            </button>
          </>
        ) : (
          <button
            type="button"
            class="button"
            onClick={() => {
              simulation.cancel();
            }}
          >
            {raceWords.cancel}
          </button>
        )}
        <label class="button file-button">
          {raceWords.bring}
          <input
            type="file"
            class="sr-only"
            accept={ACCEPTED}
            onChange={(event) => {
              const input = event.currentTarget;
              const file = input.files?.[0];
              if (file !== undefined) void bring(simulation, logs, file);
              // The same file again, after a change, is to be opened again.
              input.value = '';
            }}
          />
        </label>
      </div>
      <p class="race-tells">{raceWords.tells(chosen)}</p>
      <p class="muted race-tells">{raceWords.bringTells}</p>
    </form>
  );
}

function Protocols({
  simulation,
  subject,
}: {
  readonly simulation: Simulation;
  readonly subject: Subject;
}): JSX.Element {
  const value = subject.kind === 'room' ? ROOM : subject.kind === 'file' ? FILE : subject.name;
  return (
    <label class="field">
      <span>{raceWords.protocol}</span>
      <select
        class="select"
        value={value}
        onChange={(event) => {
          const name = event.currentTarget.value;
          if (name === FILE) return;
          void simulation.open(name === ROOM ? { kind: 'room' } : { kind: 'example', name });
        }}
      >
        <option value={ROOM}>{raceWords.builtIn}</option>
        <optgroup label={raceWords.examples}>
          {EXAMPLE_NAMES.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </optgroup>
        {subject.kind === 'file' && (
          <optgroup label={raceWords.yours}>
            <option value={FILE}>{raceWords.file(subject.name)}</option>
          </optgroup>
        )}
      </select>
    </label>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: Signal<number>;
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

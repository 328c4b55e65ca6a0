// Start and pause for the whole class, rooms of n, and what they learn.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { PRESET_NAMES } from '../../job/presets.ts';
import type { PresetName } from '../../job/presets.ts';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { words } from '../words.ts';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

const SIZES = [1, 2, 3, 4, 5, 6, 8, 12, 16, 32];
const FIRST_SIZE = 4;

export function Training({ console }: { readonly console: Console }): JSX.Element {
  const size = useSignal(FIRST_SIZE);
  /** Undefined: what the class learns already. */
  const chosen = useSignal<PresetName | undefined>(undefined);
  const job = chosen.value ?? console.roster.value.job;
  const confirm = useRef<HTMLDialogElement>(null);
  const here = console.present.value.length;
  return (
    <Panel name="training" title={consoleWords.run.title} about={consoleWords.run.about}>
      <div class="row">
        <button
          type="button"
          class="button primary"
          disabled={here === 0}
          onClick={() => console.order({ do: 'start' }, {})}
        >
          <Icon name="play" />
          {consoleWords.run.startAll}
        </button>
        <button
          type="button"
          class="button"
          disabled={here === 0}
          onClick={() => console.order({ do: 'pause' }, {})}
        >
          <Icon name="pause" />
          {consoleWords.run.pauseAll}
        </button>
      </div>
      <form
        class="form-rooms"
        onSubmit={(event) => {
          event.preventDefault();
          confirm.current?.showModal();
        }}
      >
        <label class="field inline">
          <span>{consoleWords.run.form}</span>
          <select
            class="select"
            value={String(size.value)}
            onChange={(event) => {
              size.value = Number(event.currentTarget.value);
            }}
          >
            {SIZES.map((n) => (
              <option key={n} value={String(n)}>
                {n}
              </option>
            ))}
          </select>
        </label>
        <label class="field inline">
          <span>{consoleWords.run.job}</span>
          <select
            class="select"
            value={job}
            onChange={(event) => {
              chosen.value = PRESET_NAMES.find((name) => name === event.currentTarget.value);
            }}
          >
            {PRESET_NAMES.map((name) => (
              <option key={name} value={name}>
                {words.choose.jobs[name]}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button" disabled={here === 0}>
          {consoleWords.run.formNow}
        </button>
      </form>
      <p class="muted small-print">{consoleWords.run.formMeans}</p>
      <dialog ref={confirm} class="dialog" aria-labelledby="form-title">
        <h2 id="form-title">{consoleWords.run.formNow}</h2>
        <p>{consoleWords.run.formConfirm(here, size.value, words.choose.jobs[job])}</p>
        <form method="dialog" class="row">
          <button type="submit" class="button primary" onClick={() => console.form(size.value, job)}>
            {consoleWords.run.yes}
          </button>
          <button type="submit" class="button">
            {consoleWords.run.no}
          </button>
        </form>
      </dialog>
    </Panel>
  );
}

// What a new room learns: chosen before it starts. The choice goes into the address, with a room of its own, and starts at once.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { MAX_TEXT_BYTES } from '../../engine/data/text-limit.ts';
import { PRESET_NAMES } from '../../job/presets.ts';
import type { PresetName } from '../../job/presets.ts';
import { bytes } from '../format.ts';
import { LabError, saidIn } from '../lab-error.ts';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';

type Choice = PresetName | 'own';

/** Ranks that the start button opens. */
const RANKS = 4;

export function ChooseJob({ lab }: { readonly lab: Lab }): JSX.Element {
  const { job } = lab.room.value;
  const current =
    PRESET_NAMES.find((name) => name === job.name) ?? (job.data.kind === 'text' ? 'own' : 'digits');
  const chosen = useSignal<Choice>(current);
  const waits = lab.busy.value.has('start-four');

  const submit = async (form: HTMLFormElement): Promise<void> => {
    const file = new FormData(form).get('text');
    if (chosen.value !== 'own' && chosen.value !== current) go(chosen.value, undefined);
    else if (chosen.value === 'own' && file instanceof File && file.size > 0) go(undefined, await keep(file));
    else if (chosen.value === current) await lab.startFour();
    else lab.complain(() => words.choose.noFile);
  };

  return (
    <form
      class="choose"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget).catch((error: unknown) => {
          lab.complain(saidIn(error));
        });
      }}
    >
      <fieldset>
        <legend class="label">{words.choose.legend}</legend>
        {[...PRESET_NAMES, 'own' as const].map((name) => (
          <label key={name} class="choice">
            <input
              type="radio"
              name="job"
              value={name}
              checked={chosen.value === name}
              onChange={() => {
                chosen.value = name;
              }}
            />
            <span>{words.choose.jobs[name]}</span>
          </label>
        ))}
      </fieldset>
      {chosen.value === 'own' && (
        <label class="choose-file">
          <span class="label">{words.choose.file(bytes(MAX_TEXT_BYTES))}</span>
          <input type="file" name="text" accept="text/*,.md,.txt" />
        </label>
      )}
      <button type="submit" class="button primary big" disabled={waits}>
        <Icon name="play" />
        {waits ? words.welcome.starting : words.welcome.start}
      </button>
    </form>
  );
}

/** Keeps a file in this browser; returns the SHA-256 under which every rank of it finds the text. */
async function keep(file: File): Promise<string> {
  if (file.size > MAX_TEXT_BYTES)
    throw new LabError('other-text', () => words.choose.tooLarge(file.name, bytes(MAX_TEXT_BYTES)));
  const { keepText } = await import('../../live/texts.ts');
  return (await keepText(new Uint8Array(await file.arrayBuffer()), file.name)).sha256;
}

/** A new room with that job, in this page. */
function go(job: PresetName | undefined, text: string | undefined): void {
  const address = new URL(location.href);
  address.hash = '';
  for (const name of ['job', 'text']) address.searchParams.delete(name);
  if (job !== undefined) address.searchParams.set('job', job);
  if (text !== undefined) address.searchParams.set('text', text);
  address.searchParams.set('ranks', String(RANKS));
  address.searchParams.set('autostart', '1');
  location.assign(address);
}

// A language model writes: a prompt, how daring it is, and the text as it comes, character by character.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { encodeText } from '../../engine/data/text.ts';
import { nextToken, predictionInput } from '../../engine/sampling.ts';
import type { SamplingOptions } from '../../engine/sampling.ts';
import type { Job } from '../../job/job.ts';
import { readText } from '../../live/open-text.ts';
import { answered, saidIn } from '../lab-error.ts';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { BringText } from './BringText.tsx';
import { Panel } from './Panel.tsx';

/** Characters written at one go, and kept of a prompt. */
const LENGTH = 300;
const MAX_PROMPT = 200;
const CALL_MS = 30_000;

interface Written {
  readonly prompt: string;
  readonly text: string;
  /** Updates of the state that wrote it. */
  readonly step: number | undefined;
}

/** Shown where the room's job is one on text. */
export function WriteText({ lab }: { readonly lab: Lab }): JSX.Element | null {
  const { job, observer } = lab.room.value;
  const written = useSignal<Written | undefined>(undefined);
  /** Counts the texts begun: the one under way ends when another begins. */
  const turn = useRef(0);
  const busy = useSignal(false);
  useEffect(
    () => () => {
      turn.current++;
    },
    [],
  );
  if (job.data.kind !== 'text' || job.model.kind !== 'gpt') return null;

  const submit = async (form: HTMLFormElement): Promise<void> => {
    const mine = ++turn.current;
    const fields = new FormData(form);
    const number = (name: string): number => Number(fields.get(name));
    const options = { temperature: number('temperature'), topK: number('topK'), seed: number('seed') };
    const asked = fields.get('prompt');
    const prompt = typeof asked === 'string' ? asked : '';
    busy.value = true;
    try {
      await write(lab, job, prompt, options, (text, step) => {
        if (turn.current !== mine) return false;
        written.value = { prompt, text, step };
        return true;
      });
    } catch (error) {
      lab.complain(saidIn(error));
    } finally {
      if (turn.current === mine) busy.value = false;
    }
  };

  return (
    <Panel name="write" title={words.write.title} about={words.write.about}>
      {job.data.corpus !== 'moby-dick' && <BringText lab={lab} corpus={job.data.corpus} />}
      <form
        class="write-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label class="field write-prompt">
          <span class="label">{words.write.prompt}</span>
          <input class="select" name="prompt" type="text" maxLength={MAX_PROMPT} defaultValue="Call me " />
        </label>
        <NumberField
          name="temperature"
          label={words.write.temperature}
          value={0.8}
          min={0}
          max={5}
          step={0.1}
        />
        <NumberField name="topK" label={words.write.topK} value={20} min={1} max={4096} step={1} />
        <NumberField name="seed" label={words.write.seed} value={1} min={0} max={0xffffffff} step={1} />
        <button type="submit" class="button primary" disabled={observer?.status?.engine === undefined}>
          {busy.value ? words.write.again : words.write.write}
        </button>
        {busy.value && (
          <button
            type="button"
            class="button"
            onClick={() => {
              turn.current++;
              busy.value = false;
            }}
          >
            {words.write.stop}
          </button>
        )}
      </form>
      <output class="written" aria-busy={busy.value}>
        {written.value === undefined ? (
          <span class="muted">{words.write.empty}</span>
        ) : (
          <>
            <b>{written.value.prompt}</b>
            {written.value.text}
          </>
        )}
      </output>
      {written.value?.step !== undefined && <p class="label">{words.write.by(written.value.step)}</p>}
    </Panel>
  );
}

const NumberField = ({
  name,
  label,
  value,
  ...limits
}: {
  readonly name: keyof SamplingOptions;
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}): JSX.Element => (
  <label class="field">
    <span class="label">{label}</span>
    <input class="select" type="number" name={name} defaultValue={value} required {...limits} />
  </label>
);

/** Writes with one state, token by token. `show` returns whether to go on. */
async function write(
  lab: Lab,
  job: Job,
  prompt: string,
  options: SamplingOptions,
  show: (text: string, step: number | undefined) => boolean,
): Promise<void> {
  if (job.data.kind !== 'text' || job.model.kind !== 'gpt') return;
  if (!show('', undefined)) return;
  const { vocabulary } = await readText(job.data.corpus, new URL('data/', document.baseURI).href);
  const handle = lab.room.peek().observer?.handle;
  if (handle === undefined) return;
  // Without a prompt, the text goes on from the end of a line.
  const tokens = [...encodeText(vocabulary, prompt === '' ? '\n' : prompt)];
  let text = '';
  for (let index = 0; index < LENGTH; index++) {
    const request = predictionInput(tokens, job.model.context);
    const { logits, step } = await answered(words.write.title, CALL_MS, handle.predict(request, index === 0));
    const token = nextToken(logits, options, index);
    tokens.push(token);
    text += vocabulary[token] ?? '';
    if (!show(text, step)) return;
  }
}

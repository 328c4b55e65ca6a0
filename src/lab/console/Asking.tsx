// A question to the class, and the histogram of its answers.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { MAX_CHOICE, MAX_CHOICES, MAX_QUESTION } from '../../live/classroom/messages.ts';
import { Bars } from '../classroom/Bars.tsx';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

export function Asking({ console }: { readonly console: Console }): JSX.Element {
  const question = console.roster.value.question;
  /** The question that the instructor has done with. */
  const past = useSignal<number | undefined>(undefined);
  const isShown = question !== undefined && question.id !== past.value;
  return (
    <Panel name="asking" title={consoleWords.question.title} about={consoleWords.question.about}>
      {isShown ? (
        <div class="asked">
          <h3>{question.text}</h3>
          <Bars choices={question.choices} counts={question.counts} />
          <p class="muted" role="status">
            {question.open
              ? consoleWords.question.open(
                  question.counts.reduce((sum, count) => sum + count, 0),
                  console.present.value.length,
                )
              : consoleWords.question.closed}
          </p>
          <div class="row">
            {question.open && (
              <button type="button" class="button primary" onClick={() => console.reveal()}>
                {consoleWords.question.reveal}
              </button>
            )}
            <button
              type="button"
              class="button"
              onClick={() => {
                past.value = question.id;
              }}
            >
              {consoleWords.question.askAgain}
            </button>
          </div>
        </div>
      ) : (
        <Draft console={console} />
      )}
    </Panel>
  );
}

function Draft({ console }: { readonly console: Console }): JSX.Element {
  const fields = useSignal<number>(consoleWords.question.examples.length);
  const problem = useSignal('');
  const submit = (form: HTMLFormElement): void => {
    const data = new FormData(form);
    const read = (value: FormDataEntryValue | null): string =>
      typeof value === 'string' ? value.trim() : '';
    const text = read(data.get('text'));
    const choices = data
      .getAll('choice')
      .map(read)
      .filter((choice) => choice !== '');
    problem.value = text === '' || choices.length < 2 ? consoleWords.question.missing : '';
    if (problem.value === '') console.ask(text, choices);
  };
  return (
    <form
      class="ask-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <label class="field wide">
        <span>{consoleWords.question.text}</span>
        <input
          class="text-input"
          name="text"
          maxLength={MAX_QUESTION}
          autocomplete="off"
          defaultValue={consoleWords.question.textExample}
        />
      </label>
      {Array.from({ length: fields.value }, (_, i) => (
        <label key={i} class="field wide">
          <span>{consoleWords.question.choice(i + 1)}</span>
          <input
            class="text-input"
            name="choice"
            maxLength={MAX_CHOICE}
            autocomplete="off"
            defaultValue={consoleWords.question.examples[i] ?? ''}
          />
        </label>
      ))}
      <p class="join-problem" role="alert" hidden={problem.value === ''}>
        {problem.value}
      </p>
      <div class="row">
        <button type="submit" class="button primary" disabled={console.present.value.length === 0}>
          {consoleWords.question.ask}
        </button>
        <button
          type="button"
          class="button"
          disabled={fields.value >= MAX_CHOICES}
          onClick={() => {
            fields.value++;
          }}
        >
          <Icon name="plus" />
          {consoleWords.question.add}
        </button>
      </div>
    </form>
  );
}

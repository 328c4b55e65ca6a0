// What the reader may change before the run.

import type { JSX } from 'preact';
import { lessonWords } from './lesson-words.ts';
import type { Setting } from './lesson.ts';
import type { Session } from './session.ts';

export function SettingFields({ session }: { readonly session: Session }): JSX.Element | null {
  const { settings, language } = session.lesson.value;
  if (settings.length === 0) return null;
  return (
    <fieldset class="lesson-settings" disabled={session.isRunning.value} lang={language}>
      <legend class="sr-only">{lessonWords.run.setting}</legend>
      {settings.map((setting) => (
        <label key={setting.set} class="field">
          <span>{setting.label}</span>
          <Field session={session} setting={setting} />
        </label>
      ))}
    </fieldset>
  );
}

function Field({ session, setting }: { readonly session: Session; readonly setting: Setting }): JSX.Element {
  const { choices } = session;
  const value = choices.value[setting.set] ?? setting.value;
  const change = (next: number | string): void => {
    choices.value = { ...choices.value, [setting.set]: next };
  };
  if ('options' in setting)
    return (
      <select
        class="select"
        value={String(value)}
        onChange={(event) => {
          change(event.currentTarget.value);
        }}
      >
        {setting.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.says}
          </option>
        ))}
      </select>
    );
  return (
    <input
      class="select numeric"
      type="number"
      required
      step={1}
      min={setting.least}
      max={setting.most}
      value={String(value)}
      onInput={(event) => {
        if (event.currentTarget.validity.valid) change(event.currentTarget.valueAsNumber);
      }}
    />
  );
}

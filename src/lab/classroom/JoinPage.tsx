// What a participant sees first: a nickname, the code of the class, and a way to go on without one.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import * as v from 'valibot';
import { MAX_NICKNAME, NicknameSchema } from '../../live/classroom/messages.ts';
import { RoomCodeSchema } from '../../live/link.ts';
import { Switches } from '../view/Switches.tsx';
import { words } from '../words.ts';
import { classWords } from './class-words.ts';
import type { NoSeat } from './seat.ts';

/** As people type it from a wall: in any case, with blanks or dashes. */
const TypedCodeSchema = v.pipe(
  v.string(),
  v.transform((text) => text.replaceAll(/[\s-]/g, '').toUpperCase()),
  RoomCodeSchema,
);

interface Props {
  /** Undefined when the class has taken it. */
  readonly join: (nickname: string, code: string) => Promise<NoSeat | undefined>;
  readonly goAlone: () => void;
}

/** What is wrong, and with which field; its words follow the language. */
interface Problem {
  readonly why: 'noName' | 'noCode' | NoSeat;
  readonly at: 'nickname' | 'code';
}

const textOf = ({ why }: Problem): string =>
  why === 'noName' || why === 'noCode' ? classWords.join[why] : classWords.refused[why];

export function JoinPage({ join, goAlone }: Props): JSX.Element {
  const problem = useSignal<Problem | undefined>(undefined);
  const isJoining = useSignal(false);

  const submit = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const nickname = v.safeParse(NicknameSchema, fields.get('nickname'));
    const code = v.safeParse(TypedCodeSchema, fields.get('code'));
    problem.value = undefined;
    if (!nickname.success) problem.value = { why: 'noName', at: 'nickname' };
    else if (!code.success) problem.value = { why: 'noCode', at: 'code' };
    else {
      isJoining.value = true;
      const refused = await join(nickname.output, code.output);
      isJoining.value = false;
      if (refused !== undefined) problem.value = { why: refused, at: 'code' };
    }
    if (problem.value !== undefined)
      form.querySelector<HTMLInputElement>(`[name=${problem.value.at}]`)?.focus();
  };
  const flawAt = (name: 'nickname' | 'code') =>
    problem.value?.at === name ? { 'aria-invalid': true, 'aria-describedby': 'join-problem' } : {};

  return (
    <main class="notice-page join-page">
      <Switches />
      <p class="join-brand">{words.name}</p>
      <h1>{classWords.join.title}</h1>
      <p>{classWords.join.body}</p>
      <form
        class="join-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label class="field">
          <span>{classWords.join.nickname}</span>
          <input
            class="text-input"
            name="nickname"
            autocomplete="nickname"
            maxLength={MAX_NICKNAME}
            required
            {...flawAt('nickname')}
          />
          <small class="muted">{classWords.join.nicknameHelp}</small>
        </label>
        <label class="field">
          <span>{classWords.join.code}</span>
          <input
            class="text-input class-code"
            name="code"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            maxLength={12}
            required
            {...flawAt('code')}
          />
          <small class="muted">{classWords.join.codeHelp}</small>
        </label>
        <p id="join-problem" class="join-problem" role="alert">
          {problem.value && textOf(problem.value)}
        </p>
        <button type="submit" class="button primary big" disabled={isJoining.value}>
          {isJoining.value ? classWords.join.joining : classWords.join.join}
        </button>
      </form>
      <p class="join-alone">
        <button type="button" class="button ghost" onClick={goAlone}>
          {classWords.join.alone}
        </button>
        <span class="muted">{classWords.join.aloneMeans}</span>
      </p>
    </main>
  );
}

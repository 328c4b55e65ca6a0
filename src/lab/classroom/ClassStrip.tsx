// A participant's class above the lab's board: who one is, in which room, whether the class hears one, and the question at hand.

import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { Bars } from './Bars.tsx';
import { classWords } from './class-words.ts';
import type { Seat } from './seat.ts';

export function ClassStrip({ seat }: { readonly seat: Seat }): JSX.Element {
  const state = seat.state.value;
  const isOver = state === 'replaced' || state === 'removed' || state === 'over';
  return (
    <section class="class-strip" data-state={state} aria-label={classWords.label}>
      <p class="class-who">
        <span class="state-dot" data-state={state === 'present' ? 'done' : 'regrouping'} aria-hidden="true" />
        <b>{seat.nickname}</b>
        <span class="muted">{classWords.place(seat.room.name)}</span>
        <span role="status">{state !== 'present' && classWords.states[state]}</span>
        <button
          type="button"
          class={`button small ${isOver ? '' : 'ghost'}`}
          onClick={() => {
            seat.leave();
            location.assign(location.pathname + location.search);
          }}
        >
          {isOver ? classWords.again : classWords.leave}
        </button>
      </p>
      <div aria-live="polite">
        <Question seat={seat} />
      </div>
    </section>
  );
}

function Question({ seat }: { readonly seat: Seat }): JSX.Element | null {
  const asked = seat.question.value;
  if (asked === undefined) return null;
  const { question, answer, counts } = asked;
  if (counts !== undefined)
    return (
      <div class="class-question">
        <h2>{question.text}</h2>
        <p class="muted">{classWords.result}</p>
        <Bars choices={question.choices} counts={counts} mine={answer} />
      </div>
    );
  return (
    <fieldset class="class-question">
      <legend>
        <Icon name="spark" />
        <span class="sr-only">{classWords.question}: </span>
        {question.text}
      </legend>
      <div class="class-choices">
        {question.choices.map((choice, i) => (
          <label key={`${question.id} ${i}`} class="choice">
            <input
              type="radio"
              name={`question-${question.id}`}
              checked={answer === i}
              onChange={() => {
                seat.answer(i);
              }}
            />
            <span>{choice}</span>
          </label>
        ))}
      </div>
      <p class="muted" role="status">
        {answer === undefined ? classWords.unanswered : classWords.answered}
      </p>
    </fieldset>
  );
}

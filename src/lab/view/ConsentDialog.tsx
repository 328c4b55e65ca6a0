// Asked before a fault really uses this machine up. Closing it in any other way is a no.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';

export function ConsentDialog({ lab }: { readonly lab: Lab }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [question] = lab.questions.value;
  useEffect(() => {
    if (question === undefined) return;
    const { current } = dialog;
    if (current === null) return;
    current.returnValue = '';
    current.showModal();
    // Its rank may be gone, or the answer given elsewhere, before anybody has chosen.
    return () => {
      current.close();
    };
  }, [question]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="consent-title"
      onClose={(event) => question?.answer(event.currentTarget.returnValue === 'yes')}
    >
      <h2 id="consent-title">{question === undefined ? '' : words.consent.title[question.what]}</h2>
      <p>{question === undefined ? '' : words.consent.body[question.what]}</p>
      <form method="dialog" class="row">
        <button type="submit" class="button danger" value="yes">
          {words.consent.yes}
        </button>
        <button type="submit" class="button" value="no">
          {words.consent.no}
        </button>
      </form>
    </dialog>
  );
}

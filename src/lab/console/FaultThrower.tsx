// A fault for those who are ticked, or for everybody: the lab's vocabulary and its fields.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { actsAtPort } from '../../faults/consent.ts';
import type { FaultKind } from '../../faults/vocabulary.ts';
import { FIRST_DRAFT, buildFault, fieldsOf } from '../view/fault-draft.ts';
import type { FaultDraft } from '../view/fault-draft.ts';
import { FaultFields } from '../view/FaultFields.tsx';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { words } from '../words.ts';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

/** What really uses a machine up is for whoever sits at it. */
const KINDS = (Object.keys(words.faults) as readonly FaultKind[]).filter(actsAtPort);

export function FaultThrower({ console }: { readonly console: Console }): JSX.Element {
  const draft = useSignal<FaultDraft>(FIRST_DRAFT);
  const { kind } = draft.value;
  const here = console.present.value;
  const selected = console.roster.value.participants.filter(({ id }) => console.selected.value.has(id));
  const struck = here.filter(({ id }) => console.selected.value.has(id));
  const isForAll = console.selected.value.size === 0;
  return (
    <Panel name="thrower" title={consoleWords.fault.title} about={consoleWords.fault.about}>
      <form
        class="fault-what"
        onSubmit={(event) => {
          event.preventDefault();
          const order = { do: 'fault', fault: buildFault(draft.value) } as const;
          console.order(order, isForAll ? {} : { participants: struck.map(({ id }) => id) });
        }}
      >
        <label class="field wide">
          <span>{consoleWords.fault.what}</span>
          <select
            class="select"
            value={kind}
            onChange={(event) => {
              const chosen = KINDS.find((name) => name === event.currentTarget.value);
              if (chosen !== undefined) draft.value = { ...draft.value, kind: chosen };
            }}
          >
            {KINDS.map((name) => (
              <option key={name} value={name}>
                {words.faults[name].name}
              </option>
            ))}
          </select>
        </label>
        <p class="fault-does muted">
          {words.faults[kind].does} {kind === 'exhaust-gpu' && consoleWords.fault.asks}
        </p>
        <FaultFields draft={draft} fields={fieldsOf(kind)} peers={[]} target={undefined} />
        <button
          type="submit"
          class="button danger"
          disabled={isForAll ? here.length === 0 : struck.length === 0}
        >
          <Icon name="spark" />
          {isForAll
            ? consoleWords.fault.throwAll
            : // Of those who are away the names stay, though nothing can be thrown at them.
              consoleWords.fault.throwAt(
                (struck.length > 0 ? struck : selected).map(({ nickname }) => nickname),
              )}
        </button>
        <p class="muted small-print">{consoleWords.fault.whom}</p>
      </form>
    </Panel>
  );
}

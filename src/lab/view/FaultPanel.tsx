// The fault palette: a rank of this tab, a fault with its sentence, how long; and the active faults, each with its cure.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Fault, FaultKind } from '../../faults/vocabulary.ts';
import { faultsAtWork } from '../model/faults-at-work.ts';
import type { Lab } from '../model/lab.ts';
import { shortId } from '../format.ts';
import { sentences } from '../sentences.ts';
import { words } from '../words.ts';
import { FIRST_DRAFT, buildFault, fieldsOf } from './fault-draft.ts';
import type { FaultDraft } from './fault-draft.ts';
import { FaultFields } from './FaultFields.tsx';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';
import { RankDot } from './RankName.tsx';

const KINDS = Object.keys(words.faults) as readonly FaultKind[];

export function FaultPanel({ lab }: { readonly lab: Lab }): JSX.Element {
  const draft = useSignal<FaultDraft>(FIRST_DRAFT);
  const locals = lab.locals.value;
  const target = locals.find((rank) => rank.member === lab.target.value) ?? locals[0];
  const { kind } = draft.value;
  const aim = lab.aim.value;
  useEffect(() => {
    const to = lab.room.peek().ranks.find(({ member }) => member === aim?.peer)?.rank;
    if (to !== undefined) draft.value = { ...draft.value, kind: 'cut', to };
  }, [aim]);

  const inject = (): void => {
    if (target === undefined) return;
    if (kind === 'kill' || kind === 'close') lab.removeRank(target.member, kind === 'close');
    else void lab.inject(target.member, buildFault(draft.value));
  };

  return (
    <Panel name="faults-panel" title={words.faultPanel.title} about={words.faultPanel.about}>
      <form
        id="faults"
        class="fault-form"
        onSubmit={(event) => {
          event.preventDefault();
          inject();
        }}
      >
        <fieldset class="targets">
          <legend>{words.faultPanel.which}</legend>
          {locals.length === 0 && <p class="muted">{words.faultPanel.noRank}</p>}
          {locals.map(({ member }) => (
            <label key={member} class="target">
              <input
                type="radio"
                name="target"
                value={member}
                checked={member === target?.member}
                onChange={() => {
                  lab.target.value = member;
                }}
              />
              <RankDot lab={lab} member={member} />
              <span class="mono" aria-hidden="true">
                {shortId(member)}
              </span>
            </label>
          ))}
        </fieldset>
        <div class="fault-what">
          <label class="field wide">
            <span>{words.faultPanel.what}</span>
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
          <p class="fault-does muted">{words.faults[kind].does}</p>
          <FaultFields
            draft={draft}
            fields={fieldsOf(kind)}
            peers={lab.room.value.ranks}
            target={target?.member}
          />
          <button type="submit" class="button danger" disabled={target === undefined}>
            <Icon name="spark" />
            {words.faultPanel.inject}
          </button>
        </div>
      </form>
      <ActiveFaults lab={lab} />
    </Panel>
  );
}

function ActiveFaults({ lab }: { readonly lab: Lab }): JSX.Element {
  const { frozen, told: active } = faultsAtWork(lab);
  return (
    <div class="active-faults">
      <h3>{words.faultPanel.active}</h3>
      {active.length + frozen.length === 0 && <p class="muted">{words.faultPanel.none}</p>}
      <ul>
        {frozen.map(({ member, fault, until }) => (
          <li key={`${member} ${until}`}>
            <RankDot lab={lab} member={member} />
            <FaultText fault={fault} />
          </li>
        ))}
        {active.map(({ member, id, fault }) => (
          <li key={`${member} ${id}`}>
            <RankDot lab={lab} member={member} />
            <FaultText fault={fault} />
            <button type="button" class="button small" onClick={() => void lab.heal(member, id)}>
              {words.faultPanel.heal}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

const FaultText = ({ fault }: { readonly fault: Fault }): JSX.Element => (
  <span>
    {words.faults[fault.kind].name}{' '}
    <span class="muted">{sentences.faultSettings(JSON.stringify(fault))}</span>
  </span>
);

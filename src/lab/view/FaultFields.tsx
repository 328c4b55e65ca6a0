// The fields of the chosen fault: each a short list of sensible values.

import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { MemberId } from '../../ports/ids.ts';
import type { RankView } from '../model/room-view.ts';
import { bytes, shortId, smallPercent, span } from '../format.ts';
import { words } from '../words.ts';
import { CHOICES } from './fault-draft.ts';
import type { FaultDraft, FaultField } from './fault-draft.ts';

interface Props {
  readonly draft: Signal<FaultDraft>;
  readonly fields: readonly FaultField[];
  readonly peers: readonly RankView[];
  readonly target: MemberId | undefined;
}

export function FaultFields({ draft, fields, peers, target }: Props): JSX.Element {
  const set = (change: Partial<FaultDraft>): void => {
    draft.value = { ...draft.value, ...change };
  };
  const field = (name: FaultField): JSX.Element => {
    switch (name) {
      case 'to': {
        const choices = peers.flatMap((peer) =>
          peer.member === target || peer.rank === undefined ? [] : [{ rank: peer.rank, member: peer.member }],
        );
        return (
          <Choice
            label={words.faultPanel.peer}
            value={draft.value.to}
            choices={[undefined, ...choices.map((choice) => choice.rank)]}
            show={(rank) => {
              const peer = choices.find((choice) => choice.rank === rank);
              return peer === undefined
                ? words.faultPanel.allPeers
                : `${words.ranks.rank(peer.rank)} (${shortId(peer.member)})`;
            }}
            choose={(to) => set({ to })}
          />
        );
      }
      case 'direction':
        return (
          <Choice
            label={words.faultPanel.direction}
            value={draft.value.direction}
            choices={['both', 'in', 'out'] as const}
            show={(direction) => words.faultPanel.directions[direction]}
            choose={(direction) => set({ direction })}
          />
        );
      case 'delayMs':
        return (
          <Choice
            label={words.faultPanel.delayMs}
            value={draft.value.delayMs}
            choices={CHOICES.delayMs}
            show={span}
            choose={(delayMs) => set({ delayMs })}
          />
        );
      case 'chance':
        return (
          <Choice
            label={words.faultPanel.chance}
            value={draft.value.chance}
            choices={CHOICES.chance}
            show={smallPercent}
            choose={(chance) => set({ chance })}
          />
        );
      case 'times':
        return (
          <Choice
            label={words.faultPanel.times}
            value={draft.value.times}
            choices={CHOICES.times}
            show={String}
            choose={(times) => set({ times })}
          />
        );
      case 'maxBytes':
        return (
          <Choice
            label={words.faultPanel.budget}
            value={draft.value.maxBytes}
            choices={CHOICES.maxBytes}
            show={bytes}
            choose={(maxBytes) => set({ maxBytes })}
          />
        );
      case 'bytesPerSecond':
        return (
          <Choice
            label={words.faultPanel.bandwidth}
            value={draft.value.bytesPerSecond}
            choices={CHOICES.bytesPerSecond}
            show={bytes}
            choose={(bytesPerSecond) => set({ bytesPerSecond })}
          />
        );
      case 'room':
        return (
          <Choice
            label={words.faultPanel.room}
            value={draft.value.room}
            choices={CHOICES.room}
            show={bytes}
            choose={(room) => set({ room })}
          />
        );
      case 'factor':
        return (
          <Choice
            label={words.faultPanel.factor}
            value={draft.value.factor}
            choices={CHOICES.factor}
            show={(factor) => `×${factor}`}
            choose={(factor) => set({ factor })}
          />
        );
      case 'how':
        return (
          <Choice
            label={words.faultPanel.how}
            value={draft.value.how}
            choices={CHOICES.how}
            show={(how) => words.faultPanel.garbled[how]}
            choose={(how) => set({ how })}
          />
        );
      case 'where':
        return (
          <Choice
            label={words.faultPanel.where}
            value={draft.value.where}
            choices={CHOICES.where}
            show={(where) => words.faultPanel.bits[where]}
            choose={(where) => set({ where })}
          />
        );
      case 'forMs':
      case 'boundedMs':
        return (
          <Choice
            label={words.faultPanel.duration}
            value={name === 'boundedMs' ? (draft.value.forMs ?? CHOICES.forMs[1]) : draft.value.forMs}
            choices={name === 'boundedMs' ? CHOICES.forMs : [...CHOICES.forMs, undefined]}
            show={(ms) => (ms === undefined ? words.faultPanel.untilHealed : span(ms))}
            choose={(forMs) => set({ forMs })}
          />
        );
    }
  };
  return (
    <div class="fault-fields">
      {fields.map((name) => (
        <div key={name}>{field(name)}</div>
      ))}
    </div>
  );
}

interface ChoiceProps<Value> {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly Value[];
  readonly show: (value: Value) => string;
  readonly choose: (value: Value) => void;
}

/** A list of values that need not be text: options go by their position. */
const Choice = <Value,>({ label, value, choices, show, choose }: ChoiceProps<Value>): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    <select
      class="select small"
      value={String(Math.max(0, choices.indexOf(value)))}
      onChange={(event) => {
        const index = Number(event.currentTarget.value);
        const chosen = choices[index];
        if (index < choices.length) choose(chosen as Value);
      }}
    >
      {choices.map((choice, i) => (
        <option key={i} value={String(i)}>
          {show(choice)}
        </option>
      ))}
    </select>
  </label>
);

// The console's state, and what an instructor can do. The server decides; this page shows what it says.

import { batch, computed, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { PresetName } from '../../job/presets.ts';
import type { ClassOrder, ClassParticipant, ClassRoster, ToServer } from '../../live/classroom/messages.ts';
import { keepLine } from '../classroom/line.ts';

/** How the console stands with the server. `key`: for good. */
export type Link = 'connecting' | 'open' | 'away' | 'key' | 'slow' | 'full';

export interface Outcome {
  readonly id: number;
  readonly at: number;
  readonly participant: string | undefined;
  readonly order: ClassOrder;
  readonly problem: string | undefined;
}

export interface Console {
  readonly link: ReadonlySignal<Link>;
  readonly code: ReadonlySignal<string | undefined>;
  readonly addresses: ReadonlySignal<readonly string[]>;
  readonly roster: ReadonlySignal<ClassRoster>;
  /** The newest first. */
  readonly outcomes: ReadonlySignal<readonly Outcome[]>;
  /** Ids of participants whom the next fault strikes; none: everybody. */
  readonly selected: Signal<ReadonlySet<number>>;
  readonly present: ReadonlySignal<readonly ClassParticipant[]>;
  /** A short word that passes. */
  readonly notice: Signal<string>;
  order(order: ClassOrder, to: { readonly room?: string; readonly participants?: readonly number[] }): void;
  form(size: number, job: PresetName): void;
  ask(text: string, choices: readonly string[]): void;
  reveal(): void;
  remove(participant: number): void;
}

const MAX_OUTCOMES = 100;
const NOBODY: ClassRoster = { participants: [], rooms: [], size: 0, job: 'digits' };

export function openConsole(key: string): Console {
  const link = signal<Link>('connecting');
  const code = signal<string | undefined>(undefined);
  const addresses = signal<readonly string[]>([]);
  const roster = signal<ClassRoster>(NOBODY);
  const outcomes = signal<readonly Outcome[]>([]);
  const selected = signal<ReadonlySet<number>>(new Set());
  let outcomeId = 0;

  const line = keepLine({
    opened: (opened) => opened.say({ say: 'teach', key }),
    heard(message) {
      switch (message.say) {
        case 'class':
          batch(() => {
            link.value = 'open';
            code.value = message.code;
            addresses.value = message.addresses;
          });
          return;
        case 'roster':
          batch(() => {
            roster.value = message.roster;
            const known = new Set(message.roster.participants.map(({ id }) => id));
            if ([...selected.value].some((id) => !known.has(id)))
              selected.value = new Set([...selected.value].filter((id) => known.has(id)));
          });
          return;
        case 'done': {
          const who = roster.value.participants.find(({ id }) => id === message.participant);
          const { order, problem } = message;
          const outcome = { id: outcomeId++, at: Date.now(), participant: who?.nickname, order, problem };
          outcomes.value = [outcome, ...outcomes.value].slice(0, MAX_OUTCOMES);
          return;
        }
        case 'refused':
          link.value =
            message.why === 'key' || message.why === 'slow' || message.why === 'full' ? message.why : 'away';
          if (message.why === 'key') line.hangUp();
          return;
        case 'entered':
        case 'replaced':
        case 'removed':
        case 'order':
        case 'move':
        case 'question':
          // For participants only.
          return;
      }
    },
    ended() {
      if (link.value === 'open' || link.value === 'connecting') link.value = 'away';
    },
  });
  const say = (message: ToServer): void => line.say(message);

  return {
    link,
    code,
    addresses,
    roster,
    outcomes,
    selected,
    present: computed(() => roster.value.participants.filter(({ present }) => present)),
    notice: signal(''),
    order(order, { room, participants }) {
      say({
        say: 'order',
        order,
        ...(room === undefined ? {} : { room }),
        ...(participants === undefined ? {} : { to: [...participants] }),
      });
    },
    form: (size, job) => say({ say: 'form', size, job }),
    ask: (text, choices) => say({ say: 'ask', text, choices: [...choices] }),
    reveal: () => say({ say: 'reveal' }),
    remove: (participant) => say({ say: 'remove', participant }),
  };
}

// A run of a user's protocol as a few lines that a person can follow.

import { settingsOf } from '../../faults/setting-words.ts';
import type { GuestExperiment, GuestStrike } from './experiment.ts';
import { replayGuest, type GuestReplay } from './shrink.ts';
import type { GuestOutcome } from './run.ts';
import type { GuestEffect, GuestEvent, GuestProtocol } from './shape.ts';
import type { GuestRecord } from './world.ts';

const MAX_LINES = 40;
const MAX_VALUE = 60;

interface Line {
  readonly at: number;
  readonly text: string;
  /** Told even where there is much to tell. */
  readonly matters: boolean;
}

const hasKind = (value: unknown): value is { readonly kind: string } =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';

/** A message or a stored value in a few words: its kind first, if it has one. */
export function inWords(value: unknown): string {
  if (!hasKind(value)) return shortened(JSON.stringify(value));
  const { kind, ...rest } = value;
  return Object.keys(rest).length === 0 ? kind : `${kind} ${shortened(JSON.stringify(rest))}`;
}

/** What a message is called: its kind, or itself where it is one word. */
export const kindOf = (message: unknown): string =>
  hasKind(message) ? message.kind : typeof message === 'string' ? shortened(message) : 'message';

const shortened = (text: string): string =>
  text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;

/** An event in a few words. */
export function eventInWords(event: GuestEvent): string {
  switch (event.kind) {
    case 'start':
      return Object.keys(event.stored).length === 0
        ? 'starts'
        : `starts, with ${inWords(event.stored)} stored`;
    case 'linkUp':
      return `is linked to node ${event.peer}`;
    case 'linkDown':
      return `has lost node ${event.peer}${event.evidence === 'goodbye' ? ', which said goodbye' : ''}`;
    case 'message':
      return `hears from node ${event.from}: ${inWords(event.message)}`;
    case 'timer':
      return `has waited long enough: ${event.name}`;
    case 'stored':
      return `has stored ${event.key}`;
    case 'notStored':
      return `is told that ${event.key} was not stored`;
    case 'command':
      return `is asked to ${event.command}`;
  }
}

export function strikeInWords({ node, fault }: GuestStrike): string {
  if (fault.kind === 'command') return `node ${node} is asked to ${fault.command}`;
  if (fault.kind === 'open') return 'one more node joins';
  const more = settingsOf(fault);
  return `${fault.kind} on node ${node}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

const isReport = (effect: GuestEffect): effect is Extract<GuestEffect, { readonly kind: 'report' }> =>
  effect.kind === 'report';

function linesOf({ node, at, event, effects }: GuestRecord): readonly Line[] {
  const matters = event.kind === 'start' || event.kind === 'linkDown';
  const tellsMore = event.kind === 'message' || event.kind === 'timer' || event.kind === 'notStored';
  return [
    ...(matters || tellsMore ? [{ at, text: `node ${node} ${eventInWords(event)}`, matters }] : []),
    ...effects.filter(isReport).map(({ what }) => ({ at, text: `node ${node}: ${what}`, matters: true })),
    ...(effects.some(({ kind }) => kind === 'exit')
      ? [{ at, text: `node ${node} leaves for good`, matters: true }]
      : []),
  ];
}

const seconds = (ms: number): string => `${(Math.round(ms) / 1000).toFixed(3)} s`.padStart(10);

/** Tells what happened, up to the verdict. */
export function guestStory(protocol: GuestProtocol, replay: GuestReplay): readonly string[] {
  const { experiment } = replay;
  const lines: Line[] = [];
  const outcome = replayGuest(protocol, replay, {
    onRecord: (record) => lines.push(...linesOf(record)),
    onStrike: (strike, at) => lines.push({ at, text: `── ${strikeInWords(strike)}`, matters: true }),
  });
  lines.sort((a, b) => a.at - b.at);
  const told = lines.length <= MAX_LINES ? lines : lines.filter(({ matters }) => matters);
  const shown =
    told.length <= MAX_LINES
      ? told
      : [...told.slice(0, MAX_LINES / 2), undefined, ...told.slice(-MAX_LINES / 2)];
  return [
    headline(experiment),
    '',
    ...shown.map((line) =>
      line === undefined
        ? `        … ${told.length - MAX_LINES} more …`
        : `${seconds(line.at)}  ${line.text}`,
    ),
    `${seconds(outcome.virtualMs)}  ${ending(outcome)}`,
  ];
}

const headline = ({ protocol, ranks, steps }: GuestExperiment): string =>
  `${ranks} node${ranks === 1 ? '' : 's'} run ${protocol.name}, ${steps} step${steps === 1 ? '' : 's'}`;

const ending = ({ verdict, invariant, reason }: GuestOutcome): string =>
  verdict === 'held' ? 'held' : `violated, "${invariant ?? ''}": ${reason ?? ''}`;

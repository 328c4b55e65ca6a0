// The room at a glance, its promise, and what can be done to the whole of it.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';
import { isFirstVisit } from '../model/first-visit.ts';
import { copyLink } from './copy-link.ts';
import { Icon } from './icons.tsx';
import { Switches } from './Switches.tsx';

export function Header({ lab }: { readonly lab: Lab }): JSX.Element {
  const { state, generation, members, exactness } = lab.room.value;
  return (
    <header class="header">
      <div class="header-row">
        <span class="brand">
          <Mark />
          {words.name}
        </span>
        <span class="room-code">
          <span class="label">{words.header.room}</span>
          <b>{lab.link.room}</b>
        </span>
        <button
          type="button"
          class="button small brief"
          onClick={() => void copyLink(lab, location.href, words.header.copied)}
        >
          <Icon name="link" />
          <span>{words.header.copyLink}</span>
        </button>
        {/* In a tab of its own: the room goes on meanwhile. */}
        <a
          class="button small ghost brief"
          href="lessons.html"
          target="_blank"
          rel="noopener"
          title={words.header.lessonsMeans}
        >
          <Icon name="book" />
          <span>{words.header.lessons}</span>
        </a>
        <Switches />
      </div>
      <p class="room-state">
        <span class="state-dot" data-state={state} aria-hidden="true" />
        <b>{words.roomStates[state]}</b>
        <span class="muted">
          {words.header.ranks(members)} ·{' '}
          {generation === undefined ? words.header.noGeneration : words.header.generation(generation.number)}
        </span>
        {exactness.kind === 'exact' ? (
          <span class="chip good" title={words.header.exactMeans}>
            <Icon name="check" />
            {words.header.exact}
          </span>
        ) : (
          <span class="chip warn" title={words.header.unpromisedMeans}>
            {words.header.unpromised(exactness.since)}
          </span>
        )}
      </p>
      <Actions lab={lab} />
    </header>
  );
}

function Actions({ lab }: { readonly lab: Lab }): JSX.Element {
  const { state, step, running } = lab.room.value;
  const busy = lab.busy.value;
  const opening = lab.opening.value;
  const nobody = lab.locals.value.length === 0;
  const waits = busy.has('start') || busy.has('start-four') || busy.has('pause');
  return (
    <div class="actions" role="group" aria-label={words.actions.label}>
      {running && state !== 'done' ? (
        <button
          type="button"
          class="button primary"
          disabled={waits || state === 'stuck' || state === 'stopped'}
          onClick={() => void lab.pause()}
        >
          <Icon name="pause" />
          {words.actions.pause}
        </button>
      ) : (
        <button
          type="button"
          class={`button ${isFirstVisit(lab) ? '' : 'primary'}`}
          disabled={waits || nobody || !['ready', 'paused', 'joining', 'opening'].includes(state)}
          onClick={() => void (isFirstVisit(lab) ? lab.startFour() : lab.start())}
        >
          <Icon name={state === 'done' ? 'check' : 'play'} />
          {state === 'done' ? words.actions.finished : step > 0 ? words.actions.resume : words.actions.start}
        </button>
      )}
      <button type="button" class="button" onClick={() => void lab.addRank().catch(() => undefined)}>
        <Icon name="plus" />
        {opening > 0 && !nobody ? words.actions.opening(opening) : words.actions.addRank}
      </button>
      <button
        type="button"
        class="button"
        disabled={busy.has('checkpoint') || nobody || step === 0}
        onClick={() => void lab.checkpointNow()}
      >
        <Icon name="save" />
        {words.actions.checkpoint}
      </button>
      <button type="button" class="button ghost" disabled={nobody} onClick={() => void lab.leave()}>
        <Icon name="leave" />
        {words.actions.leave}
      </button>
    </div>
  );
}

/** A ring of four ranks, one of them fallen. */
export const Mark = (): JSX.Element => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-ring" d="M16 5A11 11 0 1 1 5 16" />
    <path class="mark-gap" d="M5 16A11 11 0 0 1 16 5" />
    <circle cx="16" cy="5" r="4.2" style={{ fill: 'var(--rank-0)' }} />
    <circle cx="27" cy="16" r="4.2" style={{ fill: 'var(--rank-1)' }} />
    <circle cx="16" cy="27" r="4.2" style={{ fill: 'var(--rank-2)' }} />
    <circle class="mark-fallen" cx="5" cy="16" r="3.4" />
  </svg>
);

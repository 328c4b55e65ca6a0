// The whole console: the way in, the class as it is, and what can be done to it.

import type { JSX } from 'preact';
import { Mark } from '../view/Header.tsx';
import { Switches } from '../view/Switches.tsx';
import { words } from '../words.ts';
import { Asking } from './Asking.tsx';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';
import { FaultThrower } from './FaultThrower.tsx';
import { Invite } from './Invite.tsx';
import { NoKey } from './NoKey.tsx';
import { Outcomes } from './Outcomes.tsx';
import { Predictions } from './Predictions.tsx';
import { Roster } from './Roster.tsx';
import { Training } from './Training.tsx';

export const ConsoleView = ({ console }: { readonly console: Console }): JSX.Element => {
  const link = console.link.value;
  if (link === 'key') return <NoKey why={consoleWords.links.key} />;
  return (
    <>
      <header class="header console-header">
        <div class="header-row">
          <span class="brand">
            <Mark />
            {words.name}
          </span>
          <span class="room-code">
            <b>{console.code.value ?? '······'}</b>
          </span>
          <Switches />
        </div>
        <p class="room-state" role="status">
          <span class="state-dot" data-state={link === 'open' ? 'done' : 'stuck'} aria-hidden="true" />
          <b>{consoleWords.links[link]}</b>
          <span class="muted">
            {consoleWords.here(console.present.value.length, console.roster.value.participants.length)}
          </span>
        </p>
      </header>
      <main class="console">
        <h1 class="sr-only">{consoleWords.title}</h1>
        <div class="console-column">
          <Invite console={console} />
          <Training console={console} />
          <FaultThrower console={console} />
        </div>
        <div class="console-class">
          <Roster console={console} />
          <div class="console-column talk">
            <Asking console={console} />
            <Predictions console={console} />
            <Outcomes console={console} />
          </div>
        </div>
      </main>
      <p class="toast" role="status" data-shown={console.notice.value !== ''}>
        {console.notice.value}
      </p>
    </>
  );
};

// The console's page: reads the instructor's key from the address, and shows the class.

import { effect } from '@preact/signals';
import { render } from 'preact';
import * as v from 'valibot';
import { TokenSchema } from '../../live/classroom/messages.ts';
import { speakAsTheBrowserDoes } from '../language/language.ts';
import { applyTheme } from '../theme.ts';
import { words } from '../words.ts';
import { consoleWords } from './console-words.ts';
import { openConsole } from './console.ts';
import { ConsoleView } from './ConsoleView.tsx';
import { NoKey } from './NoKey.tsx';
import '../classroom/class.css';
import './console.css';

applyTheme();
const stage = document.querySelector<HTMLElement>('#console');
const key = new URLSearchParams(location.hash.slice(1)).get('key');
// Not awaited here: what is loaded on the way may import this module, and would wait for its end for ever.
if (stage !== null) void open(stage);
window.addEventListener('hashchange', () => {
  location.reload();
});

async function open(place: HTMLElement): Promise<void> {
  await speakAsTheBrowserDoes();
  effect(() => {
    document.title = `${consoleWords.title} · ${words.name}`;
  });
  render(v.is(TokenSchema, key) ? <ConsoleView console={openConsole(key)} /> : <NoKey />, place);
}

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
await speakAsTheBrowserDoes();
effect(() => {
  document.title = `${consoleWords.title} · ${words.name}`;
});
const stage = document.querySelector<HTMLElement>('#console');
const key = new URLSearchParams(location.hash.slice(1)).get('key');
if (stage !== null)
  render(v.is(TokenSchema, key) ? <ConsoleView console={openConsole(key)} /> : <NoKey />, stage);
window.addEventListener('hashchange', () => {
  location.reload();
});

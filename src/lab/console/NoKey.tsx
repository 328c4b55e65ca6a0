// What stands in the console's place when its address has no key, or one that does not open it.

import type { JSX } from 'preact';
import { Switches } from '../view/Switches.tsx';
import { consoleWords } from './console-words.ts';

export const NoKey = ({ why }: { readonly why?: string }): JSX.Element => (
  <main class="notice-page">
    <Switches />
    <h1>{consoleWords.noKey.title}</h1>
    <p>{why ?? consoleWords.noKey.body}</p>
    <a class="button primary" href={new URL('.', location.href).pathname}>
      {consoleWords.noKey.lab}
    </a>
  </main>
);

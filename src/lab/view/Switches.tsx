// What a reader sets for this browser: the language and the colours. On every page, at the same place.

import type { JSX } from 'preact';
import { choose } from '../language/language.ts';
import { nextTheme, theme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import type { IconName } from './icons.tsx';

const THEME_ICONS: Readonly<Record<Theme, IconName>> = { auto: 'half', light: 'sun', dark: 'moon' };

export const Switches = (): JSX.Element => (
  <span class="switches">
    <button
      type="button"
      class="button small ghost"
      lang={words.speak.lang}
      title={words.speak.means}
      onClick={() => {
        // Without a connection the words of the other language may be out of reach: the page stays as it is.
        choose(words.speak.lang).catch(() => undefined);
      }}
    >
      {words.speak.label}
    </button>
    <button
      type="button"
      class="button small ghost theme-switch"
      aria-label={words.header.theme[theme.value]}
      title={words.header.theme[theme.value]}
      onClick={nextTheme}
    >
      <Icon name={THEME_ICONS[theme.value]} />
    </button>
  </span>
);

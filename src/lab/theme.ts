// Light, dark, or as the system has it: a choice kept in the browser.

import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'rankfall.theme';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' };

export const theme = signal<Theme>(remembered());

/** Styles read the choice from the root element (style/tokens.css). */
export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme.value;
}

export function nextTheme(): void {
  theme.value = NEXT[theme.value];
  applyTheme();
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Storage may be refused; the choice then lasts as long as the page.
  }
}

function remembered(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return text === 'light' || text === 'dark' ? text : 'auto';
  } catch {
    return 'auto';
  }
}

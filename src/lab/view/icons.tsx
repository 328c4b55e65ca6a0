// The lab's icons: one stroke, 16 units square, in the colour of the text beside them. All are decoration: words say it too.

import type { JSX } from 'preact';

const PATHS = {
  play: 'M5 3.2v9.6L12.8 8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  plus: 'M8 3v10M3 8h10',
  save: 'M8 2.5v7M5 6.8l3 3 3-3M3 12.8h10',
  link: 'M6.6 9.4 9.4 6.6M7.2 4.6l1.5-1.5a2.8 2.8 0 0 1 4 4l-1.5 1.5M8.8 11.4l-1.5 1.5a2.8 2.8 0 0 1-4-4l1.5-1.5',
  leave: 'M6.5 3H3.2v10h3.3M8 8h5.2M10.8 5.4 13.4 8l-2.6 2.6',
  check: 'm3.5 8.5 3 3 6-6.8',
  cross: 'm4 4 8 8M12 4l-8 8',
  alert: 'M8 2.6 14 13H2zM8 6.4v3.2M8 11.2v.4',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8',
  moon: 'M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6z',
  half: 'M8 2.6a5.4 5.4 0 1 1 0 10.8A5.4 5.4 0 0 1 8 2.6M8 2.6v10.8M9.4 5.4v5.2M10.9 6.2v3.6',
  book: 'M8 4.2C6.6 3.2 4.6 2.8 2.6 3v9.4c2-.2 4 .2 5.4 1.2M8 4.2c1.4-1 3.4-1.4 5.4-1.2v9.4c-2-.2-4 .2-5.4 1.2M8 4.2v9.4',
  lanes: 'M4 2.5v11M12 2.5v11M4 4.5l8 2.6M12 9.4l-8 2.6',
  spark: 'M8.8 1.8 4 9h3.6l-.6 5.2L12 7H8.2z',
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { readonly name: IconName }): JSX.Element => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);

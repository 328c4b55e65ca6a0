// What stands in the page's place when its link opens no room.

import type { JSX } from 'preact';
import { words } from '../words.ts';
import { Switches } from './Switches.tsx';

interface Props {
  /** In the language of the page. */
  readonly reason: () => string;
  /** Whether this page, opened without a link, makes a room. */
  readonly makesRooms: boolean;
}

export const BadLink = ({ reason, makesRooms }: Props): JSX.Element => (
  <main class="notice-page">
    <Switches />
    <h1>{words.loadFailed.title}</h1>
    <p>{reason()}</p>
    {makesRooms && (
      <a class="button primary" href={location.pathname}>
        {words.banners.badLink}
      </a>
    )}
  </main>
);

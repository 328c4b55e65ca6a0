// The volunteers' page: reads the room's link from the address, and asks before anything runs.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { LinkError, parseRoomLink } from '../../live/link.ts';
import { openFramesIn } from '../frames.ts';
import { speakAsTheBrowserDoes } from '../language/language.ts';
import { parseLabQuery } from '../query.ts';
import { applyTheme } from '../theme.ts';
import { BadLink } from '../view/BadLink.tsx';
import { words } from '../words.ts';
import { watchConditions } from './conditions.ts';
import { createVolunteer } from './volunteer.ts';
import { VolunteerPage } from './VolunteerPage.tsx';
import { volunteerWords } from './volunteer-words.ts';
import '../classroom/class.css';
import './volunteer.css';

applyTheme();
window.addEventListener('hashchange', () => {
  location.reload();
});
const stage = document.querySelector<HTMLElement>('#volunteer');
const frames = document.querySelector<HTMLElement>('#frames');
// Not awaited here: what is loaded on the way may import this module, and would wait for its end for ever.
if (stage !== null && frames !== null) void open(stage, frames);

async function open(place: HTMLElement, frameRoom: HTMLElement): Promise<void> {
  await speakAsTheBrowserDoes();
  effect(() => {
    document.title = `${volunteerWords.title} · ${words.name}`;
  });
  try {
    const link = parseRoomLink(location.hash);
    if (link === undefined) {
      render(<BadLink reason={() => volunteerWords.noRoom} makesRooms={false} />, place);
      return;
    }
    const { signal, ice } = parseLabQuery(location.search);
    const volunteer = createVolunteer({
      link,
      signal,
      ice,
      conditions: watchConditions(),
      openFrames: (listener) => openFramesIn(frameRoom, listener),
    });
    render(<VolunteerPage volunteer={volunteer} />, place);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    render(<BadLink reason={() => volunteerWords.badLink} makesRooms={false} />, place);
  }
}

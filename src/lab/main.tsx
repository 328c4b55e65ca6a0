// The lab's page: reads the address, makes or joins the room, opens its ranks, and shows what they say.

import { render } from 'preact';
import { LinkError, formatRoomLink, newRoom, parseRoomLink } from '../live/link.ts';
import type { RoomLink } from '../live/link.ts';
import { openDoor } from './door.ts';
import { openFramesIn } from './frames.ts';
import { createLab } from './model/lab.ts';
import { watchRanks } from './model/watching.ts';
import { parseLabQuery } from './query.ts';
import { applyTheme } from './theme.ts';
import { App } from './view/App.tsx';
import { BadLink } from './view/BadLink.tsx';

applyTheme();
const stage = document.querySelector<HTMLElement>('#lab');
const frames = document.querySelector<HTMLElement>('#frames');
if (stage !== null && frames !== null) open(stage, frames);

function open(place: HTMLElement, frameRoom: HTMLElement): void {
  let found: RoomLink | undefined;
  try {
    found = parseRoomLink(location.hash);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    render(<BadLink reason={error.message} />, place);
    return;
  }
  const link = found ?? newRoom();
  // The address bar holds the room from the first moment, so that a reload comes back to it.
  history.replaceState(null, '', `${location.pathname}${location.search}${formatRoomLink(link)}`);
  window.addEventListener('hashchange', () => {
    if (location.hash !== formatRoomLink(link)) location.reload();
  });
  document.title = `${link.room} · Rankfall`;

  const query = parseLabQuery(location.search);
  const lab = createLab(link, found === undefined, query, (listener) => openFramesIn(frameRoom, listener));
  for (const complaint of query.complaints) lab.complain(complaint);
  window.rankfall = openDoor(lab);
  render(<App lab={lab} />, place);
  watchRanks(lab);
  for (let i = 0; i < query.ranks; i++) {
    // A rank that does not open has said why in a banner.
    lab.addRank().catch(() => undefined);
  }
}

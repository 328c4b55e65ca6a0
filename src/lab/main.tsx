// The lab's page: reads the address, makes or joins the room, opens its ranks, and shows what they say.

import { render } from 'preact';
import { decodeText } from '../engine/data/text.ts';
import type { Job } from '../job/job.ts';
import { ownTextJob } from '../job/presets.ts';
import { findText } from '../live/texts.ts';
import { LinkError, formatRoomLink, newRoom, parseRoomLink } from '../live/link.ts';
import type { RoomLink } from '../live/link.ts';
import { openDoor } from './door.ts';
import { openFramesIn } from './frames.ts';
import { createLab } from './model/lab.ts';
import { watchRanks } from './model/watching.ts';
import { parseLabQuery, textInQuery } from './query.ts';
import { applyTheme } from './theme.ts';
import { App } from './view/App.tsx';
import { BadLink } from './view/BadLink.tsx';
import { words } from './words.ts';

applyTheme();
const stage = document.querySelector<HTMLElement>('#lab');
const frames = document.querySelector<HTMLElement>('#frames');
if (stage !== null && frames !== null) await open(stage, frames);

async function open(place: HTMLElement, frameRoom: HTMLElement): Promise<void> {
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

  const text = textInQuery(location.search);
  const own = text === undefined ? undefined : await ownJob(text);
  const query = parseLabQuery(location.search, own);
  const lab = createLab(link, found === undefined, query, (listener) => openFramesIn(frameRoom, listener));
  if (text !== undefined && own === undefined) lab.complain(words.choose.unknownText);
  for (const complaint of query.complaints) lab.complain(complaint);
  window.rankfall = openDoor(lab);
  render(<App lab={lab} />, place);
  watchRanks(lab);
  for (let i = 0; i < query.ranks; i++) {
    // A rank that does not open has said why in a banner.
    lab.addRank().catch(() => undefined);
  }
}

/** The job on a text that this browser keeps; undefined where it does not. */
async function ownJob(sha256: string): Promise<Job | undefined> {
  try {
    const bytes = await findText(sha256);
    return bytes && ownTextJob(sha256, decodeText(bytes, 'The stored text').vocabulary.length);
  } catch {
    return undefined;
  }
}

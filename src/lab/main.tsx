// The lab's page: reads the address, makes or joins the room (a class's, where there is one), opens its ranks, and shows what they say.

import { render } from 'preact';
import type { JSX } from 'preact';
import type { Job } from '../job/job.ts';
import { JOB_PRESETS, ownTextJob } from '../job/presets.ts';
import { openShelf } from '../live/shelf-service.ts';
import { LinkError, formatRoomLink, newRoom, parseRoomLink } from '../live/link.ts';
import type { RoomLink } from '../live/link.ts';
import { askForClass } from './classroom/notice.ts';
import type { Seat } from './classroom/seat.ts';
import { openDoor } from './door.ts';
import { openFramesIn } from './frames.ts';
import { speakAsTheBrowserDoes, wordsReady } from './language/language.ts';
import { keepChaos } from './model/chaos.ts';
import { createLab } from './model/lab.ts';
import type { Lab } from './model/lab.ts';
import { watchRanks } from './model/watching.ts';
import { parseLabQuery, textInQuery } from './query.ts';
import { applyTheme } from './theme.ts';
import { App } from './view/App.tsx';
import { BadLink } from './view/BadLink.tsx';
import { toldWords } from './told-words.ts';
import { words } from './words.ts';

applyTheme();
const classAsked = askForClass();
const stage = document.querySelector<HTMLElement>('#lab');
const frames = document.querySelector<HTMLElement>('#frames');
// Not awaited here: a chunk that is loaded on the way may import this one, and would wait for its end for ever.
if (stage !== null && frames !== null) void open(stage, frames);

async function open(place: HTMLElement, frameRoom: HTMLElement): Promise<void> {
  await speakAsTheBrowserDoes();
  // A link to a race opens no room. What it holds is looked at where the race is run.
  if (/^#rf\d+:/.test(location.hash)) {
    const [{ openRacePage }, { parseRaceFragment }] = await Promise.all([
      import('./simulation/RacePage.tsx'),
      import('./simulation/race-link.ts'),
    ]);
    const race = parseRaceFragment(location.hash);
    if (race !== undefined) {
      await wordsReady();
      openRacePage(place, race);
      window.addEventListener('hashchange', () => {
        location.reload();
      });
      return;
    }
  }
  let found: RoomLink | undefined;
  try {
    found = parseRoomLink(location.hash);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    render(<BadLink reason={() => toldWords.told(error.message)} makesRooms />, place);
    return;
  }
  const { seat, strip, attend } = await classroomOf(place, found !== undefined);
  const link = seat?.room ?? found ?? newRoom();
  const founds = seat?.founds ?? found === undefined;
  // The address bar holds the room from the first moment, so that a reload comes back to it.
  history.replaceState(null, '', `${location.pathname}${location.search}${formatRoomLink(link)}`);
  window.addEventListener('hashchange', () => {
    if (location.hash !== formatRoomLink(link)) location.reload();
  });
  document.title = `${link.room} · Rankfall`;

  const text = textInQuery(location.search);
  const own = text === undefined ? classJob(seat) : await ownJob(text);
  const query = parseLabQuery(location.search, own);
  const shelf = openShelf(shelfWorker);
  const lab = createLab(
    link,
    founds,
    query,
    (listener) => openFramesIn(frameRoom, listener),
    shelf,
    seat !== undefined,
  );
  if (text !== undefined && own === undefined) lab.complain(() => words.choose.unknownText);
  for (const complaint of query.complaints) lab.complain(complaint);
  window.rankfall = openDoor(lab, shelf);
  // Their pages come while this one is drawn.
  for (let i = 0; i < query.ranks; i++) {
    // A rank that does not open has said why in a banner.
    lab.addRank().catch(() => undefined);
  }
  render(<App lab={lab} classStrip={strip} />, place);
  watchRanks(lab);
  attend(lab);
  if (query.chaos !== undefined) keepChaos(lab, query.chaos);
}

interface ClassHere {
  readonly seat: Seat | undefined;
  /** What stands above the board. */
  readonly strip: JSX.Element | undefined;
  readonly attend: (lab: Lab) => void;
}

/** The page's place in the class of its server, where there is one. Its code is loaded only then. */
async function classroomOf(place: HTMLElement, hasRoom: boolean): Promise<ClassHere> {
  const none: ClassHere = { seat: undefined, strip: undefined, attend: () => undefined };
  const name = await classAsked;
  if (name === undefined) return none;
  const { arrive, attendClass, ClassStrip } = await import('./classroom/arrive.tsx');
  await wordsReady();
  const seat = await arrive(place, name, hasRoom);
  if (seat === undefined) return none;
  return { seat, strip: <ClassStrip seat={seat} />, attend: (lab) => attendClass(seat, lab) };
}

/** In a class, what the instructor has chosen. */
const classJob = (seat: Seat | undefined): Job | undefined =>
  seat === undefined ? undefined : JOB_PRESETS[seat.room.job];

function shelfWorker(): Worker {
  return new Worker(new URL('../live/shelf-worker.ts', import.meta.url), { type: 'module', name: 'shelf' });
}

/** The job on a text that this browser keeps; undefined where it does not. */
async function ownJob(sha256: string): Promise<Job | undefined> {
  try {
    const [{ findText }, { decodeText }] = await Promise.all([
      import('../live/texts.ts'),
      import('../engine/data/text.ts'),
    ]);
    const bytes = await findText(sha256);
    return bytes && ownTextJob(sha256, decodeText(bytes, 'The stored text').vocabulary.length);
  } catch {
    return undefined;
  }
}

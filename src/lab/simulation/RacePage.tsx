// What a link to a race opens: the race laboratory alone, with the run that the link holds.

import { effect, useSignal } from '@preact/signals';
import { render, type JSX } from 'preact';
import { Panel } from '../view/Panel.tsx';
import { Switches } from '../view/Switches.tsx';
import { words } from '../words.ts';
import { MAX_LINK, type RaceFragment } from './race-link.ts';
import { raceWords } from './race-words.ts';
import { RaceLaboratory } from './RaceLaboratory.tsx';

export function openRacePage(place: HTMLElement, race: RaceFragment): void {
  effect(() => {
    document.title = `${words.simulation.title} · ${words.name}`;
  });
  render(<RacePage race={race} />, place);
}

function RacePage({ race }: { readonly race: RaceFragment }): JSX.Element {
  const notice = useSignal('');
  const say = (text: string): void => {
    notice.value = text;
    setTimeout(() => {
      if (notice.value === text) notice.value = '';
    }, 5000);
  };
  return (
    <>
      <main>
        <h1 class="sr-only">{words.name}</h1>
        <p class="row race-page-head">
          <a class="button" href={location.pathname}>
            {raceWords.openLab}
          </a>
          <Switches />
        </p>
        <Panel name="simulation" title={words.simulation.title} about={words.simulation.about}>
          {race.kind === 'too-long' && (
            <p class="race-problem" role="alert">
              {raceWords.longLink(race.characters, MAX_LINK)}
            </p>
          )}
          <RaceLaboratory
            speaker={{ say, complain: say }}
            replay={race.kind === 'race' ? race.text : undefined}
          />
        </Panel>
      </main>
      <p class="toast" role="status" data-shown={notice.value !== ''}>
        {notice.value}
      </p>
    </>
  );
}

// The race laboratory: choose a protocol, run it or hunt through its seeds, and see what came of it.

import './race.css';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { bring, bringReplay } from './bringing.ts';
import { raceWords } from './race-words.ts';
import { RaceForm } from './RaceForm.tsx';
import { RaceResult } from './RaceResult.tsx';
import { createSimulation } from './simulation.ts';
import type { Simulation } from './simulation.ts';
import type { Speaker } from './speaker.ts';

interface Props {
  readonly speaker: Speaker;
  /** What a link holds: run at once. */
  readonly replay?: string | undefined;
}

export function RaceLaboratory({ speaker, replay }: Props): JSX.Element {
  const simulation = useMemo(createSimulation, []);
  useEffect(() => {
    void simulation.open({ kind: 'room' }).then(async () => {
      if (replay !== undefined) await bringReplay(simulation, replay);
    });
    return () => {
      simulation.cancel();
    };
  }, [simulation]);
  const run = simulation.last.value;
  return (
    <div
      class="race"
      onDragOver={(event) => {
        event.preventDefault();
      }}
      onDrop={(event) => {
        event.preventDefault();
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) void bring(simulation, file);
      }}
    >
      <RaceForm simulation={simulation} />
      <Progress simulation={simulation} />
      {simulation.problem.value !== undefined && (
        <p class="race-problem" role="alert">
          {raceWords.failed(simulation.problem.value)}
        </p>
      )}
      {run !== undefined && <RaceResult simulation={simulation} run={run} speaker={speaker} />}
    </div>
  );
}

function Progress({ simulation }: { readonly simulation: Simulation }): JSX.Element | null {
  const doing = simulation.doing.value;
  const progress = simulation.progress.value;
  const nothing = simulation.nothing.value;
  if (nothing !== undefined) return <p role="status">{raceWords.nothing(nothing.seeds)}</p>;
  if (doing === undefined || doing === 'running' || doing === 'recording') return null;
  return (
    <p class="race-progress" role="status">
      <b>{raceWords.doing[doing]}</b>{' '}
      {progress !== undefined && (
        <span class="numeric">
          {raceWords.rate(
            progress.seeds,
            (progress.seeds * 3_600_000) / progress.wallMs,
            progress.virtualMs / progress.wallMs,
          )}
        </span>
      )}
    </p>
  );
}

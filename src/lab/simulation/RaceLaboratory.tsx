// The race laboratory: choose a protocol, run it or hunt through its seeds, and see what came of it; or open the log of a live run.

import './race.css';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { SlotOf } from '../diagram/lane-colours.ts';
import { language } from '../language/language.ts';
import { bring, bringReplay } from './bringing.ts';
import { KeptView } from './KeptView.tsx';
import { createLogs } from './logs.ts';
import { LogView } from './LogView.tsx';
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
  /** What the live lab has recorded: drawn at once. */
  readonly log?: File | undefined;
  /** The colours of its ranks on the ring. */
  readonly slotOf?: SlotOf | undefined;
}

export function RaceLaboratory({ speaker, replay, log, slotOf }: Props): JSX.Element {
  const simulation = useMemo(createSimulation, []);
  const logs = useMemo(createLogs, []);
  useEffect(() => {
    void simulation.open({ kind: 'room' }).then(async () => {
      if (replay !== undefined) await bringReplay(simulation, replay);
    });
    return () => {
      simulation.cancel();
      logs.close();
    };
  }, [simulation, logs]);
  useEffect(() => {
    if (log !== undefined) void logs.open(log);
  }, [logs, log]);
  useEffect(() => {
    let told = language.value;
    return language.subscribe((now) => {
      if (now === told) return;
      told = now;
      void simulation.retell();
      void logs.retell();
    });
  }, [simulation, logs]);
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
        if (file !== undefined) void bring(simulation, logs, file);
      }}
    >
      <RaceForm simulation={simulation} logs={logs} />
      <Progress simulation={simulation} />
      {simulation.problem.value !== undefined && (
        <p class="race-problem" role="alert">
          {raceWords.failed(simulation.problem.value)}
        </p>
      )}
      <LogView logs={logs} slotOf={slotOf} />
      {simulation.kept.value !== undefined && <KeptView kept={simulation.kept.value} />}
      {run !== undefined && <RaceResult simulation={simulation} run={run} speaker={speaker} />}
    </div>
  );
}

function Progress({ simulation }: { readonly simulation: Simulation }): JSX.Element | null {
  const doing = simulation.doing.value;
  const progress = simulation.progress.value;
  const nothing = simulation.nothing.value;
  const line = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    // It comes where the window may end: whoever has asked for it sees it.
    line.current?.scrollIntoView({ block: 'nearest' });
  }, [doing, nothing]);
  if (nothing !== undefined)
    return (
      <p ref={line} role="status">
        {raceWords.nothing(nothing.seeds)}
      </p>
    );
  if (doing === undefined || doing === 'running' || doing === 'recording') return null;
  return (
    <p ref={line} class="race-progress" role="status">
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

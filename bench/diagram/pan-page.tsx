// Draws a run of so many events and pans and zooms it by the pointer, as a person does; tells how long frames took.

import { render } from 'preact';
import { DiagramCanvas } from '../../src/lab/diagram/DiagramCanvas.tsx';
import { createScene, NO_FILTERS } from '../../src/lab/diagram/scene.ts';
import { drawExperiment } from '../../src/simulator/draw-experiment.ts';
import { drawRoom } from '../../src/simulator/drawing.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';

declare global {
  interface Window {
    panned(events: number, frames: number): Promise<PanReport>;
  }
}

export interface PanReport {
  readonly events: number;
  readonly sceneMs: number;
  /** Milliseconds from one frame to the next, by what is done. */
  readonly frames: Readonly<Record<string, readonly number[]>>;
}

window.panned = async (events, frames) => {
  const drawing = drawRoom();
  let steps = 200;
  let outcome = runExperiment({ ...drawExperiment(1, { ranks: 8, steps }), plan: [], calmAt: 0 }, {});
  // As many steps as come to so many events.
  steps = Math.ceil((steps * events) / Math.max(1, outcome.events) / 0.8);
  outcome = runExperiment({ ...drawExperiment(1, { ranks: 8, steps }), plan: [], calmAt: 0 }, drawing);
  const diagram = drawing.diagram(outcome);
  const started = performance.now();
  const scene = createScene(diagram, NO_FILTERS);
  const sceneMs = performance.now() - started;
  const stage = document.querySelector<HTMLElement>('#stage');
  if (stage === null) throw new Error('no stage');
  const nothing = (): void => undefined;
  render(
    <DiagramCanvas
      scene={scene}
      keys={{ step: nothing, jump: nothing }}
      cursor={undefined}
      chosen={undefined}
      differsAt={undefined}
      onPick={nothing}
    />,
    stage,
  );
  const canvas = stage.querySelector<HTMLElement>('.diagram-stage');
  if (canvas === null) throw new Error('no canvas');
  const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
  const wheel = (deltaY: number, ctrlKey: boolean): void => {
    canvas.dispatchEvent(
      new WheelEvent('wheel', {
        deltaY,
        ctrlKey,
        clientX: 600,
        clientY: 300,
        bubbles: true,
        cancelable: true,
      }),
    );
  };
  const measure = async (act: (i: number) => void): Promise<readonly number[]> => {
    const times: number[] = [];
    let last = await frame();
    for (let i = 0; i < frames; i++) {
      act(i);
      const now = await frame();
      times.push(now - last);
      last = now;
    }
    return times;
  };
  await frame();
  const close = await measure(() => wheel(40, false));
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key: '0', bubbles: true, cancelable: true }));
  await frame();
  const zooming = await measure((i) => wheel(i < frames / 2 ? -30 : 30, true));
  wheel(-400, true);
  await frame();
  const far = await measure((i) => wheel(i % 2 === 0 ? 30 : -20, false));
  return {
    events: scene.moments.length,
    sceneMs,
    frames: { 'panning close up': close, zooming, 'panning from afar': far },
  };
};

// One diagram on a canvas that is dragged, zoomed and pointed at. What is said of it, and stepping through it, is its owner's.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { language } from '../language/language.ts';
import { theme } from '../theme.ts';
import { createCausality } from './causality.ts';
import { diagramWords } from './diagram-words.ts';
import { paint } from './paint.ts';
import { pick, type Picked } from './picking.ts';
import { readPalette, type Palette } from './palette.ts';
import type { Scene } from './scene.ts';
import { clamp, firstView, HEAD, showing, zoomed, type Frame, type Viewport } from './viewport.ts';

/** What a keyboard does with it, besides what the canvas does by itself. */
export interface DiagramKeys {
  readonly step: (by: 'event' | 'step', direction: -1 | 1) => void;
  readonly jump: (to: 'start' | 'end') => void;
}

interface Props {
  readonly scene: Scene;
  readonly keys: DiagramKeys;
  /** The position where time stands. */
  readonly cursor: number | undefined;
  readonly chosen: Picked | undefined;
  readonly differsAt: number | undefined;
  readonly onPick: (picked: Picked | undefined) => void;
}

const WHEEL_ZOOM = 1.0015;
const KEY_ZOOM = 1.4;

export function DiagramCanvas(props: Props): JSX.Element {
  const { scene, keys, cursor, chosen, differsAt, onPick } = props;
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<Viewport>({ top: 0, zoom: 1 });
  const palette = useRef<Palette | undefined>(undefined);
  const pending = useRef(0);
  const drag = useRef<{ readonly y: number; readonly top: number } | undefined>(undefined);
  const causality = useMemo(
    () => createCausality(scene.diagram.arrows, scene.diagram.lanes.length),
    [scene.diagram],
  );
  const cone = useMemo(
    () =>
      chosen?.kind === 'message' ? { arrow: chosen.item, cone: causality.cone(chosen.item) } : undefined,
    [causality, chosen],
  );

  const frame = (): Frame => ({
    ...view.current,
    width: stage.current?.clientWidth ?? 300,
    height: stage.current?.clientHeight ?? 300,
  });

  const draw = (): void => {
    pending.current = 0;
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (!context || canvas.current === null || stage.current === null) return;
    const now = frame();
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(now.width * ratio), Math.round(now.height * ratio)];
    if (canvas.current.width !== width || canvas.current.height !== height) {
      canvas.current.width = width;
      canvas.current.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    palette.current ??= readPalette(stage.current);
    paint(context, { scene, frame: now, palette: palette.current, chosen: cone, cursor, differsAt });
  };
  const latest = useRef(draw);
  latest.current = draw;
  /** At most once a frame, whatever comes. */
  const redraw = (): void => {
    if (pending.current === 0)
      pending.current = requestAnimationFrame(() => {
        latest.current();
      });
  };
  const move = (next: Viewport): void => {
    view.current = next;
    redraw();
  };

  useEffect(() => {
    view.current = firstView(scene, frame().height);
    redraw();
  }, [scene.diagram, scene.scale]);
  useEffect(() => {
    move(clamp(scene, view.current, frame().height));
  }, [scene]);
  useEffect(() => {
    if (cursor !== undefined) move(showing(scene, frame(), cursor));
  }, [cursor]);
  useEffect(() => {
    if (differsAt !== undefined) move(showing(scene, frame(), differsAt));
  }, [differsAt, scene.diagram]);
  useEffect(redraw, [cone]);
  useEffect(() => {
    const recolour = (): void => {
      palette.current = undefined;
      redraw();
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', recolour);
    const unsubscribes = [theme.subscribe(recolour), language.subscribe(recolour)];
    const resized = new ResizeObserver(() => {
      move(clamp(scene, view.current, frame().height));
    });
    if (stage.current !== null) resized.observe(stage.current);
    return () => {
      dark.removeEventListener('change', recolour);
      for (const unsubscribe of unsubscribes) unsubscribe();
      resized.disconnect();
      cancelAnimationFrame(pending.current);
      pending.current = 0;
    };
  }, [scene]);

  /** Where the pointer is on the canvas. */
  const place = (event: MouseEvent): { readonly x: number; readonly y: number } => {
    const box = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const page = (direction: number): void => {
    const now = frame();
    const by = ((now.height - HEAD) / now.zoom) * 0.85 * direction;
    move(clamp(scene, { ...view.current, top: now.top + by }, now.height));
  };
  const press = (event: KeyboardEvent): void => {
    const now = frame();
    const zoom = (factor: number): void => {
      move(zoomed(scene, now, factor, now.height / 2));
    };
    const actions: Readonly<Record<string, () => void>> = {
      ArrowDown: () => keys.step('event', 1),
      ArrowUp: () => keys.step('event', -1),
      ArrowRight: () => keys.step('step', 1),
      ArrowLeft: () => keys.step('step', -1),
      Home: () => keys.jump('start'),
      End: () => keys.jump('end'),
      PageDown: () => page(1),
      PageUp: () => page(-1),
      '+': () => zoom(KEY_ZOOM),
      '=': () => zoom(KEY_ZOOM),
      '-': () => zoom(1 / KEY_ZOOM),
      '0': () => {
        move(clamp(scene, { top: 0, zoom: 0 }, now.height));
      },
      Escape: () => {
        onPick(undefined);
      },
    };
    const action = event.ctrlKey || event.metaKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  return (
    <div
      ref={stage}
      class="diagram-stage"
      tabindex={0}
      role="application"
      aria-label={diagramWords.label(scene.columns.length, scene.messages.size)}
      onKeyDown={press}
      onWheel={(event) => {
        const { y } = place(event);
        const now = frame();
        let next = clamp(scene, { ...view.current, top: now.top + event.deltaY / now.zoom }, now.height);
        if (event.ctrlKey || event.metaKey) {
          // Wheels tell pixels, lines or pages; a power of the pixels zooms evenly.
          let factor = 1;
          for (let i = 0; i < Math.abs(event.deltaY); i++) factor *= WHEEL_ZOOM;
          next = zoomed(scene, now, event.deltaY > 0 ? 1 / factor : factor, y);
        } else if (next.top === now.top) return; // At its end, the page scrolls on.
        event.preventDefault();
        move(next);
      }}
      onPointerDown={(event) => {
        drag.current = { y: event.clientY, top: view.current.top };
        stage.current?.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (drag.current === undefined) {
          const { x, y } = place(event);
          const found = pick(scene, frame(), x, y);
          // What was chosen stays until something else is pointed at, so that it can be acted on.
          if (found !== undefined) onPick(found);
          return;
        }
        const now = frame();
        const top = drag.current.top - (event.clientY - drag.current.y) / now.zoom;
        move(clamp(scene, { ...view.current, top }, now.height));
      }}
      onPointerUp={() => {
        drag.current = undefined;
      }}
      onPointerCancel={() => {
        drag.current = undefined;
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
    </div>
  );
}

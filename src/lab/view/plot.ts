// One uPlot chart in the lab's colours: fits its place, follows the theme, and draws marks at given steps.

import uPlot from 'uplot';
import type { AlignedData } from 'uplot';
import { words } from '../words.ts';

export type PlotKind = 'loss' | 'accuracy';

export interface Plot {
  show(data: AlignedData, steps: number, marks: readonly number[]): void;
  /** The theme has changed. */
  redraw(): void;
  destroy(): void;
}

/** Pixels; more where its place is higher. */
const MIN_HEIGHT = 210;
/** Where the axis of an empty chart ends: a little above ln 10, at which ten classes start. */
const NO_LOSS_YET = 2.4;
const FONT = '12px system-ui, sans-serif';

export function createPlot(place: HTMLElement, kind: PlotKind): Plot {
  let marks: readonly number[] = [];
  let steps = 1;
  /** Reading a colour costs a layout, and it changes with the theme only. */
  const colours = new Map<string, string>();
  const colour = (token: string) => (): string => {
    const known = colours.get(token) ?? resolve(place, token);
    colours.set(token, known);
    return known;
  };
  const markColour = colour('--mark');
  const axis: uPlot.Axis = {
    stroke: colour('--ink-3'),
    font: FONT,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };

  const plot = new uPlot(
    {
      width: Math.max(200, place.clientWidth),
      height: Math.max(MIN_HEIGHT, place.clientHeight),
      padding: [10, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: (_, _min, max) => [0, Math.max(10, Math.min(steps, niceEnd(max)))] },
        y: {
          range: (_, _min, max: number | null) =>
            kind === 'accuracy' ? [0, 1] : [0, Math.max(0.1, (max ?? NO_LOSS_YET) * 1.05)],
        },
      },
      axes: [
        {
          ...axis,
          size: 30,
          space: 56,
          values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : '')),
        },
        {
          ...axis,
          size: 44,
          space: 36,
          values: (_, ticks) =>
            ticks.map((tick) =>
              kind === 'accuracy' ? `${Math.round(tick * 100)}%` : String(Number(tick.toPrecision(3))),
            ),
        },
      ],
      series: [
        { label: words.charts.step },
        kind === 'loss'
          ? {
              label: words.charts.eachStep,
              stroke: colour('--curve-thin'),
              width: 1,
              points: { show: false },
            }
          : {
              label: words.charts.training,
              stroke: colour('--curve-thin'),
              width: 1.25,
              spanGaps: true,
              points: { show: false },
            },
        kind === 'loss'
          ? { label: words.charts.mean, stroke: colour('--curve'), width: 2, points: { show: false } }
          : {
              label: words.charts.heldOut,
              stroke: colour('--curve'),
              width: 2,
              spanGaps: true,
              points: {
                show: true,
                size: 5,
                fill: colour('--surface'),
                stroke: colour('--curve'),
                width: 1.5,
              },
            },
      ],
      hooks: {
        drawAxes: [
          (self) => {
            drawMarks(self, marks, markColour());
          },
        ],
      },
    },
    [[], [], []],
    place,
  );

  const fit = new ResizeObserver(() => {
    if (place.clientWidth === 0) return;
    plot.setSize({ width: place.clientWidth, height: Math.max(MIN_HEIGHT, place.clientHeight) });
  });
  fit.observe(place);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = (): void => {
    colours.clear();
    plot.redraw(false);
  };
  scheme.addEventListener('change', redraw);

  return {
    show(data, all, at) {
      steps = all;
      marks = at;
      plot.setData(data);
    },
    redraw,
    destroy() {
      fit.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.destroy();
    },
  };
}

/** A colour token as the canvas understands it. */
function resolve(place: HTMLElement, token: string): string {
  const probe = place.ownerDocument.createElement('i');
  probe.style.color = `var(${token})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** The axis grows in strides, so that the curve does not shrink at every step. */
function niceEnd(step: number): number {
  let stride = 20;
  while (stride * 5 < step) stride *= 2;
  return Math.ceil((step + 1) / stride) * stride;
}

function drawMarks(plot: uPlot, marks: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const step of marks) {
    const x = Math.round(plot.valToPos(step, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

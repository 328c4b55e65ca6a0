// The trade-off between saving often and redoing much: the share of time lost over the interval, with where the room stands.

import type { JSX } from 'preact';
import { lostShare } from '../../checkpoint/interval.ts';
import type { SavePace } from '../../live/save-pacer.ts';
import { span } from '../format.ts';
import { words } from '../words.ts';

const WIDTH = 320;
const HEIGHT = 132;
const LEFT = 54;
const BOTTOM = 24;
const TOP = 8;
const POINTS = 64;
/** Powers of ten: the interval from a tenth of the best to ten times it; shares over the same span. */
const SPAN = 2;

export function TradeOff({ pace }: { readonly pace: SavePace }): JSX.Element {
  const { heldUpMs, mtbfMs, automaticMs, intervalMs } = pace;
  if (heldUpMs === undefined || automaticMs === undefined)
    return <p class="muted small">{words.checkpoints.noPace}</p>;
  const costs = { mtbfMs, costMs: Math.max(heldUpMs, 0.1) };
  const centre = Math.log10(automaticMs);
  const reach = Math.max(SPAN / 2, Math.abs(Math.log10(intervalMs ?? automaticMs) - centre) * 1.15);
  const intervals = Array.from(
    { length: POINTS + 1 },
    (_, i) => 10 ** (centre - reach + (2 * reach * i) / POINTS),
  );
  const shares = intervals.map((interval) => lostShare(costs, interval));
  const totals = shares.map(({ overhead, redone }) => overhead + redone);
  const high = Math.log10(Math.max(...totals));
  const low = Math.log10(Math.min(...totals)) - 0.7;
  const x = (interval: number): number =>
    LEFT + ((Math.log10(interval) - centre + reach) / (2 * reach)) * (WIDTH - LEFT - 8);
  const y = (share: number): number =>
    TOP + (1 - Math.min(1, Math.max(0, (Math.log10(share) - low) / (high - low)))) * (HEIGHT - TOP - BOTTOM);
  const line = (of: (share: { overhead: number; redone: number }) => number): string =>
    shares.map((share, i) => `${x(intervals[i] ?? 1).toFixed(1)},${y(of(share)).toFixed(1)}`).join(' ');
  const current = intervalMs ?? automaticMs;
  const here = lostShare(costs, current);
  const lost = here.overhead + here.redone;
  const told = words.checkpoints.tradeOff(
    span(current),
    share(lost),
    span(automaticMs),
    share(here.overhead),
  );

  return (
    <figure class="trade-off">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={told}>
        <line class="trade-axis" x1={LEFT} y1={HEIGHT - BOTTOM} x2={WIDTH - 8} y2={HEIGHT - BOTTOM} />
        <polyline class="trade-part" points={line(({ overhead }) => overhead)} />
        <polyline class="trade-part dashed" points={line(({ redone }) => redone)} />
        <polyline class="trade-total" points={line(({ overhead, redone }) => overhead + redone)} />
        <line class="trade-best" x1={x(automaticMs)} y1={TOP} x2={x(automaticMs)} y2={HEIGHT - BOTTOM} />
        <circle class="trade-here" cx={x(current)} cy={y(lost)} r="4.5" />
        <text class="trade-label" x={LEFT - 6} y={y(10 ** high) + 9} text-anchor="end">
          {share(10 ** high)}
        </text>
        <text class="trade-label" x={LEFT - 6} y={HEIGHT - BOTTOM} text-anchor="end">
          {share(10 ** low)}
        </text>
        <text class="trade-label" x={LEFT} y={HEIGHT - 8}>
          {span(intervals[0] ?? 0)}
        </text>
        <text class="trade-label" x={x(automaticMs)} y={HEIGHT - 8} text-anchor="middle">
          {span(automaticMs)}
        </text>
        <text class="trade-label" x={WIDTH - 8} y={HEIGHT - 8} text-anchor="end">
          {span(intervals.at(-1) ?? 0)}
        </text>
      </svg>
      <figcaption class="muted">{told}</figcaption>
    </figure>
  );
}

/** A small share, with two digits that matter. */
const share = (fraction: number): string => `${Number((100 * fraction).toPrecision(2))}%`;

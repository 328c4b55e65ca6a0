// What is under the pointer: the nearest message or mark within a few pixels.

import { segmentOf } from './paint.ts';
import type { Scene } from './scene.ts';
import { positionAt, xOf, yOf, type Frame } from './viewport.ts';

export type Picked =
  { readonly kind: 'message'; readonly item: number } | { readonly kind: 'mark'; readonly item: number };

const NEAR = 7;

export function pick(scene: Scene, frame: Frame, x: number, y: number): Picked | undefined {
  const [top, bottom] = [positionAt(frame, y - 40), positionAt(frame, y + 40)];
  let best: Picked | undefined;
  let nearest = NEAR;
  for (const stretch of scene.marks.within(positionAt(frame, y - NEAR), positionAt(frame, y + NEAR))) {
    const away = distance(x - xOf(scene, frame, stretch.from), y - yOf(frame, stretch.start));
    if (away > nearest) continue;
    nearest = away;
    best = { kind: 'mark', item: stretch.item };
  }
  for (const stretch of scene.messages.within(top, bottom)) {
    const { x1, y1, x2, y2 } = segmentOf(scene, frame, stretch);
    const [dx, dy] = [x2 - x1, y2 - y1];
    const length = dx * dx + dy * dy;
    const share = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length));
    const away = distance(x - x1 - share * dx, y - y1 - share * dy);
    if (away > nearest) continue;
    nearest = away;
    best = { kind: 'message', item: stretch.item };
  }
  return best;
}

const distance = (x: number, y: number): number => Math.sqrt(x * x + y * y);

// Which part of a scene is seen, and where things of it are on the canvas, in CSS pixels.

import type { Scene } from './scene.ts';

export interface Viewport {
  /** The position at the upper edge, below the head. */
  readonly top: number;
  /** Pixels for each unit of position. */
  readonly zoom: number;
}

export interface Frame extends Viewport {
  readonly width: number;
  readonly height: number;
}

/** In pixels: the names of lanes above, times at the left. */
export const HEAD = 28;
export const MARGIN = 72;
/** The room that things at the very end have below them. */
const TAIL = 28;
const MAX_ZOOM = 60;
/** One row of an order in which labels can be read. */
const READABLE = 18;

export const columnWidth = (scene: Scene, width: number): number =>
  (width - MARGIN) / Math.max(1, scene.columns.length);
export const xOf = (scene: Scene, frame: Pick<Frame, 'width'>, column: number): number =>
  MARGIN + (column + 0.5) * columnWidth(scene, frame.width);
export const yOf = ({ top, zoom }: Viewport, position: number): number => HEAD + 8 + (position - top) * zoom;
export const positionAt = ({ top, zoom }: Viewport, y: number): number => top + (y - HEAD - 8) / zoom;

/** The zoom at which everything is seen. */
export const fit = (scene: Scene, height: number): number =>
  Math.max(1e-6, (height - HEAD - TAIL - 8) / scene.length);

/** So many rows of what led to it stand above the first fault. */
const ROWS_BEFORE = 4;

/** Where a view begins: everything; or at a size that can be read what failed, else the first fault, else the start. */
export function firstView(scene: Scene, height: number): Viewport {
  const all = fit(scene, height);
  if (scene.scale === 'time' || all >= READABLE) return { top: 0, zoom: Math.min(all, MAX_ZOOM) };
  const fault = scene.headlines[0]?.position ?? 0;
  return clamp(scene, { top: scene.failing?.position ?? fault - ROWS_BEFORE, zoom: READABLE }, height);
}

/** Keeps a view within the scene. */
export function clamp(scene: Scene, { top, zoom }: Viewport, height: number): Viewport {
  const least = Math.min(fit(scene, height), MAX_ZOOM);
  const kept = Math.min(Math.max(zoom, least), scene.scale === 'order' ? MAX_ZOOM : 2000);
  const seen = (height - HEAD - TAIL - 8) / kept;
  return { top: Math.max(0, Math.min(top, scene.length - seen)), zoom: kept };
}

/** Zooms by a factor; what is at `y` stays there. */
export function zoomed(scene: Scene, frame: Frame, factor: number, y: number): Viewport {
  const at = positionAt(frame, y);
  const { zoom } = clamp(scene, { top: frame.top, zoom: frame.zoom * factor }, frame.height);
  return clamp(scene, { top: at - (y - HEAD - 8) / zoom, zoom }, frame.height);
}

/** Moves as little as possible, so that the position is seen. */
export function showing(scene: Scene, frame: Frame, position: number): Viewport {
  const y = yOf(frame, position);
  if (y >= HEAD + 24 && y <= frame.height - TAIL) return frame;
  const seen = (frame.height - HEAD) / frame.zoom;
  return clamp(scene, { top: position - seen / 2, zoom: frame.zoom }, frame.height);
}

// Paints a scene on a canvas: bands behind, then spans, messages, marks, headlines, and on top what is chosen.

import type { Cone } from './causality.ts';
import type { Palette } from './palette.ts';
import { fateOfLooks, colourOfLooks, SPAN_LOOKS, type Scene } from './scene.ts';
import type { Stretch } from './span-index.ts';
import { columnWidth, HEAD, MARGIN, positionAt, xOf, yOf, type Frame } from './viewport.ts';
import { colourOf, isRinged } from '../../trace/looks.ts';
import { toldWords } from '../told-words.ts';

export interface Chosen {
  readonly arrow: number;
  readonly cone: Cone;
}

export interface Painting {
  readonly scene: Scene;
  readonly frame: Frame;
  readonly palette: Palette;
  readonly chosen: Chosen | undefined;
  /** Where time stands: what comes later is veiled. */
  readonly cursor: number | undefined;
  /** Where it first differs from the run beside it. */
  readonly differsAt: number | undefined;
}

/** How many of each are drawn at most: more are one blur. */
const MAX_MESSAGES = 2500;
const MAX_MARKS = 1500;
const MAX_SPANS = 1500;
/** Before the name of a lane that shares its colour with another: the ring of its disc. */
const RING = '○ ';
/** Arrowheads and words, as long as they can be told apart. */
const MAX_HEADS = 400;
const MAX_WORDS = 90;
const FONT = '12px system-ui, sans-serif';
const SMALL = '11px system-ui, sans-serif';
/** How far a message that is lost is drawn, in pixels. */
const LOST_X = 26;
const LOST_Y = 9;

type Context = CanvasRenderingContext2D;

export function paint(context: Context, painting: Painting): void {
  const { scene, frame, palette } = painting;
  const { width, height } = frame;
  const [top, bottom] = [positionAt(frame, HEAD), positionAt(frame, height)];
  context.fillStyle = palette.surface;
  context.fillRect(0, 0, width, height);
  context.font = SMALL;
  context.textBaseline = 'middle';
  context.lineCap = 'butt';

  paintSpans(context, painting, top, bottom);
  paintLanes(context, painting);
  const messages = scene.messages.sketch(top, bottom, MAX_MESSAGES);
  paintMessages(context, painting, messages);
  paintMarks(context, painting, top, bottom);
  paintHeadlines(context, painting);
  if (painting.chosen !== undefined) paintChosen(context, painting, painting.chosen, top, bottom);
  paintCursor(context, painting);
  paintTimes(context, painting);
  paintHead(context, painting);
}

const slotOf = ({ columns, slots }: Scene, column: number): number =>
  slots[columns[column]?.lanes[0] ?? 0] ?? 0;
const laneColour = (scene: Scene, column: number, { lanes, ink }: Palette): string =>
  lanes[colourOf(slotOf(scene, column))] ?? ink;

function paintSpans(
  context: Context,
  { scene, frame, palette }: Painting,
  top: number,
  bottom: number,
): void {
  const wide = columnWidth(scene, frame.width);
  const bar = Math.max(3, Math.min(9, wide / 6));
  for (const { from, start, end, kind } of scene.spans.sketch(top, bottom, MAX_SPANS)) {
    const x = xOf(scene, frame, from);
    const y = Math.max(HEAD, yOf(frame, start));
    const tall = Math.max(1.5, Math.min(frame.height, yOf(frame, end)) - y);
    if (kind < SPAN_LOOKS.step) {
      context.fillStyle = palette.bands[kind & 1] ?? palette.surface;
      context.fillRect(x - wide / 2, y, wide, tall);
    } else if (kind < SPAN_LOOKS.gone) {
      context.fillStyle = laneColour(scene, from, palette);
      context.globalAlpha = kind & 1 ? 0.28 : 0.5;
      context.fillRect(x - bar / 2, y, bar, tall);
      context.globalAlpha = 1;
    } else {
      context.fillStyle = kind === SPAN_LOOKS.gone ? palette.bad : palette.warn;
      context.fillRect(x - bar / 2, y, bar, tall);
    }
  }
}

function paintLanes(context: Context, { scene, frame, palette }: Painting): void {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const [column] of scene.columns.entries()) {
    const x = Math.round(xOf(scene, frame, column)) + 0.5;
    context.moveTo(x, HEAD);
    context.lineTo(x, Math.min(frame.height, yOf(frame, scene.length)));
  }
  context.stroke();
}

interface Segment {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Where a message is drawn. One that did not arrive ends on its way. */
export function segmentOf(scene: Scene, frame: Frame, { from, to, start, end, kind }: Stretch): Segment {
  const [x1, y1] = [xOf(scene, frame, from), yOf(frame, start)];
  if (fateOfLooks(kind) === 'arrived') return { x1, y1, x2: xOf(scene, frame, to), y2: yOf(frame, end) };
  const ahead = from === to ? 0 : Math.sign(to - from);
  return { x1, y1, x2: x1 + ahead * LOST_X, y2: y1 + LOST_Y };
}

function paintMessages(
  context: Context,
  { scene, frame, palette, chosen }: Painting,
  all: readonly Stretch[],
): void {
  const byKind = new Map<number, Stretch[]>();
  for (const message of all) {
    const kind = colourOfLooks(message.kind);
    const those = byKind.get(kind);
    if (those === undefined) byKind.set(kind, [message]);
    else those.push(message);
  }
  const withHeads = all.length <= MAX_HEADS;
  context.lineWidth = 1.25;
  context.globalAlpha = chosen === undefined ? 1 : 0.22;
  for (const [kind, messages] of byKind) {
    const colour = palette.kinds[kind % palette.kinds.length] ?? palette.ink;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.beginPath();
    const heads: Segment[] = [];
    for (const message of messages) {
      const segment = segmentOf(scene, frame, message);
      const { x1, y1, x2, y2 } = segment;
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      const fate = fateOfLooks(message.kind);
      if (fate === 'arrived') heads.push(segment);
      if (fate === 'lost') {
        context.moveTo(x2 - 4, y2 - 4);
        context.lineTo(x2 + 4, y2 + 4);
        context.moveTo(x2 + 4, y2 - 4);
        context.lineTo(x2 - 4, y2 + 4);
      }
    }
    context.stroke();
    if (withHeads) for (const segment of heads) paintHeadOf(context, segment);
  }
  if (all.length <= MAX_WORDS) paintLabels(context, { scene, frame, palette }, all);
  context.globalAlpha = 1;
}

function paintHeadOf(context: Context, { x1, y1, x2, y2 }: Segment): void {
  const length = Math.max(1, Math.sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1)));
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 7 * dx - 3.2 * dy, y2 - 7 * dy + 3.2 * dx);
  context.lineTo(x2 - 7 * dx + 3.2 * dy, y2 - 7 * dy - 3.2 * dx);
  context.fill();
}

function paintLabels(
  context: Context,
  { scene, frame, palette }: Pick<Painting, 'scene' | 'frame' | 'palette'>,
  all: readonly Stretch[],
): void {
  const room = columnWidth(scene, frame.width) * 0.42;
  if (room < 40) return;
  context.font = SMALL;
  for (const message of all) {
    const { x1, y1, x2, y2 } = segmentOf(scene, frame, message);
    const label = scene.diagram.arrows[message.item]?.label ?? '';
    const side = x2 >= x1 ? 1 : -1;
    context.textAlign = side > 0 ? 'left' : 'right';
    // Beside its beginning, where lines lie furthest apart.
    const isWhole = fateOfLooks(message.kind) === 'arrived';
    const share = isWhole ? 0.16 : 1;
    const x = x1 + (x2 - x1) * share + side * (isWhole ? 4 : 10);
    outlined(context, palette, fitted(context, label, room), x, y1 + (y2 - y1) * share - 1, palette.soft);
  }
}

function paintMarks(
  context: Context,
  { scene, frame, palette }: Painting,
  top: number,
  bottom: number,
): void {
  const marks = scene.marks.sketch(top, bottom, MAX_MARKS);
  const colours = [palette.ink, palette.good, palette.bad];
  for (const { from, start, kind } of marks) {
    context.fillStyle = colours[kind] ?? palette.ink;
    context.beginPath();
    context.arc(xOf(scene, frame, from), yOf(frame, start), 3, 0, 2 * Math.PI);
    context.fill();
  }
  const room = columnWidth(scene, frame.width) - 24;
  if (marks.length > MAX_WORDS || room < 60) return;
  context.textAlign = 'left';
  context.font = FONT;
  const taken = new Map<number, number>();
  for (const { from, start, item, kind } of marks) {
    const y = yOf(frame, start);
    // Words that would lie on each other are left out: hovering says them.
    if (y - (taken.get(from) ?? -Infinity) < 12) continue;
    taken.set(from, y);
    const text = fitted(context, scene.diagram.marks[item]?.text ?? '', room);
    const x = xOf(scene, frame, from);
    // At the right edge there is room at the left only.
    const isAtEdge = x + 12 + widthOf(context, text) > frame.width;
    context.textAlign = isAtEdge ? 'right' : 'left';
    outlined(context, palette, text, isAtEdge ? x - 9 : x + 9, y, colours[kind] ?? palette.ink);
  }
}

function paintHeadlines(context: Context, { scene, frame, palette, differsAt }: Painting): void {
  const rule = (position: number, text: string, colour: string, isBold: boolean): void => {
    const y = yOf(frame, position);
    if (y < HEAD || y > frame.height) return;
    context.strokeStyle = colour;
    context.lineWidth = isBold ? 2 : 1;
    context.setLineDash(isBold ? [] : [5, 4]);
    context.beginPath();
    context.moveTo(MARGIN - 8, y);
    context.lineTo(frame.width, y);
    context.stroke();
    context.setLineDash([]);
    context.textAlign = 'right';
    context.font = isBold ? `bold ${FONT}` : FONT;
    const words = fitted(context, text, frame.width - MARGIN - 16);
    const wide = widthOf(context, words) + 8;
    // On a ground of its own: messages end where it says what they led to.
    context.fillStyle = palette.surface;
    context.fillRect(frame.width - 4 - wide, y - 16, wide, 15);
    outlined(context, palette, words, frame.width - 8, y - 8, colour);
  };
  for (const { position, text } of scene.headlines) rule(position, text, palette.warn, false);
  if (differsAt !== undefined) rule(differsAt, palette.words.differs, palette.accent, true);
  const { failing } = scene;
  if (failing !== undefined) rule(failing.position, toldWords.told(failing.sentence), palette.bad, true);
}

function paintChosen(
  context: Context,
  { scene, frame, palette }: Painting,
  { arrow, cone }: Chosen,
  top: number,
  bottom: number,
): void {
  const draw = (messages: readonly Stretch[], colour: string, width: number): void => {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    const segments = messages.map((message) => segmentOf(scene, frame, message));
    for (const { x1, y1, x2, y2 } of segments) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
    if (segments.length <= MAX_HEADS) for (const segment of segments) paintHeadOf(context, segment);
  };
  const seen = scene.messages.within(top, bottom);
  const past = seen.filter(({ item }) => cone.past.has(item));
  const future = seen.filter(({ item }) => cone.future.has(item));
  draw(past.slice(-MAX_MESSAGES), palette.past, 1.6);
  draw(future.slice(0, MAX_MESSAGES), palette.future, 1.6);
  draw(
    seen.filter(({ item }) => item === arrow),
    palette.ink,
    2.6,
  );
}

function paintCursor(context: Context, { scene, frame, palette, cursor }: Painting): void {
  if (cursor === undefined) return;
  const y = Math.max(HEAD, yOf(frame, cursor));
  if (y > frame.height) return;
  context.fillStyle = palette.surface;
  context.globalAlpha = 0.66;
  context.fillRect(MARGIN - 8, y + 1, frame.width, frame.height - y);
  context.globalAlpha = 1;
  context.strokeStyle = palette.accent;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(MARGIN - 12, y);
  context.lineTo(xOf(scene, frame, scene.columns.length - 0.5), y);
  context.stroke();
}

/** Whole times where there is room for them. */
function paintTimes(context: Context, { scene, frame, palette }: Painting): void {
  context.fillStyle = palette.surface;
  context.fillRect(0, HEAD, MARGIN - 12, frame.height);
  context.fillStyle = palette.soft;
  context.textAlign = 'right';
  context.font = SMALL;
  let shown = '';
  const every = Math.max(22, scene.scale === 'order' ? frame.zoom : 22);
  for (let y = HEAD + 8; y < frame.height - 6; y += every) {
    const position = Math.round(positionAt(frame, y) * 1000) / 1000;
    if (position > scene.length) break;
    const text = `${(scene.timeAt(position) / 1000).toFixed(3)} s`;
    if (text !== shown) context.fillText(text, MARGIN - 16, y);
    shown = text;
  }
}

function paintHead(context: Context, { scene, frame, palette }: Painting): void {
  context.fillStyle = palette.surface;
  context.fillRect(0, 0, frame.width, HEAD);
  context.font = `600 ${FONT}`;
  context.textAlign = 'center';
  const room = columnWidth(scene, frame.width) - 8;
  for (const [column, { name }] of scene.columns.entries()) {
    context.fillStyle = laneColour(scene, column, palette);
    const text = room < 60 ? name.replace(/^\w+ /, '') : toldWords.lane(name);
    const ring = isRinged(slotOf(scene, column)) ? RING : '';
    context.fillText(fitted(context, ring + text, Math.max(room, 18)), xOf(scene, frame, column), HEAD / 2);
  }
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, HEAD - 0.5);
  context.lineTo(frame.width, HEAD - 0.5);
  context.stroke();
}

function outlined(
  context: Context,
  palette: Palette,
  text: string,
  x: number,
  y: number,
  colour: string,
): void {
  context.lineWidth = 3;
  context.strokeStyle = palette.surface;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** Measured once for each text. */
const widths = new Map<string, number>();
function widthOf(context: Context, text: string): number {
  const key = `${context.font}|${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > 5000) widths.clear();
    width = context.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

function fitted(context: Context, text: string, room: number): string {
  const width = widthOf(context, text);
  if (width <= room) return text;
  return `${text.slice(0, Math.max(1, Math.floor((text.length * room) / width) - 1))}…`;
}

// The colours that the canvas paints with, as the page's theme has them.

import { diagramWords } from './diagram-words.ts';
import { COLOURS } from '../../trace/looks.ts';

export interface Palette {
  readonly surface: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly good: string;
  readonly bad: string;
  readonly warn: string;
  readonly accent: string;
  readonly past: string;
  readonly future: string;
  /** One a rank, as everywhere in the lab. */
  readonly lanes: readonly string[];
  /** One a kind of message. */
  readonly kinds: readonly string[];
  /** Generations, in turn. */
  readonly bands: readonly string[];
  /** The painter's only words. */
  readonly words: { readonly differs: string };
}

/** As many as diagram.css defines. */
export const KIND_COLOURS = 8;

export const kindVariable = (kind: number): string => `var(--kind-${kind % KIND_COLOURS})`;

/** Reads what the variables come to at an element: some are different in light and dark. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const read = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const many = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => read(`--${name}-${i}`));
  const palette: Palette = {
    surface: read('--surface'),
    ink: read('--ink'),
    soft: read('--ink-2'),
    line: read('--line-strong'),
    good: read('--good'),
    bad: read('--bad'),
    warn: read('--warn'),
    accent: read('--rank-5'),
    past: read('--rank-0'),
    future: read('--rank-1'),
    lanes: many('rank', COLOURS),
    kinds: many('kind', KIND_COLOURS),
    bands: many('band', 2),
    words: { differs: diagramWords.differs },
  };
  probe.remove();
  return palette;
}

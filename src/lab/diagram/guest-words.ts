// What a simulator says of nodes that run an example or a reader's own protocol, in the language of the page. It says so in English, in a
// sandbox without our words; what a protocol reports itself is its author's, but for the examples, which come with the page.

import type { Diagram } from '../../trace/diagram.ts';
import { wordTable } from '../language/word-table.ts';

const english = {
  mark: (text: string): string => text,
  headline: (text: string): string => text,
};

const words = wordTable<typeof english>(english, async () => (await import('./guest-words-zh.ts')).chinese);

/** The diagram in the language that the page speaks now. One of the room was told in it from the beginning. */
export function toldDiagram(diagram: Diagram): Diagram {
  const { mark, headline } = words;
  const isOfNodes = diagram.lanes.some(({ name }) => /^node \d/u.test(name));
  if (!isOfNodes || mark === english.mark) return diagram;
  return {
    ...diagram,
    marks: diagram.marks.map((one) => ({ ...one, text: mark(one.text) })),
    headlines: diagram.headlines.map((one) => ({ ...one, text: headline(one.text) })),
  };
}

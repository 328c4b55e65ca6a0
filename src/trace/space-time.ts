// A diagram as SVG: a line for each member, time downward, messages as arrows. Rows follow the order of what happened, not its time:
// races happen within milliseconds.

import type { Arrow, Diagram, Headline, Mark, Moment, Span } from './diagram.ts';

type Row = Moment &
  (
    | { readonly kind: 'mark'; readonly mark: Mark }
    | { readonly kind: 'headline'; readonly headline: Headline }
    | { readonly kind: 'sent'; readonly arrow: Arrow }
    | { readonly kind: 'received'; readonly arrow: Arrow }
    | { readonly kind: 'gone'; readonly span: Span }
    | { readonly kind: 'back'; readonly span: Span }
  );

/** How it ended is what matters: of a long run, this many of the last rows are drawn. */
const MAX_ROWS = 400;
const MAX_LABEL = 48;
/** In pixels. */
const ROW = 16;
const LANE = 240;
const LEFT = 80;
const TOP = 40;
/** How far a message that is lost is drawn, of its way. */
const LOST = 0.3;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const short = (text: string): string =>
  escape(text.length <= MAX_LABEL ? text : `${text.slice(0, MAX_LABEL - 1)}…`);
const seconds = (ms: number): string => `${(Math.round(ms) / 1000).toFixed(3)} s`;

/** All that a diagram holds, row by row. */
function rowsOf({ marks, headlines, arrows, spans }: Diagram): readonly Row[] {
  const rows: Row[] = [
    ...marks.map((mark): Row => ({ kind: 'mark', at: mark.at, seq: mark.seq, mark })),
    ...headlines.map((headline): Row => ({ kind: 'headline', at: headline.at, seq: headline.seq, headline })),
    ...arrows.flatMap((arrow): readonly Row[] => [
      { kind: 'sent', ...arrow.sent, arrow },
      ...(arrow.received === undefined ? [] : [{ kind: 'received', ...arrow.received, arrow } as const]),
    ]),
    ...spans
      .filter(({ kind }) => kind === 'gone')
      .flatMap((span): readonly Row[] => [
        { kind: 'gone', ...span.from, span },
        { kind: 'back', ...span.to, span },
      ]),
  ];
  return rows.sort((a, b) => a.at - b.at || a.seq - b.seq).slice(-MAX_ROWS);
}

export function spaceTimeSvg(diagram: Diagram): string {
  const { lanes, failing } = diagram;
  const rows = rowsOf(
    failing === undefined
      ? diagram
      : { ...diagram, headlines: [...diagram.headlines, { ...failing, text: failing.sentence }] },
  );
  const x = (lane: number): number => LEFT + lane * LANE;
  const y = (row: number): number => TOP + (row + 0.5) * ROW;
  const width = LEFT + lanes.length * LANE;
  const height = TOP + (rows.length + 1) * ROW;
  const rowOfSending = new Map<Arrow, number>();
  const rowOfGoing = new Map<Span, number>();
  const lines: string[] = [];
  let shownAt = '';
  for (const [row, item] of rows.entries()) {
    const time = seconds(item.at);
    if (time !== shownAt) lines.push(`<text class="t" x="4" y="${y(row) + 4}">${time}</text>`);
    shownAt = time;
    switch (item.kind) {
      case 'mark':
        lines.push(
          `<circle cx="${x(item.mark.lane)}" cy="${y(row)}" r="3"/>`,
          `<text x="${x(item.mark.lane) + 8}" y="${y(row) + 4}">${short(item.mark.text)}</text>`,
        );
        break;
      case 'headline':
        lines.push(
          `<line class="h" x1="${LEFT - 10}" x2="${width}" y1="${y(row)}" y2="${y(row)}"/>`,
          `<text class="h" x="${LEFT + 8}" y="${y(row) - 3}">${escape(item.headline.text)}</text>`,
        );
        break;
      case 'gone':
        rowOfGoing.set(item.span, row);
        break;
      case 'back': {
        const lane = x(item.span.lane);
        const from = rowOfGoing.get(item.span) ?? -1;
        lines.push(`<line class="g" x1="${lane}" x2="${lane}" y1="${y(from)}" y2="${y(row)}"/>`);
        break;
      }
      case 'sent': {
        rowOfSending.set(item.arrow, row);
        const { from, to, received, label } = item.arrow;
        if (received !== undefined || from === to) break;
        const [endX, endY] = [x(from) + (x(to) - x(from)) * LOST, y(row) + ROW];
        lines.push(
          `<line class="x" x1="${x(from)}" y1="${y(row)}" x2="${endX}" y2="${endY}"/>`,
          `<path class="x" d="M${endX - 4} ${endY - 4}l8 8m0 -8l-8 8"/>`,
          `<text class="m" text-anchor="${x(to) < x(from) ? 'end' : 'start'}" x="${endX + (x(to) < x(from) ? -8 : 8)}" y="${endY + 4}">${short(label)}</text>`,
        );
        break;
      }
      case 'received': {
        const { from, to, label } = item.arrow;
        // Sent before the first row that is drawn.
        const sent = rowOfSending.get(item.arrow) ?? -1;
        const side = x(from) <= x(to) ? -8 : 8;
        const anchor = side < 0 ? 'end' : 'start';
        lines.push(
          from === to
            ? `<path d="M${x(from)} ${y(sent)}q24 ${(y(row) - y(sent)) / 2} 0 ${y(row) - y(sent)}" fill="none" marker-end="url(#a)"/>`
            : `<line x1="${x(from)}" y1="${y(sent)}" x2="${x(to)}" y2="${y(row)}" marker-end="url(#a)"/>`,
          `<text class="m" text-anchor="${anchor}" x="${x(to) + side}" y="${y(row) - 2}">${short(label)}</text>`,
        );
      }
    }
  }
  const axes = lanes.map(
    ({ name }, lane) =>
      `<line class="l" x1="${x(lane)}" x2="${x(lane)}" y1="${TOP}" y2="${height}"/>` +
      `<text class="n" x="${x(lane)}" y="24">${escape(name)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>text{font:11px sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:3px}.t,.m{fill:#667}.n{font-weight:bold;text-anchor:middle}.h{fill:#a40}line,path{stroke:#357;stroke-width:1}line.h{stroke:#a40;stroke-dasharray:4 3}line.l{stroke:#bbb}line.g{stroke:#a40;stroke-width:5;opacity:.5}.x{stroke:#a40;fill:none}circle{fill:#222}</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#357"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
${[...axes, ...lines].join('\n')}
</svg>
`;
}

// A run as a space-time diagram in SVG: a line for each member, time downward, messages as arrows (L. Lamport, "Time, Clocks, and the
// Ordering of Events in a Distributed System", 1978). Rows follow the order of what happened, not its time: races happen within milliseconds.

export interface SpaceTimeWriter {
  note(member: string, at: number, text: string): void;
  /** What happened to the room, not to a member. */
  headline(at: number, text: string): void;
  message(from: string, to: string, label: string, sentAt: number, at: number): void;
  /** The file's text. */
  text(): string;
}

type Item =
  | { readonly kind: 'note'; readonly at: number; readonly member: string; readonly text: string }
  | { readonly kind: 'headline'; readonly at: number; readonly text: string }
  | { readonly kind: 'sent'; readonly at: number; readonly message: Message }
  | { readonly kind: 'received'; readonly at: number; readonly message: Message };

interface Message {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** How it ended is what matters: of a long run, this many of the last rows are drawn. */
const MAX_ROWS = 400;
const MAX_LABEL = 48;
/** In pixels. */
const ROW = 16;
const LANE = 240;
const LEFT = 80;
const TOP = 40;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const short = (text: string): string =>
  escape(text.length <= MAX_LABEL ? text : `${text.slice(0, MAX_LABEL - 1)}…`);
const seconds = (ms: number): string => `${(Math.round(ms) / 1000).toFixed(3)} s`;

export function writeSpaceTime(): SpaceTimeWriter {
  const items: Item[] = [];
  const lanes = new Map<string, number>();
  const laneOf = (member: string): number => {
    let lane = lanes.get(member);
    if (lane === undefined) {
      lane = lanes.size;
      lanes.set(member, lane);
    }
    return lane;
  };
  const x = (member: string): number => LEFT + laneOf(member) * LANE;

  return {
    note(member, at, text) {
      laneOf(member);
      items.push({ kind: 'note', at, member, text });
    },
    headline(at, text) {
      items.push({ kind: 'headline', at, text });
    },
    message(from, to, label, sentAt, at) {
      laneOf(from);
      laneOf(to);
      const message = { from, to, label };
      items.push({ kind: 'sent', at: sentAt, message }, { kind: 'received', at, message });
    },
    text() {
      const rows = [...items].sort((a, b) => a.at - b.at).slice(-MAX_ROWS);
      const width = LEFT + lanes.size * LANE;
      const height = TOP + (rows.length + 1) * ROW;
      const y = (row: number): number => TOP + (row + 0.5) * ROW;
      const rowOfSending = new Map<Message, number>();
      const lines: string[] = [];
      let shownAt = '';
      for (const [row, item] of rows.entries()) {
        const time = seconds(item.at);
        if (time !== shownAt) lines.push(`<text class="t" x="4" y="${y(row) + 4}">${time}</text>`);
        shownAt = time;
        switch (item.kind) {
          case 'note':
            lines.push(
              `<circle cx="${x(item.member)}" cy="${y(row)}" r="3"/>`,
              `<text x="${x(item.member) + 8}" y="${y(row) + 4}">${short(item.text)}</text>`,
            );
            break;
          case 'headline':
            lines.push(
              `<line class="h" x1="${LEFT - 10}" x2="${width}" y1="${y(row)}" y2="${y(row)}"/>`,
              `<text class="h" x="${LEFT + 8}" y="${y(row) - 3}">${escape(item.text)}</text>`,
            );
            break;
          case 'sent':
            rowOfSending.set(item.message, row);
            break;
          case 'received': {
            const { from, to, label } = item.message;
            // Sent before the first row that is drawn.
            const sent = rowOfSending.get(item.message) ?? -1;
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
      const axes = [...lanes.keys()].map(
        (member) =>
          `<line class="l" x1="${x(member)}" x2="${x(member)}" y1="${TOP}" y2="${height}"/>` +
          `<text class="n" x="${x(member)}" y="24">${escape(member)}</text>`,
      );
      return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>text{font:11px sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:3px}.t,.m{fill:#667}.n{font-weight:bold;text-anchor:middle}.h{fill:#a40}line,path{stroke:#357;stroke-width:1}line.h{stroke:#a40;stroke-dasharray:4 3}line.l{stroke:#bbb}circle{fill:#222}</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#357"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
${[...axes, ...lines].join('\n')}
</svg>
`;
    },
  };
}

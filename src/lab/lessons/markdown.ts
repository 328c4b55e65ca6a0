// A lesson's Markdown as a small tree, and nothing else: no HTML, no image, no address that a click could run. What is not in the tree
// cannot be shown, so a file that somebody else wrote is safe to open.

import { Lexer, type Token, type Tokens } from 'marked';

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: 'break' };

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly children: readonly Block[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Block[])[] }
  | {
      readonly kind: 'table';
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly kind: 'rule' };

/** Deeper nesting than any text needs is shown as plain text. */
const MAX_DEPTH = 12;

export const parseMarkdown = (text: string): readonly Block[] => blocks(Lexer.lex(text), 0);

function blocks(tokens: readonly Token[], depth: number): readonly Block[] {
  return tokens.flatMap((token): readonly Block[] => {
    if (depth > MAX_DEPTH) return [{ kind: 'code', text: token.raw }];
    switch (token.type) {
      case 'heading': {
        const { depth: level, tokens: inner } = token as Tokens.Heading;
        return [{ kind: 'heading', level, children: inlines(inner, depth) }];
      }
      case 'paragraph':
        return [{ kind: 'paragraph', children: inlines((token as Tokens.Paragraph).tokens, depth) }];
      case 'text': {
        const { tokens: inner, text } = token as Tokens.Text;
        return [{ kind: 'paragraph', children: inner === undefined ? [plain(text)] : inlines(inner, depth) }];
      }
      case 'code':
        return [{ kind: 'code', text: (token as Tokens.Code).text }];
      case 'blockquote':
        return [{ kind: 'quote', children: blocks((token as Tokens.Blockquote).tokens, depth + 1) }];
      case 'list': {
        const { ordered, items } = token as Tokens.List;
        return [{ kind: 'list', ordered, items: items.map((item) => blocks(item.tokens, depth + 1)) }];
      }
      case 'table': {
        const { header, rows } = token as Tokens.Table;
        const cells = (row: readonly Tokens.TableCell[]) => row.map((cell) => inlines(cell.tokens, depth));
        return [{ kind: 'table', head: cells(header), rows: rows.map(cells) }];
      }
      case 'hr':
        return [{ kind: 'rule' }];
      case 'html':
        // As it is written, for whoever wonders where it went.
        return [{ kind: 'paragraph', children: [plain(token.raw.trim())] }];
      // Blank lines, definitions of links, and whatever else a later version of the lexer may know.
      default:
        return [];
    }
  });
}

function inlines(tokens: readonly Token[], depth: number): readonly Inline[] {
  return tokens.flatMap((token): readonly Inline[] => {
    if (depth > MAX_DEPTH) return [plain(token.raw)];
    switch (token.type) {
      case 'text':
      case 'escape': {
        const { text, tokens: inner } = token as Tokens.Text;
        return inner === undefined ? [plain(text)] : inlines(inner, depth + 1);
      }
      case 'codespan':
        return [{ kind: 'code', text: (token as Tokens.Codespan).text }];
      case 'strong':
        return [{ kind: 'strong', children: inlines((token as Tokens.Strong).tokens, depth + 1) }];
      case 'em':
        return [{ kind: 'emphasis', children: inlines((token as Tokens.Em).tokens, depth + 1) }];
      case 'del':
        return inlines((token as Tokens.Del).tokens, depth + 1);
      case 'link': {
        const { href, tokens: inner } = token as Tokens.Link;
        const children = inlines(inner, depth + 1);
        return isSafe(href) ? [{ kind: 'link', href, children }] : children;
      }
      case 'image':
        // A picture from elsewhere would tell its server who reads this. Its words stay.
        return [plain((token as Tokens.Image).text)];
      case 'br':
        return [{ kind: 'break' }];
      // Raw HTML among the words, as it is written.
      default:
        return [plain(token.raw)];
    }
  });
}

const plain = (text: string): Inline => ({ kind: 'text', text: text.replace(NO_BLANK, '') });

/** Where a line of Chinese ends, the browser would put a blank: there is none within it, nor beside its punctuation. */
const NO_BLANK =
  /(?<=[\u3000-\u303f\uff00-\uffef])\n|\n(?=[\u3000-\u303f\uff00-\uffef])|(?<=\p{Script=Han})\n(?=\p{Script=Han})/gu;

/** Opened by a click alone, and never anything but another page. */
const isSafe = (href: string): boolean => /^https:\/\/[^\s\\]+$/i.test(href);

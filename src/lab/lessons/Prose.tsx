// A lesson's text on the page.

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { parseMarkdown, type Block, type Inline } from './markdown.ts';

export function Prose({
  text,
  language,
}: {
  readonly text: string;
  readonly language: string | undefined;
}): JSX.Element {
  const tree = useMemo(() => parseMarkdown(text), [text]);
  return (
    <div class="prose" {...(language === undefined ? {} : { lang: language })}>
      <Blocks blocks={tree} />
    </div>
  );
}

const Blocks = ({ blocks }: { readonly blocks: readonly Block[] }): JSX.Element => (
  <>
    {blocks.map((block, i) => (
      <BlockView key={i} block={block} />
    ))}
  </>
);

function BlockView({ block }: { readonly block: Block }): JSX.Element {
  switch (block.kind) {
    case 'heading':
      // Under the lesson's title, which is the page's first level.
      return block.level <= 2 ? (
        <h2>
          <Inlines inlines={block.children} />
        </h2>
      ) : (
        <h3>
          <Inlines inlines={block.children} />
        </h3>
      );
    case 'paragraph':
      return (
        <p>
          <Inlines inlines={block.children} />
        </p>
      );
    case 'code':
      return (
        <pre tabindex={0}>
          <code>{block.text}</code>
        </pre>
      );
    case 'quote':
      return (
        <blockquote>
          <Blocks blocks={block.children} />
        </blockquote>
      );
    case 'list': {
      const items = block.items.map((item, i) => (
        <li key={i}>
          <Blocks blocks={item} />
        </li>
      ));
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table':
      return (
        <table>
          <thead>
            <tr>
              {block.head.map((cell, i) => (
                <th key={i} scope="col">
                  <Inlines inlines={cell} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, j) => (
                  <td key={j}>
                    <Inlines inlines={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
    case 'rule':
      return <hr />;
  }
}

const Inlines = ({ inlines }: { readonly inlines: readonly Inline[] }): JSX.Element => (
  <>
    {inlines.map((inline, i) => (
      <InlineView key={i} inline={inline} />
    ))}
  </>
);

function InlineView({ inline }: { readonly inline: Inline }): JSX.Element {
  switch (inline.kind) {
    case 'text':
      return <>{inline.text}</>;
    case 'code':
      return <code>{inline.text}</code>;
    case 'strong':
      return (
        <strong>
          <Inlines inlines={inline.children} />
        </strong>
      );
    case 'emphasis':
      return (
        <em>
          <Inlines inlines={inline.children} />
        </em>
      );
    case 'link':
      return (
        <a href={inline.href} target="_blank" rel="noopener noreferrer nofollow">
          <Inlines inlines={inline.children} />
        </a>
      );
    case 'break':
      return <br />;
  }
}

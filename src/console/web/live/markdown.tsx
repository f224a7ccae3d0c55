/** Markdown as elements. What an agent wrote never becomes HTML. */
import type { ComponentChildren } from 'preact';
import { memo } from '../ui/memo.ts';
import { ScrollText } from '../ui/scroll-text.tsx';
import { Shown } from '../ui/shown.tsx';
import { type Block, type Inline, isSafeLink, parseMarkdown } from './markdown.ts';

export const Markdown = memo(({ source }: { source: string }) => (
  <div class="prose">{parseMarkdown(source).map(block)}</div>
));

function block(node: Block, key: number): ComponentChildren {
  switch (node.kind) {
    case 'paragraph':
      return <p key={key}>{inlines(node.children)}</p>;
    case 'heading': {
      // Below the page's own headings, which end at the agent's name.
      const Rank = `h${Math.min(node.level + 2, 6)}` as 'h3';
      return (
        <Rank key={key} class={`h h${Math.min(node.level, 4)}`}>
          {inlines(node.children)}
        </Rank>
      );
    }
    case 'code':
      return (
        <ScrollText
          key={key}
          label={`Code ${node.language}`}
          language={node.language || undefined}
          text={node.text}
        />
      );
    case 'quote':
      return <blockquote key={key}>{node.children.map(block)}</blockquote>;
    case 'list': {
      const items = node.items.map((item, index) => <li key={index}>{listItem(item)}</li>);
      return node.ordered ? (
        <ol key={key} start={node.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case 'table':
      return (
        <div key={key} class="table">
          <table>
            <thead>
              <tr>
                {node.head.map((cell, index) => (
                  <th key={index}>{inlines(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {node.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>{inlines(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case 'gap':
      return (
        <p key={key} class="fold-mark">
          ⋯ {node.lines} blank lines ⋯
        </p>
      );
    case 'rule':
      return <hr key={key} />;
  }
}

/** The words of a link say nothing of where it leads. */
function leadsElsewhere({ href, children }: Extract<Inline, { kind: 'link' }>): boolean {
  const [only] = children;
  return !(children.length === 1 && only?.kind === 'text' && only.text === href);
}

/** A lone paragraph in a list item is not spaced like one. */
function listItem(blocks: Block[]): ComponentChildren {
  return blocks.map((node, index) =>
    node.kind === 'paragraph' ? inlines(node.children) : block(node, index),
  );
}

function inlines(nodes: Inline[]): ComponentChildren {
  return nodes.map(inline);
}

function inline(node: Inline, key: number): ComponentChildren {
  switch (node.kind) {
    case 'text':
      return <Shown key={key} text={node.text} as="prose" />;
    case 'code':
      return (
        <code key={key}>
          <Shown text={node.text} as="code" />
        </code>
      );
    case 'strong':
      return <strong key={key}>{inlines(node.children)}</strong>;
    case 'em':
      return <em key={key}>{inlines(node.children)}</em>;
    case 'strike':
      return <s key={key}>{inlines(node.children)}</s>;
    case 'link':
      return isSafeLink(node.href) ? (
        <a key={key} href={node.href} target="_blank" rel="noopener noreferrer nofollow">
          {inlines(node.children)}
          {leadsElsewhere(node) && (
            <span class="faint">
              {' '}
              (<Shown text={node.href} as="code" />)
            </span>
          )}
        </a>
      ) : (
        inlines(node.children)
      );
  }
}

/** Markdown's tokens as React elements. Nothing is ever parsed as HTML: what looks like it is shown as text. */

import type { Token, Tokens } from 'marked';
import { Fragment, type ReactNode } from 'react';

import { CodeBlock } from './CodeBlock';
import { safeHref } from './links';
import { childTokens, decodeEntities } from './text';

/** A block, or a piece of text within one. */
export function element(token: Token): ReactNode {
  switch (token.type) {
    case 'paragraph':
      return <p>{children(token)}</p>;
    case 'heading':
      return heading(token as Tokens.Heading);
    case 'list':
      return list(token as Tokens.List);
    case 'blockquote':
      return <blockquote>{children(token)}</blockquote>;
    case 'code': {
      const { text, lang } = token as Tokens.Code;
      return <CodeBlock code={text} language={lang ?? ''} />;
    }
    case 'table':
      return table(token as Tokens.Table);
    case 'hr':
      return <hr />;
    case 'strong':
      return <strong>{children(token)}</strong>;
    case 'em':
      return <em>{children(token)}</em>;
    case 'del':
      return <del>{children(token)}</del>;
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return link((token as Tokens.Link).href, children(token));
    case 'image': {
      // Not loaded: an address made by a model could carry the conversation away.
      const { href, text } = token as Tokens.Image;
      return link(href, decodeEntities(text) || 'image');
    }
    case 'html':
      return token.raw;
    case 'space':
    case 'def':
    case 'checkbox':
      return null;
    case 'text':
      return childTokens(token).length > 0 ? children(token) : decodeEntities(token.raw);
    default:
      return 'text' in token ? decodeEntities(String(token.text)) : token.raw;
  }
}

function children(token: Token | Tokens.ListItem): ReactNode {
  return childTokens(token).map((child, index) => (
    <Fragment key={index}>{element(child)}</Fragment>
  ));
}

function heading(token: Tokens.Heading): ReactNode {
  // The page's own headings are the first two levels.
  const Level = `h${Math.min(token.depth + 2, 6)}` as 'h3' | 'h4' | 'h5' | 'h6';
  return <Level>{children(token)}</Level>;
}

function list({ ordered, start, items }: Tokens.List): ReactNode {
  const elements = items.map((item, index) => (
    <li key={index} className={item.task ? 'task' : undefined}>
      {item.task && (
        <input
          type="checkbox"
          checked={item.checked === true}
          readOnly
          disabled
          aria-label={item.checked === true ? 'done' : 'to do'}
        />
      )}
      {children(item)}
    </li>
  ));
  if (!ordered) return <ul>{elements}</ul>;
  return <ol start={start === '' ? undefined : start}>{elements}</ol>;
}

function table({ header, rows }: Tokens.Table): ReactNode {
  const cells = (row: Tokens.TableCell[], Cell: 'th' | 'td'): ReactNode =>
    row.map((cell, index) => (
      <Cell key={index} style={cell.align ? { textAlign: cell.align } : undefined}>
        {cell.tokens.map((token, at) => (
          <Fragment key={at}>{element(token)}</Fragment>
        ))}
      </Cell>
    ));
  return (
    // Wide ones scroll by themselves, also with the keyboard.
    <div className="table" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>{cells(header, 'th')}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>{cells(row, 'td')}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function link(href: string, text: ReactNode): ReactNode {
  const safe = safeHref(href);
  if (safe === null) return <span className="dead-link">{text}</span>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  );
}

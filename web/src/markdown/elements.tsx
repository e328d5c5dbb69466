/** The elements of an answer, where they differ from the plain ones. */

import type { Element } from 'hast';
import type { ReactNode } from 'react';
import type { Components, ExtraProps } from 'streamdown';

import { CitationMark } from './CitationMark';
import { CodeBlock } from './CodeBlock';
import { NoteMark } from './Footnotes';
import { safeHref } from './links';

type Props<Name extends keyof React.JSX.IntrinsicElements> = React.JSX.IntrinsicElements[Name] &
  ExtraProps;

export const COMPONENTS: Components = {
  a: Link,
  img: Image,
  pre: Pre,
  table: Table,
  input: Checkbox,
  // The page's own headings are the first two levels.
  h1: heading('h3'),
  h2: heading('h4'),
  h3: heading('h5'),
  h4: heading('h6'),
  h5: heading('h6'),
  h6: heading('h6'),
};

function heading(Level: 'h3' | 'h4' | 'h5' | 'h6') {
  return function Heading({ dir, children }: Props<'h1'>): ReactNode {
    return <Level dir={dir}>{children}</Level>;
  };
}

function Link({ node, href = '', children }: Props<'a'>): ReactNode {
  const citation = node?.properties.dataCitation;
  if (citation !== undefined) return <CitationMark number={Number(citation)} />;
  if (node?.properties.dataFootnoteRef !== undefined) {
    return <NoteMark label={decodeURIComponent(href.replace('#user-content-fn-', ''))} />;
  }
  return <SafeLink href={href}>{children}</SafeLink>;
}

function SafeLink({ href, children }: { href: string; children: ReactNode }): ReactNode {
  const safe = safeHref(href);
  if (safe === null) return <span className="dead-link">{children}</span>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Not loaded: an address made by a model could carry the conversation away. */
function Image({ src, alt }: Props<'img'>): ReactNode {
  return (
    <SafeLink href={typeof src === 'string' ? src : ''}>
      {alt === undefined || alt === '' ? 'image' : alt}
    </SafeLink>
  );
}

/** A fence within a list or a quotation. */
function Pre({ node }: Props<'pre'>): ReactNode {
  const code = node?.children[0];
  if (code?.type !== 'element') return null;
  const language = [code.properties.className ?? []]
    .flat()
    .map((name) => /^language-(.*)$/.exec(name)?.[1])
    .find((name) => name !== undefined);
  const text = textOf(code).replace(/\n$/, '');
  return <CodeBlock pieces={[text]} language={language ?? ''} />;
}

function textOf({ children }: Element): string {
  return children.map((child) => (child.type === 'text' ? child.value : '')).join('');
}

/** Wide ones scroll by themselves, also with the keyboard. */
export function Table({ dir, children }: Props<'table'>): ReactNode {
  return (
    <div className="table" tabIndex={0} role="group" aria-label="Table">
      <table dir={dir}>{children}</table>
    </div>
  );
}

function Checkbox({ checked }: Props<'input'>): ReactNode {
  const done = checked === true;
  return (
    <input type="checkbox" checked={done} readOnly disabled aria-label={done ? 'done' : 'to do'} />
  );
}

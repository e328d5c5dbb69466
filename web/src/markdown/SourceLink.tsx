/** A source's title and the site that it is from, which opens in a tab of its own. */

import type { ReactNode } from 'react';

import type { Source } from './citations';

export function SourceLink({ source: { title, href } }: { source: Source }): ReactNode {
  if (href === null) return <span dir="auto">{title}</span>;
  const { hostname } = new URL(href);
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      <span dir="auto">{title}</span>
      {title !== hostname && <small>{hostname}</small>}
    </a>
  );
}

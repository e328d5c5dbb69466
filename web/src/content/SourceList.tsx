/** The sources of an answer, below it. */

import type { ReactNode } from 'react';

import type { Source } from '../markdown/citations';
import { SourceLink } from '../markdown/SourceLink';

export function SourceList({ sources }: { sources: readonly Source[] }): ReactNode {
  if (sources.length === 0) return null;
  return (
    <section className="sources" aria-label="Sources">
      <h3>Sources</h3>
      <ol>
        {sources.map((source) => (
          <li key={source.number}>
            <SourceLink source={source} />
          </li>
        ))}
      </ol>
    </section>
  );
}

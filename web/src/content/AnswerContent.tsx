/** What an answer says: its texts with their sources, its reasoning, its tools. */

import { memo, useMemo, type ReactNode } from 'react';

import type { Block } from '@tokencast/client';

import { SourcesContext, withoutMarks, type Source } from '../markdown/citations';
import { Markdown } from '../markdown/Markdown';
import { contentOf, type Part } from './parts';
import { Reasoning } from './Reasoning';
import { SourceList } from './SourceList';
import { Tool } from './Tool';

interface AnswerContentProps {
  blocks: readonly Block[];
  reasoningMs: number | null;
  growing: boolean;
  /** Its words alone, not what its Markdown means. */
  plain: boolean;
}

export const AnswerContent = memo(
  ({ blocks, reasoningMs, growing, plain }: AnswerContentProps): ReactNode => {
    const { parts, sources } = useMemo(() => contentOf(blocks), [blocks]);
    const numbered = useNumbered(sources);
    const thoughts = parts.filter(({ kind }) => kind === 'reasoning').length;
    return (
      <SourcesContext value={numbered}>
        {parts.map((part, index) => (
          <PartOf
            key={`${part.kind} ${part.index}`}
            part={part}
            // The time is that of all thoughts together.
            thoughtMs={thoughts === 1 ? reasoningMs : null}
            growing={growing && index === parts.length - 1}
            plain={plain}
          />
        ))}
        <SourceList sources={sources} />
      </SourcesContext>
    );
  },
);
AnswerContent.displayName = 'AnswerContent';

interface PartProps {
  part: Part;
  thoughtMs: number | null;
  growing: boolean;
  plain: boolean;
}

function PartOf({ part, thoughtMs, growing, plain }: PartProps): ReactNode {
  switch (part.kind) {
    case 'text':
      if (plain) return <div className="markdown plain">{withoutMarks(part.text)}</div>;
      return <Markdown text={part.text} growing={growing} />;
    case 'reasoning':
      return <Reasoning text={part.text} live={growing} tookMs={growing ? null : thoughtMs} />;
    case 'tool':
      return <Tool {...part} />;
  }
}

/** The same map as long as no source is new, so that no mark is rendered again with each word. */
function useNumbered(sources: readonly Source[]): ReadonlyMap<number, Source> {
  const written = JSON.stringify(sources);
  return useMemo(() => {
    const known = JSON.parse(written) as Source[];
    return new Map(known.map((source) => [source.number, source]));
  }, [written]);
}

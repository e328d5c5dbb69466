/** What the model thought before it answered: folded away, for who wants it. */

import { useState, type ReactNode } from 'react';

import { Markdown } from '../markdown/Markdown';
import { Dots } from '../ui/Dots';
import { thoughtInWords } from './thought_words';

interface ReasoningProps {
  text: string;
  /** It goes on. */
  live: boolean;
  /** How long it took; `null` where that isn't known, or not yet. */
  tookMs: number | null;
}

export function Reasoning({ text, live, tookMs }: ReasoningProps): ReactNode {
  const [open, setOpen] = useState(false);
  const hasText = text.trim() !== '';
  const words = thoughtInWords(live, hasText, tookMs);
  if (!hasText) {
    return (
      <p className="reasoning">
        {live && <Dots />}
        {words}
      </p>
    );
  }
  return (
    <details
      className="reasoning"
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
      }}
    >
      <summary>
        {live && <Dots />}
        {words}
      </summary>
      {open && (
        <div role="group" aria-label="Reasoning">
          <Markdown text={text} growing={live} />
        </div>
      )}
    </details>
  );
}

/** What was asked. A long question shows its beginning only, until its reader wants all of it. */

import { memo, useState, type ReactNode } from 'react';

import { isLong } from './prompt_size';

export const Question = memo(({ prompt }: { prompt: string }): ReactNode => {
  const [whole, setWhole] = useState(false);
  const long = isLong(prompt);
  return (
    <section className="question" aria-label="Question">
      <p dir="auto">{long && !whole ? <span className="collapsed">{prompt}</span> : prompt}</p>
      {long && (
        <button
          type="button"
          className="plain"
          aria-expanded={whole}
          onClick={() => {
            setWhole(!whole);
          }}
        >
          {whole ? 'Show less' : 'Show all'}
        </button>
      )}
    </section>
  );
});
Question.displayName = 'Question';

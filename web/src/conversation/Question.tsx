/** What was asked. A long question shows its beginning only, until its reader wants all of it. */

import { memo, useState, type ReactNode } from 'react';

import { isLong } from '../chat/prompt_size';
import { EditIcon } from '../ui/icons';
import { Versions } from './Versions';

interface QuestionProps {
  prompt: string;
  /** Among the versions of this turn, from 0. */
  version: number;
  versions: number;
  edit: () => void;
  previous: () => void;
  next: () => void;
}

export const Question = memo((props: QuestionProps): ReactNode => {
  const { prompt, version, versions, edit, previous, next } = props;
  const [whole, setWhole] = useState(false);
  const long = isLong(prompt);
  return (
    <section className="question" aria-label="Question">
      <p dir="auto">{long && !whole ? <span className="collapsed">{prompt}</span> : prompt}</p>
      <div className="question-actions">
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
        <Versions version={version} versions={versions} previous={previous} next={next} />
        <button
          type="button"
          className="quiet"
          aria-label="Edit the question"
          title="Edit the question"
          onClick={edit}
        >
          <EditIcon />
        </button>
      </div>
    </section>
  );
});
Question.displayName = 'Question';

/** The text of footnotes, at the end of an answer. */

import { useContext, type ReactNode } from 'react';

import { goTo, NotesContext } from './notes';
import { Piece } from './Piece';
import type { MathState } from './plugins';
import type { Note } from './references';

export function Footnotes({ notes, math }: { notes: readonly Note[]; math: MathState }): ReactNode {
  const { prefix } = useContext(NotesContext);
  return (
    <section className="footnotes" aria-label="Footnotes">
      <ol>
        {notes.map(({ label, number, source }) => (
          <li key={label} id={`${prefix}note-${number}`} value={number} dir="auto" tabIndex={-1}>
            <Piece part="flow" source={source} math={math} />
            <button
              type="button"
              className="note-mark"
              aria-label={`Back to the mark of footnote ${number}`}
              onClick={() => {
                goTo(`${prefix}mark-${number}`);
              }}
            >
              ↩
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The mark of a footnote within the text. */
export function NoteMark({ label }: { label: string }): ReactNode {
  const { prefix, numbers } = useContext(NotesContext);
  const number = numbers.get(label);
  if (number === undefined) return null;
  return (
    <button
      type="button"
      className="note-mark"
      id={`${prefix}mark-${number}`}
      aria-label={`Footnote ${number}`}
      onClick={() => {
        goTo(`${prefix}note-${number}`);
      }}
    >
      {number}
    </button>
  );
}

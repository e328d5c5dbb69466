/** A title while it is changed, in its place. */

import { useEffect, useRef, type ReactNode } from 'react';

import { isComposition } from '../chat/keys';

/** As the API counts. */
const MOST_CHARACTERS = 200;

interface TitleFieldProps {
  title: string;
  rename: (title: string) => void;
  close: () => void;
}

/** Enter and leaving the field keep what is written; Escape doesn't. */
export function TitleField({ title, rename, close }: TitleFieldProps): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const isOver = useRef(false);
  useEffect(() => {
    field.current?.select();
  }, []);
  const end = (isKept: boolean): void => {
    if (isOver.current) return;
    isOver.current = true;
    const written = field.current?.value.trim() ?? '';
    if (isKept && written !== '' && written !== title) rename(written);
    close();
  };
  return (
    <input
      ref={field}
      className="title-field"
      defaultValue={title}
      maxLength={MOST_CHARACTERS}
      aria-label="Title"
      autoComplete="off"
      autoFocus
      dir="auto"
      onBlur={() => {
        end(true);
      }}
      onKeyDown={(event) => {
        if (isComposition(event.nativeEvent)) return;
        if (event.key !== 'Enter' && event.key !== 'Escape') return;
        event.preventDefault();
        end(event.key === 'Enter');
      }}
    />
  );
}

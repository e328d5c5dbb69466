/** What is being written, kept in its tab across reloads: of each conversation its own. */

import { useCallback, useState } from 'react';

/** `place`: a conversation's id, or another name for where the draft belongs. */
export function useDraft(userId: string, place: string): [string, (text: string) => void] {
  const key = keyOf(userId, place);
  const [draft, setDraft] = useState(() => ({ key, text: read(key) }));
  // Another conversation is shown by now.
  const shown = draft.key === key ? draft : { key, text: read(key) };
  if (shown !== draft) setDraft(shown);
  const write = useCallback(
    (text: string) => {
      setDraft({ key, text });
      keep(key, text);
    },
    [key],
  );
  return [shown.text, write];
}

/** Before the place is shown, where it will be read. */
export function keepDraft(userId: string, place: string, text: string): void {
  keep(keyOf(userId, place), text);
}

function keyOf(userId: string, place: string): string {
  return `tokencast.draft.${userId}.${place}`;
}

function keep(key: string, text: string): void {
  try {
    if (text === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // Full, or forbidden: then it is lost with a reload.
  }
}

function read(key: string): string {
  return sessionStorage.getItem(key) ?? '';
}

/** What is being written, kept in its tab across reloads. */

import { useCallback, useState } from 'react';

export function useDraft(userId: string): [string, (text: string) => void] {
  const key = `tokencast.draft.${userId}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '');
  const write = useCallback(
    (written: string) => {
      setText(written);
      try {
        if (written === '') sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, written);
      } catch {
        // Full, or forbidden: then it is lost with a reload.
      }
    },
    [key],
  );
  return [text, write];
}

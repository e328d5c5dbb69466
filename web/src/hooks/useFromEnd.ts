/** A long list from its end on: more of it with each task, so that none takes long. */

import { useEffect, useState } from 'react';

const AT_ONCE = 8;

/** How many at the list's beginning are still left out. */
export function useFromEnd(length: number): number {
  const [shown, setShown] = useState(AT_ONCE);
  const behind = shown < length;
  useEffect(() => {
    if (!behind) return undefined;
    const timer = setTimeout(() => {
      setShown(shown + AT_ONCE);
    });
    return () => {
      clearTimeout(timer);
    };
  }, [shown, behind]);
  return Math.max(0, length - shown);
}

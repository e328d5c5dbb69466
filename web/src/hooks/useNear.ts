/** Whether an element is, or ever was, near what is in sight: what is far can wait with costly parts. */

import { useEffect, useState, type RefObject } from 'react';

/** Above and below what is in sight. */
const NEAR = '800px 0px';

/** `always`: from its first moment on. */
export function useNear(place: RefObject<HTMLElement | null>, always: boolean): boolean {
  const [near, setNear] = useState(always);
  if (always && !near) setNear(true);
  useEffect(() => {
    const element = place.current;
    if (near || element === null) return undefined;
    let cancel: (() => void) | null = null;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting !== true) {
          cancel?.();
          cancel = null;
        } else {
          cancel ??= inTaskOfItsOwn(() => {
            setNear(true);
          });
        }
      },
      { root: element.closest('.scroll-pane'), rootMargin: NEAR },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      cancel?.();
    };
  }, [near, place]);
  return near;
}

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** One after another, so that many don't make one long task. Returns how to take it back. */
function inTaskOfItsOwn(callback: () => void): () => void {
  waiting.add(callback);
  timer ??= setTimeout(next);
  return () => {
    waiting.delete(callback);
  };
}

function next(): void {
  timer = undefined;
  // What was seen last is what its reader looks at.
  const last = [...waiting].at(-1);
  if (last === undefined) return;
  waiting.delete(last);
  if (waiting.size > 0) timer = setTimeout(next);
  last();
}

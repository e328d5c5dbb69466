/** The end of the list: reads on when it is scrolled to, and says what goes wrong. */

import { useEffect, useRef, type ReactNode } from 'react';

import type { ConversationsView } from '@tokencast/react';
import { RetryIcon } from '../ui/icons';

interface ListEndProps {
  list: ConversationsView;
  searching: boolean;
}

export function ListEnd({ list, searching }: ListEndProps): ReactNode {
  const { state, hasMore, loadingMore, more, reload } = list;
  const end = useRef<HTMLDivElement>(null);
  const waits = state === 'ready' && hasMore && !loadingMore;
  useEffect(() => {
    if (!waits || !end.current) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) more();
      },
      { rootMargin: '200px' },
    );
    observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
  }, [waits, more]);
  if (state === 'failed') {
    return (
      <div className="list-end" role="status">
        <p className="hint">Your conversations can’t be read right now.</p>
        <button type="button" className="plain" onClick={reload}>
          <RetryIcon /> Try again
        </button>
      </div>
    );
  }
  return (
    <div ref={end} className="list-end">
      {(state === 'loading' || loadingMore || searching) && (
        <p className="hint">{searching ? 'Searching …' : 'Loading …'}</p>
      )}
    </div>
  );
}

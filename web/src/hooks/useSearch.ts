/** A search in the titles of conversations. */

import { useDeferredValue, useEffect, useMemo, useState } from 'react';

import type { Conversation } from '@tokencast/client';
import type { ConversationsView } from '@tokencast/react';

export interface Search {
  query: string;
  setQuery: (query: string) => void;
  found: readonly Conversation[];
  /** Older conversations are still looked through. */
  searching: boolean;
}

/** Looks through all of them: what isn't there yet is read. */
export function useSearch(list: ConversationsView): Search {
  const [query, setQuery] = useState('');
  const looked = useDeferredValue(query);
  const words = useMemo(() => plain(looked).split(/\s+/).filter(Boolean), [looked]);
  const found = useMemo(
    () =>
      words.length === 0
        ? list.items
        : list.items.filter(({ title }) => {
            const text = plain(title);
            return words.every((word) => text.includes(word));
          }),
    [list.items, words],
  );
  const searching = words.length > 0 && list.hasMore && list.state === 'ready';
  const { more, loadingMore, error } = list;
  useEffect(() => {
    if (searching && !loadingMore && error === null) more();
  }, [searching, loadingMore, error, more]);
  return { query, setQuery, found, searching: searching && error === null };
}

/** Without capitals and accents. */
export function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}

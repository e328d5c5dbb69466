'use client';

/** The list of a user's conversations, for React. */

import type { TokencastClient } from '@tokencast/client';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { ConversationsStore } from './conversations_store.js';
import type { ConversationsView } from './views.js';

/** The conversations of the client's user, and what can be done with them. It is live as long as the component is there. */
export function useConversations(client: TokencastClient): ConversationsView {
  const [store] = useState(() => new ConversationsStore(client));
  useEffect(() => {
    store.start(client);
    return () => {
      store.stop();
    };
  }, [store, client]);
  const state = useSyncExternalStore(store.subscribe, store.view, store.view);
  const actions = useMemo(
    () => ({
      more: () => {
        store.more();
      },
      reload: () => {
        store.reload();
      },
      rename: (conversationId: string, title: string) => store.rename(conversationId, title),
      remove: (conversationId: string) => store.remove(conversationId),
    }),
    [store],
  );
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

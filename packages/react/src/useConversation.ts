'use client';

/** One conversation, for React. */

import type { TokencastClient } from '@tokencast/client';
import { useEffect, useLayoutEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { mustBeText } from './arguments.js';
import { ConversationStore } from './conversation_store.js';
import type { AskOptions, ConversationView, Question } from './views.js';

export interface ConversationOptions {
  /** The id was made here just now, so that there is nothing to read before the first question. */
  isNew?: boolean | undefined;
}

/**
 * A conversation, and what can be done with it. It is live as long as the component is there. Unmounting leaves the answers that
 * run, which go on. `conversationId`: a UUID; one that nobody has used begins a conversation with the first question.
 */
export function useConversation(
  client: TokencastClient,
  conversationId: string,
  { isNew = false }: ConversationOptions = {},
): ConversationView {
  mustBeText('conversationId', conversationId);
  const id = conversationId.toLowerCase();
  const [kept, setStore] = useState(() => new ConversationStore(client, id, isNew));
  let store = kept;
  if (kept.conversationId !== id) {
    store = new ConversationStore(client, id, isNew);
    setStore(store);
  }
  useLayoutEffect(() => {
    store.use(client);
  }, [store, client]);
  useEffect(() => {
    store.start();
    return () => {
      store.stop();
    };
  }, [store]);
  const state = useSyncExternalStore(store.subscribe, store.view, store.view);
  const actions = useMemo(() => actionsOf(store), [store]);
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

function actionsOf(
  store: ConversationStore,
): Omit<ConversationView, keyof ReturnType<typeof store.view>> {
  const { turns } = store;
  return {
    siblings: (sessionId: string) => store.siblings(sessionId),
    show: (sessionId: string) => {
      turns.show(sessionId);
    },
    ask: (prompt: string, options?: AskOptions) => store.ask(prompt, options),
    edit: (sessionId: string, prompt: string, options?: AskOptions) =>
      store.edit(sessionId, prompt, options),
    regenerate: (sessionId: string, options?: AskOptions) => store.regenerate(sessionId, options),
    restore: (question: Question) => {
      turns.restore(question);
    },
    retry: (sessionId: string) => {
      turns.retry(sessionId);
    },
    discard: (sessionId: string) => turns.discard(sessionId),
    stop: () => {
      turns.stop();
    },
    reload: () => {
      store.reload();
    },
  };
}

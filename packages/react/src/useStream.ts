'use client';

/** One answer at a time, for React. */

import type { TokencastClient } from '@tokencast/client';
import { useEffect, useLayoutEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { AnswerStore } from './answer_store.js';
import type { AnswerView } from './answer_view.js';
import type { AskOptions } from './views.js';

/** What can be done; stable as long as the component is there. */
export interface StreamActions {
  /** Sends a prompt, to an assistant if one is named, and follows its answer. Returns the new session's id. */
  ask: (prompt: string, options?: AskOptions) => string;
  /** Follows a session that exists, unless it does so already. With an `unsent` prompt it is sent again first. */
  resume: (sessionId: string, unsent?: string | null) => void;
  /** Follows a session anew, from its beginning. */
  reload: (sessionId: string) => void;
  /** Stops the session that is followed, for everybody who listens. */
  stop: () => void;
  /** Follows nothing any more; the session goes on. Unmounting does the same. */
  leave: () => void;
}

/**
 * What to show, which changes at most once per frame, and what can be done. With another client, the next question goes over
 * that one; an answer that is followed goes on as it came.
 */
export function useStream(client: TokencastClient): [AnswerView, StreamActions] {
  const [store] = useState(() => new AnswerStore(client));
  useLayoutEffect(() => {
    store.use(client);
  }, [store, client]);
  const answer = useSyncExternalStore(store.subscribe, store.view, store.view);
  const actions = useMemo<StreamActions>(
    () => ({
      ask: (prompt, { assistant } = {}) => store.ask(prompt, { assistant }),
      resume: (sessionId, unsent) => {
        store.resume(sessionId, unsent);
      },
      reload: (sessionId) => {
        store.reload(sessionId);
      },
      stop: () => {
        store.stop();
      },
      leave: () => {
        store.leave();
      },
    }),
    [store],
  );
  useEffect(() => actions.leave, [actions]);
  return [answer, actions];
}

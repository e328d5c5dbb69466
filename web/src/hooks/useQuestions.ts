/** Asks in a conversation, and keeps each question until the API has it. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import type { ConversationView } from '@tokencast/react';
import type { TurnActions } from '../conversation/actions';
import type { Unsent } from './useUnsent';

interface Questions {
  /** Answers whether it was taken: not while an answer is under way. */
  ask: (prompt: string) => boolean;
  turns: TurnActions;
  /** The turn whose question is being changed. */
  editing: string | null;
  /** The session that was asked last from this page, if any. */
  asked: string | null;
}

/** `assistant`: who answers the next questions, if the user has chosen. `taken`: the conversation has a question now. */
export function useQuestions(
  view: ConversationView,
  conversationId: string,
  unsent: Unsent,
  assistant: string | undefined,
  taken: (conversationId: string) => void,
): Questions {
  const [editing, setEditing] = useState<string | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const { turns, path } = view;
  useRestored(view, conversationId, unsent);
  useEffect(() => {
    for (const { sessionId } of unsent.questions) {
      const answer = turns.find((turn) => turn.sessionId === sessionId)?.answer;
      // One that failed may have been refused, and be nowhere but here.
      if (answer?.sent === true && answer.phase !== 'failed') unsent.remove(sessionId);
    }
  }, [turns, unsent]);

  const keep = useCallback(
    (sessionId: string | null, parentId: string | null, prompt: string): boolean => {
      if (sessionId === null) return false;
      unsent.add(conversationId, { sessionId, parentId, prompt, assistant });
      setAsked(sessionId);
      setEditing(null);
      taken(conversationId);
      return true;
    },
    [conversationId, unsent, assistant, taken],
  );
  const { ask: askIt } = view;
  const last = path.at(-1)?.sessionId ?? null;
  const ask = useCallback(
    (prompt: string) => keep(askIt(prompt, { assistant }), last, prompt),
    [askIt, keep, last, assistant],
  );
  const { edit, regenerate, retry, siblings } = view;
  // The same as long as the conversation is, whatever its answers say: no turn is rendered again for it.
  const actions = useMemo<TurnActions>(
    () => ({
      startEdit: setEditing,
      edit: ({ sessionId, parentId }, prompt) => {
        if (keep(edit(sessionId, prompt, { assistant }), parentId, prompt))
          unsent.remove(sessionId);
      },
      regenerate: ({ sessionId, parentId, prompt }) => {
        if (keep(regenerate(sessionId, { assistant }), parentId, prompt)) unsent.remove(sessionId);
      },
      retry,
      previous: (sessionId) => {
        siblings(sessionId).previous();
      },
      next: (sessionId) => {
        siblings(sessionId).next();
      },
    }),
    [keep, unsent, assistant, edit, regenerate, retry, siblings],
  );
  return { ask, turns: actions, editing, asked };
}

/** Questions of this conversation that were asked before the page was loaded, and that the API doesn't have. */
function useRestored(
  { state, turns, restore }: ConversationView,
  conversationId: string,
  { questions, remove }: Unsent,
): void {
  const restored = useRef<string | null>(null);
  useEffect(() => {
    // What another tab asks from now on, it sends itself.
    if (state === 'loading' || restored.current === conversationId) return;
    restored.current = conversationId;
    for (const question of questions.toReversed()) {
      if (question.conversationId !== conversationId) continue;
      const isKnown = turns.some(({ sessionId }) => sessionId === question.sessionId);
      if (isKnown || state === 'deleted') remove(question.sessionId);
      else restore(question);
    }
  }, [state, turns, restore, conversationId, questions, remove]);
}

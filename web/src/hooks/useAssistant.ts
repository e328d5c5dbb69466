/** Who answers the next question: as the user says for a conversation, or else as the conversation had it last. */

import { useCallback, useState } from 'react';

import type { Assistant, Conversation } from '@tokencast/client';

export interface AssistantChoice {
  /** What the next question names; `undefined` where the user hasn't chosen, so that the server decides. */
  chosen: string | undefined;
  /** Who answers. */
  current: string | undefined;
  choose: (name: string) => void;
}

export function useAssistant(
  assistants: readonly Assistant[],
  conversation: Conversation | null,
  conversationId: string,
): AssistantChoice {
  const [choice, setChoice] = useState({ conversationId, name: '' });
  const isThere = (name: string | null | undefined): name is string =>
    assistants.some((assistant) => assistant.name === name);
  const isOfThis = choice.conversationId === conversationId && isThere(choice.name);
  const chosen = isOfThis ? choice.name : undefined;
  const last = conversation?.assistant;
  const byDefault = assistants.find(({ isDefault }) => isDefault)?.name;
  const choose = useCallback(
    (name: string) => {
      setChoice({ conversationId, name });
    },
    [conversationId],
  );
  return { chosen, current: chosen ?? (isThere(last) ? last : byDefault), choose };
}

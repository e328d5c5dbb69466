/** What can be done with a conversation as a whole, and what is said when it fails. */

import { useCallback, useMemo, useState } from 'react';

import {
  TokencastError,
  type Conversation,
  type ExportFormat,
  type TokencastClient,
} from '@tokencast/client';
import type { ConversationsView } from '@tokencast/react';
import { saveAs } from '../chat/save_as';
import type { ConversationActions } from '../conversation/actions';

export interface ConversationChanges {
  actions: ConversationActions;
  /** The conversation that waits for a yes or no to its end; `null`: none. */
  doomed: Conversation | null;
  spare: () => void;
  remove: (conversationId: string) => void;
  notice: string | null;
  closeNotice: () => void;
}

/** `left`: a conversation is gone, so that nobody shows it any more. */
export function useConversationActions(
  client: TokencastClient,
  { rename, remove }: Pick<ConversationsView, 'rename' | 'remove'>,
  left: (conversationId: string) => void,
): ConversationChanges {
  const [notice, setNotice] = useState<string | null>(null);
  const [doomed, setDoomed] = useState<Conversation | null>(null);
  const actions = useMemo<ConversationActions>(
    () => ({
      rename: (conversationId, title) => {
        setNotice(null);
        void rename(conversationId, title).then((isDone) => {
          if (!isDone) setNotice('The title could not be changed. Try again.');
        });
      },
      exportAs: (conversation, format) => {
        setNotice(null);
        void exported(client, conversation, format).then(setNotice);
      },
      remove: setDoomed,
    }),
    [client, rename],
  );
  const removeNow = useCallback(
    (conversationId: string): void => {
      setNotice(null);
      left(conversationId);
      void remove(conversationId).then((isDone) => {
        if (!isDone) setNotice('The conversation could not be deleted: it is still there.');
      });
    },
    [remove, left],
  );
  const spare = useCallback(() => {
    setDoomed(null);
  }, []);
  const closeNotice = useCallback(() => {
    setNotice(null);
  }, []);
  return { actions, doomed, spare, remove: removeNow, notice, closeNotice };
}

/** Saves the document. Returns what to say of it; `null`: nothing, for the browser says so. */
async function exported(
  client: TokencastClient,
  { conversationId, title }: Conversation,
  format: ExportFormat,
): Promise<string | null> {
  try {
    saveAs(title, format, await client.conversations.export(conversationId, format));
    return null;
  } catch (error) {
    const isGone = error instanceof TokencastError && error.kind === 'notFound';
    return isGone
      ? 'This conversation is not there any more.'
      : 'The conversation could not be exported. Try again.';
  }
}

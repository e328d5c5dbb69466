/** Asks before a conversation is deleted: nothing brings it back. */

import type { ReactNode } from 'react';

import type { Conversation } from '@tokencast/client';
import { Dialog } from '../ui/Dialog';

interface DeleteDialogProps {
  /** `null`: none is to be deleted. */
  conversation: Conversation | null;
  close: () => void;
  remove: (conversationId: string) => void;
}

export function DeleteDialog({ conversation, close, remove }: DeleteDialogProps): ReactNode {
  return (
    <Dialog title="Delete this conversation?" open={conversation !== null} close={close}>
      {conversation && (
        <>
          <p>
            <bdi>“{conversation.title}”</bdi> is deleted with all its questions and answers, on all
            your devices. It can’t be brought back.
          </p>
          <div className="choices">
            <button type="button" className="plain" autoFocus onClick={close}>
              Keep it
            </button>
            <button
              type="button"
              className="plain grave"
              onClick={() => {
                close();
                remove(conversation.conversationId);
              }}
            >
              Delete for good
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

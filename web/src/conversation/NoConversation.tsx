/** Why there is nothing to be seen where a conversation should be. */

import type { ReactNode } from 'react';

import type { ConversationView } from '@tokencast/react';
import { hrefOf } from '../hooks/useRoute';
import { RetryIcon, WarnIcon } from '../ui/icons';

export function NoConversation({ view }: { view: ConversationView }): ReactNode {
  const { state, error, reload } = view;
  switch (state) {
    case 'loading':
      return (
        <p className="state" role="status" data-phase="connecting">
          Loading the conversation …
        </p>
      );
    case 'failed':
      return (
        <div className="failure" role="alert">
          <WarnIcon />
          <div>
            <p>This conversation can’t be read right now.</p>
            {error && (
              <details>
                <summary>Details</summary>
                <p>{error.message}</p>
                <p className="code">{error.code}</p>
              </details>
            )}
          </div>
          <button type="button" className="plain" onClick={reload}>
            <RetryIcon /> Try again
          </button>
        </div>
      );
    case 'missing':
    case 'deleted':
    case 'ready':
      return (
        <div className="failure" role="alert">
          <WarnIcon />
          <p>
            {state === 'deleted'
              ? 'This conversation was deleted.'
              : 'There is no conversation of yours here: it is another user’s, or no longer kept.'}
          </p>
          <a className="plain" href={hrefOf({ page: 'chat', conversationId: null })}>
            New conversation
          </a>
        </div>
      );
  }
}

/** A conversation in the list: opens it, and has a menu of what can be done with it. */

import { memo, useRef, useState, type ReactNode } from 'react';

import type { Conversation } from '@tokencast/client';
import type { ConversationActions } from '../conversation/actions';
import { ConversationMenu } from '../conversation/ConversationMenu';
import { TitleField } from '../conversation/TitleField';
import { hrefOf } from '../hooks/useRoute';

interface EntryProps {
  conversation: Conversation;
  current: boolean;
  actions: ConversationActions;
  opened: () => void;
}

export const Entry = memo(({ conversation, current, actions, opened }: EntryProps): ReactNode => {
  const { conversationId, title, updatedAt } = conversation;
  const [renaming, setRenaming] = useState(false);
  const link = useRef<HTMLAnchorElement>(null);
  if (renaming) {
    return (
      <li className="current">
        <TitleField
          title={title}
          rename={(written) => {
            actions.rename(conversationId, written);
          }}
          close={() => {
            setRenaming(false);
            // Back to where it was, once that is there again.
            requestAnimationFrame(() => link.current?.focus());
          }}
        />
      </li>
    );
  }
  return (
    <li className={current ? 'current' : undefined}>
      <a
        ref={link}
        href={hrefOf({ page: 'chat', conversationId })}
        aria-current={current ? 'page' : undefined}
        title={`${title}\n${new Date(updatedAt).toLocaleString()}`}
        dir="auto"
        onClick={opened}
      >
        {title}
      </a>
      <ConversationMenu
        label={`More about “${title.slice(0, 60)}”`}
        conversation={conversation}
        rename={() => {
          setRenaming(true);
        }}
        actions={actions}
      />
    </li>
  );
});
Entry.displayName = 'Entry';

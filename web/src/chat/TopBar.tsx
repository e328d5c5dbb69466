/** The line above a conversation: its title, and what can be done with it. */

import { memo, useRef, useState, type ReactNode, type Ref } from 'react';

import type { Conversation } from '@tokencast/client';
import type { ConversationActions } from '../conversation/actions';
import { ConversationMenu } from '../conversation/ConversationMenu';
import { TitleField } from '../conversation/TitleField';
import { MenuIcon } from '../ui/icons';
import { ThemeButton } from '../ui/ThemeButton';

interface TopBarProps {
  title: string;
  /** `null`: the API has none yet. */
  conversation: Conversation | null;
  actions: ConversationActions;
  menuOpen: boolean;
  openMenu: () => void;
  menuButton: Ref<HTMLButtonElement>;
}

export const TopBar = memo((props: TopBarProps): ReactNode => {
  const { title, conversation, actions, menuOpen, openMenu, menuButton } = props;
  const [renaming, setRenaming] = useState<string | null>(null);
  const menu = useRef<HTMLSpanElement>(null);
  const isRenaming = conversation !== null && renaming === conversation.conversationId;
  return (
    <header className="top-bar">
      <button
        ref={menuButton}
        type="button"
        className="quiet only-narrow"
        aria-label="Open the menu"
        aria-expanded={menuOpen}
        onClick={openMenu}
      >
        <MenuIcon />
      </button>
      {isRenaming ? (
        <TitleField
          title={conversation.title}
          rename={(written) => {
            actions.rename(conversation.conversationId, written);
          }}
          close={() => {
            setRenaming(null);
            menu.current?.querySelector('button')?.focus();
          }}
        />
      ) : (
        <h1 dir="auto">{title}</h1>
      )}
      {conversation && (
        <span ref={menu} className="menu-place">
          <ConversationMenu
            label="More about this conversation"
            conversation={conversation}
            rename={() => {
              setRenaming(conversation.conversationId);
            }}
            actions={actions}
          />
        </span>
      )}
      <ThemeButton />
    </header>
  );
});
TopBar.displayName = 'TopBar';

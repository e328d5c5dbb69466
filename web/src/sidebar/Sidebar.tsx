/** The user's conversations, and who is signed in. On a narrow screen it slides in over the conversation. */

import { memo, useEffect, useRef, type ReactNode, type Ref } from 'react';

import type { ConversationsView } from '@tokencast/react';
import type { User } from '../App';
import type { ConversationActions } from '../conversation/actions';
import type { UnsentQuestion } from '../hooks/useUnsent';
import { hrefOf } from '../hooks/useRoute';
import { CloseIcon, CodeIcon, PlusIcon, SettingsIcon, SignOutIcon } from '../ui/icons';
import { Logo } from '../ui/Logo';
import { ConversationList } from './ConversationList';

interface SidebarProps {
  list: ConversationsView;
  unsent: readonly UnsentQuestion[];
  discard: (question: UnsentQuestion) => void;
  current: string | null;
  open: boolean;
  close: () => void;
  searchField: Ref<HTMLInputElement>;
  actions: ConversationActions;
  user: User;
  openSettings: () => void;
  signOut: () => void;
}

export const Sidebar = memo((props: SidebarProps): ReactNode => {
  const { open, close, user, openSettings, signOut, ...list } = props;
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    closeButton.current?.focus();
    const onKey = (event: KeyboardEvent): void => {
      // A field or a menu within has used it.
      const isUsed = event.defaultPrevented || document.querySelector(':popover-open') !== null;
      if (event.key === 'Escape' && !isUsed) close();
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [open, close]);
  return (
    <>
      {open && <div className="backdrop" onClick={close} />}
      <nav className={open ? 'sidebar open' : 'sidebar'} aria-label="Conversations">
        <div className="brand">
          <Logo />
          <span>Tokencast</span>
          <button
            ref={closeButton}
            type="button"
            className="quiet only-narrow"
            aria-label="Close the menu"
            onClick={close}
          >
            <CloseIcon />
          </button>
        </div>
        <a
          className="new-conversation"
          href={hrefOf({ page: 'chat', conversationId: null })}
          aria-keyshortcuts="Control+Shift+O Meta+Shift+O"
          onClick={close}
        >
          <PlusIcon /> New conversation
        </a>
        <ConversationList {...list} opened={close} />
        <div className="foot">
          <a className="row" href={hrefOf({ page: 'playground' })}>
            <CodeIcon /> GraphQL playground
          </a>
          <button type="button" className="row" onClick={openSettings}>
            <SettingsIcon /> Settings
          </button>
          <div className="row">
            <span className="avatar" aria-hidden="true">
              {user.name.charAt(0).toUpperCase()}
            </span>
            <span className="name" title={user.name}>
              {user.name}
            </span>
            <button
              type="button"
              className="quiet"
              aria-label="Sign out"
              title="Sign out"
              onClick={signOut}
            >
              <SignOutIcon />
            </button>
          </div>
        </div>
      </nav>
    </>
  );
});
Sidebar.displayName = 'Sidebar';

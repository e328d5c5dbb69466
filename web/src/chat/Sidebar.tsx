/** Earlier questions, and who is signed in. On a narrow screen it slides in over the conversation. */

import { memo, useEffect, useRef, type ReactNode } from 'react';

import type { User } from '../App';
import type { History, PastSession } from '../hooks/useHistory';
import { goTo, hrefOf } from '../hooks/useRoute';
import { CloseIcon, CodeIcon, PlusIcon, SettingsIcon, SignOutIcon, TrashIcon } from '../ui/icons';
import { Logo } from '../ui/Logo';

interface SidebarProps {
  history: History;
  current: string | null;
  open: boolean;
  close: () => void;
  user: User;
  openSettings: () => void;
  signOut: () => void;
}

export const Sidebar = memo(
  ({ history, current, open, close, user, openSettings, signOut }: SidebarProps): ReactNode => {
    const closeButton = useRef<HTMLButtonElement>(null);
    useEffect(() => {
      if (!open) return;
      closeButton.current?.focus();
      const onKey = (event: KeyboardEvent): void => {
        if (event.key === 'Escape') close();
      };
      window.addEventListener('keydown', onKey);
      return () => {
        window.removeEventListener('keydown', onKey);
      };
    }, [open, close]);
    return (
      <>
        {open && <div className="backdrop" onClick={close} />}
        <nav className={open ? 'sidebar open' : 'sidebar'} aria-label="Recent questions">
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
            className="new-question"
            href={hrefOf({ page: 'chat', sessionId: null })}
            aria-keyshortcuts="Control+Shift+O Meta+Shift+O"
            onClick={close}
          >
            <PlusIcon /> New question
          </a>
          <h2>Recent</h2>
          {history.sessions.length === 0 ? (
            <p className="hint">Your questions from this browser show up here.</p>
          ) : (
            <ul className="sessions">
              {history.sessions.map((session) => (
                <Entry
                  key={session.sessionId}
                  session={session}
                  current={session.sessionId === current}
                  open={close}
                  remove={() => {
                    history.remove(session.sessionId);
                    if (session.sessionId === current) goTo({ page: 'chat', sessionId: null });
                  }}
                />
              ))}
            </ul>
          )}
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
  },
);
Sidebar.displayName = 'Sidebar';

interface EntryProps {
  session: PastSession;
  current: boolean;
  open: () => void;
  remove: () => void;
}

function Entry({ session, current, open, remove }: EntryProps): ReactNode {
  const { sessionId, prompt, askedAt } = session;
  return (
    <li className={current ? 'current' : undefined}>
      <a
        href={hrefOf({ page: 'chat', sessionId })}
        aria-current={current ? 'page' : undefined}
        title={`${prompt}\n${new Date(askedAt).toLocaleString()}`}
        onClick={open}
      >
        {prompt}
      </a>
      <button
        type="button"
        className="quiet"
        aria-label={`Remove “${prompt.slice(0, 60)}” from the list`}
        title="Remove from the list"
        onClick={remove}
      >
        <TrashIcon />
      </button>
    </li>
  );
}
